"""The abstract tier: it spans the stream, adds up, and its entries stay apart."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import StreamMemory
from tests.memory.streams import KEY, D, P, make_config, random_frames, write_all


def effective_rank(rows):
    """exp of the entropy of the singular values (O. Roy and M. Vetterli, 2007)."""
    values = torch.linalg.svdvals(rows.double())
    shares = values / values.sum()
    return float(torch.exp(-(shares * torch.log(shares.clamp_min(1e-300))).sum()))


def scene_frames(num_frames, num_scenes, seed=0, key_dim=64, shared=0.0):
    """Scenes of some ten frames; tokens show what the key stands for; `shared` is a part common to all."""
    rng = np.random.default_rng(seed)
    scenes = rng.standard_normal((num_scenes, key_dim)) + shared * rng.standard_normal(key_dim)
    scene = 0
    for number in range(num_frames):
        if rng.random() < 0.1:
            scene = int(rng.integers(num_scenes))
        key = (scenes[scene] + 0.3 * rng.standard_normal(key_dim)).astype(np.float32)
        yield np.tile(key, (P, 1)), key, number * 0.5, number


def test_ten_thousand_frames_one_at_a_time_do_not_collapse_it():
    config = make_config(key_dim=64, token_dim=64, temporal_capacity=16, abstract_capacity=16)
    memory = write_all(StreamMemory(config), scene_frames(10_000, num_scenes=100))
    tier = memory.snapshot().abstract
    assert len(tier) == 16 and tier.tokens.shape == (16, 1, 64)
    assert effective_rank(tier.tokens[:, 0]) > 8
    assert tier.weights.sum() == 10_000


@pytest.mark.parametrize(("num_scenes", "shared"), [(20, 0.0), (20, 3.0), (1000, 0.0)])
def test_it_stays_apart_with_few_many_and_similar_scenes(num_scenes, shared):
    config = make_config(key_dim=64, token_dim=64, abstract_capacity=16)
    memory = write_all(StreamMemory(config), scene_frames(600, num_scenes, shared=shared))
    tokens = memory.snapshot().abstract.tokens[:, 0]
    assert effective_rank(tokens - tokens.mean(dim=0)) > 8


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31), num_frames=st.integers(1, 60))
def test_its_weights_times_and_keys_stand_for_the_whole_stream(seed, num_frames):
    frames = list(random_frames(seed, num_frames))
    memory = StreamMemory(make_config())
    keys = np.zeros(KEY)
    for count, frame in enumerate(frames, start=1):
        memory.write(*frame)
        keys += frame[1] / np.linalg.norm(frame[1])
        tier = memory.snapshot().abstract
        assert len(tier) <= memory.config.abstract_capacity
        assert tier.weights.sum() == count
    assert tier.times_s.min() == frames[0][2] and tier.times_s.max() == frames[-1][2]
    assert (tier.times_s[:, 0].diff() >= 0).all()
    np.testing.assert_allclose((tier.keys * tier.weights[:, None]).sum(dim=0), keys, atol=1e-4)


def test_what_comes_back_joins_what_it_was_however_long_ago():
    memory = StreamMemory(make_config(abstract_capacity=2, duplicate_similarity=2.0))
    scenes = np.eye(KEY, dtype=np.float32)[:2]
    for number in range(40):
        tokens = np.full((P, D), number // 10 % 2, np.float32)
        memory.write(tokens, scenes[number // 10 % 2], float(number), number)
    tier = memory.snapshot().abstract
    assert tier.weights.tolist() == [20, 20]
    assert tier.times_s.tolist() == [[0.0, 29.0], [10.0, 39.0]]
    torch.testing.assert_close(tier.tokens[:, 0], torch.tensor([[0.0], [1.0]]).expand(2, D), atol=1e-3, rtol=0)


@pytest.mark.parametrize("key", [np.ones(KEY, np.float32), np.zeros(KEY, np.float32)], ids=["still", "black"])
def test_a_picture_that_never_changes_is_summed_up_as_itself(key):
    memory = StreamMemory(make_config())
    for number in range(50):
        memory.write(np.full((P, D), 0.25, np.float32), key, float(number), number)
    tier = memory.snapshot().abstract
    assert tier.weights.sum() == 50
    assert (tier.tokens == 0.25).all()


def test_an_empty_memory_has_an_empty_summary():
    tier = StreamMemory(make_config()).snapshot().abstract
    assert len(tier) == 0 and tier.tokens.shape == (0, 1, D)
