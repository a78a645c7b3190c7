"""The fine grain of the long-term memory: what it conserves, and what it keeps that the event slots must give up."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import StreamMemory
from tests.memory.streams import CHANNELS, KEY, D, P, checksum, make_config, random_frames, write_all


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), num_frames=st.integers(1, 80), capacity=st.sampled_from([2, 5, 16, 200]))
def test_traces_conserve_weight_mass_and_time_at_every_step(seed, num_frames, capacity):
    memory = StreamMemory(make_config(trace_capacity=capacity))
    total, moments = np.zeros(D), 0.0
    time_of = {}
    for count, (tokens, key, time_s, frame_id) in enumerate(random_frames(seed, num_frames), start=1):
        memory.write(tokens, key, time_s, frame_id)
        total += tokens.astype(np.float64).mean(axis=0)
        moments += time_s
        time_of[frame_id] = time_s
        traces = memory.snapshot().traces
        assert traces.weights.sum() == count and len(traces) <= capacity
        assert traces.tokens.shape == (len(traces), 1, D)
        held = (traces.tokens[:, 0].double() * traces.weights.double()[:, None]).sum(dim=0)
        np.testing.assert_allclose(held, total, atol=1e-3)
        assert (traces.mean_times_s * traces.weights).sum().item() == pytest.approx(moments, rel=1e-5)
    assert (traces.times_s[:, 0].diff() >= 0).all()
    for (start_s, end_s), mean_s, frame_id in zip(
        traces.times_s.tolist(), traces.mean_times_s.tolist(), traces.frame_ids.tolist(), strict=True
    ):
        assert start_s <= mean_s <= end_s and start_s <= time_of[frame_id] <= end_s


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_with_the_numbers_of_the_slots_traces_are_the_slots(seed):
    config = make_config(trace_capacity=8, trace_time_lambda=0.5)
    snapshot = write_all(StreamMemory(config), random_frames(seed, 70)).snapshot()
    for name in ("times_s", "weights", "frame_ids", "keys", "mean_times_s"):
        assert torch.equal(getattr(snapshot.traces, name), getattr(snapshot.temporal, name)), name
    torch.testing.assert_close(snapshot.traces.tokens[:, 0], snapshot.temporal.tokens.mean(dim=1))


def stream_with_rarities(num_scenes, num_rarities, num_rounds):
    """Scenes that come back all the time; between two of them, once each, something seen in two frames alone."""
    rng = np.random.default_rng(7)
    scenes, rarities = (rng.standard_normal((count, KEY * 8)) for count in (num_scenes, num_rarities))
    number, shown = 0, iter(rarities)
    for turn in range(num_rounds):
        for key in [*[scenes[turn % num_scenes]] * 6, *[next(shown, scenes[0])] * 2]:
            noisy = (key + 0.2 * rng.standard_normal(KEY * 8)).astype(np.float32)
            yield np.zeros((P, D), np.float32), noisy, float(number), number
            number += 1
    return rarities


def test_a_rare_sight_keeps_a_trace_of_its_own_when_the_slots_have_given_it_up():
    memory = StreamMemory(make_config(key_dim=KEY * 8, trace_capacity=64))
    frames, rarities = stream_with_rarities(5, 30, 120), None
    while rarities is None:
        try:
            memory.write(*next(frames))
        except StopIteration as end:
            rarities = torch.from_numpy(end.value).float()
    snapshot = memory.snapshot()

    def share_found(tier):
        similarity = torch.cosine_similarity(rarities[:, None], tier.keys[None], dim=2).max(dim=1).values
        return (similarity > 0.9).float().mean().item()

    assert share_found(snapshot.traces) == 1.0
    assert share_found(snapshot.temporal) < 0.3


def test_a_pin_keeps_the_traces_of_its_moment_apart():
    memory, frames = StreamMemory(make_config(trace_capacity=16)), list(random_frames(2, 200))
    write_all(memory, frames[:20])
    start_s, end_s = frames[3][2], frames[4][2]
    memory.pin(start_s, end_s, "keep")

    def of_the_pin():
        traces = memory.snapshot().traces
        touches = (traces.times_s[:, 0] <= end_s) & (traces.times_s[:, 1] >= start_s)
        return [
            (frame_id, weight)
            for frame_id, weight in zip(
                traces.frame_ids[touches].tolist(), traces.weights[touches].tolist(), strict=True
            )
        ]

    before = of_the_pin()
    write_all(memory, frames[20:])
    assert set(before) <= set(of_the_pin())


def test_forgetting_counts_the_traces_it_took():
    memory = write_all(StreamMemory(make_config()), random_frames(4, 60))
    num_before = len(memory.snapshot().traces)
    receipt = memory.forget(0.0, memory.snapshot().t_now_s)
    assert receipt.num_traces == num_before > 0
    assert len(memory.snapshot().traces) == 0


def test_without_traces_the_rest_is_the_same():
    frames = list(random_frames(9, 60))
    with_traces = write_all(StreamMemory(make_config()), frames).snapshot()
    memory = write_all(StreamMemory(make_config(trace_capacity=0)), frames)
    memory.pin(1.0, 2.0, "x")
    assert memory.forget(3.0, 4.0).num_traces == 0
    memory = write_all(StreamMemory(make_config(trace_capacity=0)), frames)
    snapshot = memory.snapshot()
    assert len(snapshot.traces) == 0 and snapshot.traces.tokens.shape == (0, 1, D)
    assert torch.equal(snapshot.temporal.tokens, with_traces.temporal.tokens)
    assert snapshot.ledger == with_traces.ledger
    assert StreamMemory.from_state(*memory.export_state()).snapshot().frames_seen == 60


def test_a_state_of_the_version_without_traces_gets_them_from_its_slots():
    memory = write_all(StreamMemory(make_config()), random_frames(6, 90))
    arrays, document = memory.export_state()
    for name in [name for name in arrays if name.startswith("traces")]:
        del arrays[name]
    document["version"] = 1
    del document["config"]["trace_capacity"], document["config"]["trace_time_lambda"]
    loaded = StreamMemory.from_state(arrays, document)
    one, other = memory.snapshot(), loaded.snapshot()
    assert torch.equal(other.temporal.tokens, one.temporal.tokens)
    assert other.traces.weights.sum() == one.frames_seen == 90
    assert torch.equal(other.traces.times_s, one.temporal.times_s)
    write_all(loaded, [(t, k, time_s + one.t_now_s, number + 10_000) for t, k, time_s, number in random_frames(8, 30)])
    assert loaded.snapshot().traces.weights.sum() == 120
    again = StreamMemory.from_state(*loaded.export_state())
    assert checksum(again.snapshot()) == checksum(loaded.snapshot())


def test_the_evidence_of_a_trace_is_the_mean_over_its_frames():
    memory = StreamMemory(make_config())
    tokens = np.zeros((P, D), np.float32)
    tokens[1, CHANNELS - 1] = 1.0
    memory.write(tokens, np.eye(1, KEY, dtype=np.float32)[0], 0.0, 0)
    assert memory.snapshot().traces.tokens[0, 0, CHANNELS - 1].item() == pytest.approx(1.0 / P)
