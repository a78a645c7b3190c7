"""The invariants that a long-term memory must keep, as checks that any layout can be put to.

StreamMemory must pass each; the released writers of Flash-VStream must fail the ones that they are known to break: that
shows that the checks bite. The numbers are those of the list in docs/MEMORY.md. Elsewhere: 3 (bytes), 8, 9, 13, 14 and
22 in test_stream_memory.py and test_temporal.py; 5 (on disk) and 17 with the archive and the storage;
15, 18 and 20 in test_assembly.py; 16 in test_state.py.
"""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import StreamMemory
from memory.baselines import Fifo, FlashMemory, LastFrames, OfflineKMeans, StarMemory, UniformFrames
from tests.memory.streams import CHANNELS, P, checksum, make_config, random_frames, write_all
from tests.memory.test_summary import effective_rank

WIDE = {
    "key_dim": 32,
    "token_dim": 32,
    "temporal_capacity": 24,
    "spatial_capacity": 4,
    "abstract_capacity": 16,
    "trace_capacity": 4,
}


def conserve_weight(make, frames):  # 1
    memory = make(make_config())
    for count, frame in enumerate(frames, start=1):
        memory.write(*frame)
        assert memory.snapshot().temporal.weights.sum() == count


def conserve_mass(make, frames):  # 2
    memory = make(make_config())
    total = np.zeros(frames[0][0].shape[1])
    for tokens, key, time_s, frame_id in frames:
        memory.write(tokens, key, time_s, frame_id)
        total += tokens.astype(np.float64).mean(axis=0)
    tier = memory.snapshot().temporal
    kept = (tier.tokens.double().mean(dim=1) * tier.weights.double()[:, None]).sum(dim=0)
    np.testing.assert_allclose(kept, total, atol=1e-3)


def stay_within_the_budget(make, frames):  # 3
    config = make_config()
    memory = make(config)
    for frame in frames:
        memory.write(*frame)
        snapshot = memory.snapshot()
        assert len(snapshot.temporal) <= config.temporal_capacity
        assert len(snapshot.spatial) <= config.spatial_capacity
        tokens = sum(tier.tokens.shape[0] * tier.tokens.shape[1] for tier in (snapshot.spatial, snapshot.temporal))
        assert tokens <= config.max_visual_tokens


def keep_true_times_in_order(make, frames):  # 4
    memory = make(make_config())
    moments = 0.0
    for count, frame in enumerate(frames, start=1):
        memory.write(*frame)
        moments += frame[2]
        tier = memory.snapshot().temporal
        starts, ends = tier.times_s.T
        assert (starts.diff() >= 0).all()
        assert ((starts <= tier.mean_times_s) & (tier.mean_times_s <= ends)).all()
        mean = (tier.mean_times_s * tier.weights).sum() / tier.weights.sum()
        assert mean.item() == pytest.approx(moments / count, rel=1e-5, abs=1e-6)


def name_real_frames(make, frames):  # 5
    time_of = {frame_id: time_s for _, _, time_s, frame_id in frames}
    for tier in (write_all(make(make_config()), frames).snapshot().temporal,):
        for (start_s, end_s), frame_id in zip(tier.times_s.tolist(), tier.frame_ids.tolist(), strict=True):
            assert start_s <= time_of[frame_id] <= end_s


def repeat_bit_by_bit(make, frames):  # 6
    snapshots = [write_all(make(make_config()), frames).snapshot() for _ in range(2)]
    assert checksum(snapshots[0]) == checksum(snapshots[1])


def leave_snapshots_alone(make, frames):  # 7
    memory = write_all(make(make_config()), frames[:10])
    snapshot = memory.snapshot()
    before = checksum(snapshot)
    write_all(memory, frames[10:])
    assert checksum(snapshot) == before


def novelties(num_frames):
    rng = np.random.default_rng(0)
    for number in range(num_frames):
        key = rng.standard_normal(32).astype(np.float32)
        yield np.tile(key, (P, 1)), key, float(number), number


def cover_the_stream(make):  # 10
    tier = write_all(make(make_config(**WIDE)), novelties(400)).snapshot().temporal
    fifths = torch.bincount((tier.mean_times_s / 400 * 5).long().clamp(0, 4), minlength=5)
    assert (fifths >= 0.05 * len(tier)).all(), fifths


def planted_event(first, num_frames=1000, length=3):
    """Scenes of forty frames; for `length` frames from `first` on something else is to be seen."""
    rng = np.random.default_rng(first)
    scenes, event = rng.standard_normal((10, 32)), rng.standard_normal(32)
    for number in range(num_frames):
        key = event if first <= number < first + length else scenes[number // 40 % 10]
        key = (key + 0.2 * rng.standard_normal(32)).astype(np.float32)
        yield np.tile(key, (P, 1)), key, float(number), number
    return event


def find_a_short_event(make, first=50):  # 11, and 12 when asked for several places
    frames = planted_event(first)
    memory, event = make(make_config(**WIDE)), None
    while event is None:
        try:
            memory.write(*next(frames))
        except StopIteration as end:
            event = end.value
    tiers = (memory.snapshot().temporal, memory.snapshot().spatial)
    keys, ids = (torch.cat([getattr(tier, name) for tier in tiers]) for name in ("keys", "frame_ids"))
    similarity = torch.cosine_similarity(keys, torch.from_numpy(event)[None].float())
    best = int(similarity.argmax())
    assert similarity[best] > 0.9 and first <= ids[best] < first + 3


def bring_back_frames_of_all_times(ids, num_frames):  # 12
    """`ids`: of what was retrieved for events planted all over the stream."""
    fifths = np.bincount(np.array(ids) * 5 // num_frames, minlength=5)
    assert (fifths > 0).all(), fifths


def stay_apart(make):  # 19
    tokens = write_all(make(make_config(**WIDE)), novelties(300)).snapshot().abstract.tokens[:, 0]
    assert effective_rank(tokens - tokens.mean(dim=0)) > len(tokens) / 2


ON_ANY_STREAM = (
    conserve_weight,
    conserve_mass,
    stay_within_the_budget,
    keep_true_times_in_order,
    name_real_frames,
    repeat_bit_by_bit,
    leave_snapshots_alone,
)


@pytest.mark.parametrize("check", ON_ANY_STREAM)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**31), num_frames=st.integers(12, 60))
def test_ours_keeps_it_on_any_stream(check, seed, num_frames):
    check(StreamMemory, list(random_frames(seed, num_frames)))


