"""What the traces of a snapshot give back for a question, without an archive."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import MemoryConfig, StreamMemory, assemble
from memory.retrieval import Query, recollect

P, D, KEY, CHANNELS = 4, 6, 16, 4
SCENES = np.linalg.qr(np.random.default_rng(0).standard_normal((KEY, KEY)))[0].astype(np.float32)


@pytest.fixture(scope="module")
def snapshot():
    """Ten scenes of 40 s, twice over; the dog (channel 1) at 130 to 132, two cats (channel 2) from 500 on for 4 s."""
    config = MemoryConfig(num_tokens=P, token_dim=D, key_dim=KEY, num_evidence_channels=CHANNELS, trace_capacity=64)
    memory, rng = StreamMemory(config), np.random.default_rng(1)
    for number in range(800):
        tokens, key = np.zeros((P, D), np.float32), SCENES[number // 40 % 10]
        if 130 <= number <= 132:
            tokens[1, 1], key = 1.0, SCENES[11]
        if 500 <= number < 504:
            tokens[0, 2] = tokens[3, 2] = 1.0
            key = SCENES[12]
        memory.write(tokens, key + 0.05 * rng.standard_normal(KEY).astype(np.float32), float(number), number)
    return memory.snapshot()


def bring(snapshot, k=4, **query):
    return recollect(snapshot, Query(**query), k, num_tokens=P)


def lies_within(tier, start_s, end_s):
    return len(tier) > 0 and bool((tier.times_s[:, 0] >= start_s).all() and (tier.times_s[:, 1] <= end_s).all())


def test_a_short_sight_is_found_by_its_key(snapshot):
    found = bring(snapshot, k=1, key=SCENES[11])
    assert lies_within(found, 130, 132) and 130 <= found.frame_ids[0] <= 132


def test_a_thing_is_found_by_its_evidence_of_the_whole_picture(snapshot):
    for channel, times_s, evidence in ((1, (130.0, 132.0), 1.0), (2, (500.0, 503.0), 2.0)):
        found = bring(snapshot, channels=(channel,))
        assert lies_within(found, *times_s)
        assert found.tokens[0, 0, channel].item() * P == pytest.approx(evidence)


def test_what_was_never_seen_brings_nothing(snapshot):
    assert len(bring(snapshot, channels=(3,))) == 0
    assert len(bring(snapshot, key=SCENES[15])) == 0
    assert len(bring(snapshot, times=((5000.0, 6000.0),))) == 0


def test_a_time_brings_the_tightest_that_touch_it(snapshot):
    found = bring(snapshot, k=1, times=((131.0, 131.0),))
    assert lies_within(found, 130, 132)
    within = bring(snapshot, k=8, times=((490.0, 510.0),))
    assert all(start_s <= 510 and end_s >= 490 for start_s, end_s in within.times_s.tolist())


def test_content_within_a_time_leaves_out_what_lies_elsewhere(snapshot):
    assert len(bring(snapshot, channels=(1,), times=((0.0, 100.0),))) == 0
    assert lies_within(bring(snapshot, channels=(1,), times=((100.0, 140.0),)), 130, 132)


def test_an_overview_shows_different_things(snapshot):
    found = bring(snapshot, k=6)
    similarity = found.keys @ found.keys.T / (found.keys.norm(dim=1)[:, None] * found.keys.norm(dim=1)[None])
    assert len(found) == 6 and (similarity - torch.eye(6)).max() < 0.97


def test_an_assembly_takes_it_as_what_was_retrieved(snapshot):
    assembly = assemble(snapshot, "When was the dog there?", retrieved=bring(snapshot, channels=(1,)))
    parts = [part for part in assembly.parts if part.kind == "retrieved"]
    assert parts and all(130 <= part.start_s <= part.end_s <= 132 and part.num_tokens == 1 for part in parts)


def test_an_empty_memory_brings_nothing_and_a_k_below_one_is_refused(snapshot):
    empty = StreamMemory(MemoryConfig(num_tokens=P, token_dim=D, key_dim=KEY)).snapshot()
    assert len(recollect(empty, Query(), 4, num_tokens=P)) == 0
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        bring(snapshot, k=0)


@settings(deadline=None, max_examples=30)
@given(
    k=st.integers(1, 12),
    scene=st.none() | st.integers(0, KEY - 1),
    channels=st.lists(st.integers(0, CHANNELS - 1), max_size=2, unique=True).map(tuple),
    times=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)).map(sorted).map(tuple), max_size=2).map(tuple),
)
def test_any_question_gets_few_in_order_of_time_and_the_same_twice(snapshot, k, scene, channels, times):
    query = {"key": None if scene is None else SCENES[scene], "channels": channels, "times": times}
    one, other = bring(snapshot, k=k, **query), bring(snapshot, k=k, **query)
    assert len(one) <= k and torch.equal(one.frame_ids, other.frame_ids)
    assert (one.times_s[:, 0].diff() >= 0).all()
    assert one.tokens.shape == (len(one), 1, D)