@pytest.mark.parametrize("check", [cover_the_stream, stay_apart])
def test_ours_keeps_it_on_a_stream_of_novelties(check):
    check(StreamMemory)


@pytest.mark.parametrize("first", [5, 120, 250, 370, 440])
def test_ours_finds_a_short_event_wherever_it_lies(first):
    find_a_short_event(StreamMemory, first)


def test_ours_brings_back_frames_of_all_times():
    rng = np.random.default_rng(3)
    memory = StreamMemory(make_config(**WIDE))
    events = {first: rng.standard_normal(32) for first in range(40, 480, 55)}
    scenes = rng.standard_normal((6, 32))
    for number in range(500):
        event = next((events[first] for first in events if first <= number < first + 4), None)
        key = scenes[number // 25 % 6] if event is None else event
        key = (key + 0.15 * rng.standard_normal(32)).astype(np.float32)
        memory.write(np.tile(key, (P, 1)), key, float(number), number)
    tier = memory.snapshot().temporal
    similarity = torch.from_numpy(np.array(list(events.values()))).float() @ tier.keys.T
    bring_back_frames_of_all_times(tier.frame_ids[similarity.argmax(dim=1)].tolist(), 500)


STREAM = list(random_frames(5, 60))
BROKEN_ON_ANY_STREAM = [
    (StarMemory, conserve_weight),
    (StarMemory, conserve_mass),
    (StarMemory, keep_true_times_in_order),
    (FlashMemory, keep_true_times_in_order),
    (LastFrames, conserve_weight),
    (LastFrames, conserve_mass),
    (Fifo, conserve_weight),
    (UniformFrames, conserve_weight),
]
BROKEN_OVER_TIME = [
    (StarMemory, cover_the_stream),
    (FlashMemory, cover_the_stream),
    (LastFrames, find_a_short_event),
    (Fifo, cover_the_stream),
    (Fifo, find_a_short_event),
    (StarMemory, find_a_short_event),
    (FlashMemory, find_a_short_event),
    (UniformFrames, find_a_short_event),
    (StarMemory, stay_apart),
]


def name_of(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("layout", "check"), BROKEN_ON_ANY_STREAM, ids=name_of)
def test_the_check_bites_on_a_layout_known_to_break_it(layout, check):
    with pytest.raises(AssertionError):
        check(layout, STREAM)


@pytest.mark.parametrize(("layout", "check"), BROKEN_OVER_TIME, ids=name_of)
def test_the_check_bites_over_time_on_a_layout_known_to_break_it(layout, check):
    with pytest.raises(AssertionError):
        check(layout)


def test_offline_k_means_keeps_what_the_released_writers_lose():
    for check in (conserve_weight, conserve_mass, name_real_frames):
        check(OfflineKMeans, STREAM[:40])
    find_a_short_event(OfflineKMeans)


def test_the_released_retrieval_only_ever_returns_the_first_frames():  # 12
    memory, num_seen = StarMemory(make_config(**WIDE)), 400
    write_all(memory, novelties(num_seen))
    assert max(memory.retrieved_ids) < memory.num_slots
    with pytest.raises(AssertionError):
        bring_back_frames_of_all_times(memory.retrieved_ids, num_seen)


def test_a_snapshot_is_had_while_a_write_is_under_way_and_the_reverse():  # 21
    memory = write_all(StreamMemory(make_config()), STREAM[:30])
    took = []
    with memory._changing:  # a writer in the midst of its work
        reader = threading.Thread(target=lambda: took.append(memory.snapshot().temporal.tokens.sum()))
        reader.start()
        reader.join(timeout=20)
    assert len(took) == 1
    held = [memory.snapshot() for _ in range(3)]  # readers that never finish
    write_all(memory, STREAM[30:])
    assert memory.snapshot().frames_seen == 60 and held[0].frames_seen == 30


def test_snapshots_that_are_kept_do_not_starve_the_writer():  # 21
    config = make_config(num_spare_rows=0)
    memory, snapshots = StreamMemory(config), []
    for frame in STREAM:
        memory.write(*frame)
        snapshots.append(memory.snapshot())
    sums = [float(snapshot.temporal.tokens[:, :, CHANNELS:].abs().sum()) for snapshot in snapshots]
    again = StreamMemory(config)
    for frame, expected in zip(STREAM, sums, strict=True):
        again.write(*frame)
        assert float(again.snapshot().temporal.tokens[:, :, CHANNELS:].abs().sum()) == expected
