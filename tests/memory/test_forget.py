"""Forgetting: what was seen, said or noted in an interval is gone from every part, and nothing else breaks."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import InvalidIntervalError, MemoryClosedError, StreamMemory
from tests.memory.streams import CHANNELS, KEY, D, P, checksum, make_config, random_frames, write_all

MARK = 777.0  # in the last channel of every token of a frame that must be forgotten


def all_numbers(value):
    """Every number in nested records, tensors and arrays."""
    if dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            yield from all_numbers(getattr(value, part.name))
    elif isinstance(value, dict):
        yield from (number for each in value.values() for number in all_numbers(each))
    elif isinstance(value, tuple | list):
        yield from (number for each in value for number in all_numbers(each))
    elif isinstance(value, torch.Tensor | np.ndarray):
        yield from np.asarray(value, np.float64).ravel().tolist()
    elif isinstance(value, int | float):
        yield float(value)


def marked_frames(seed, num_frames, hole):
    """Frames whose tokens, keys and ids tell whether they lie in the hole: tokens of MARK, negative ids."""
    for tokens, key, time_s, frame_id in random_frames(seed, num_frames):
        if hole[0] <= time_s <= hole[1]:
            tokens = tokens.copy()
            tokens[:, CHANNELS:] = MARK
            frame_id = -1000 - frame_id
        yield tokens, key, time_s, frame_id


def assert_nothing_is_left(memory, hole):
    snapshot = memory.snapshot()
    gaps = tuple(gap for gap in snapshot.gaps if gap.kind != "forgotten")
    start_s, end_s = hole
    for tier in (snapshot.spatial, snapshot.temporal, snapshot.traces, snapshot.abstract):
        assert not (tier.tokens > 1.0 + 5.0).any()  # honest tokens are below; a mean with one marked frame is above
        for ids in (tier.frame_ids, tier.first_frame_ids, tier.last_frame_ids):
            assert (ids >= 0).all()
    for record in snapshot.ledger.channels.values():
        assert not start_s <= record.peak_time_s <= end_s and record.peak_frame_id >= 0
        for span in record.spans:
            assert span.end_s < start_s or span.start_s > end_s
            assert min(span.peak_frame_id, span.first_frame_id, span.last_frame_id) >= 0
    for row in (*snapshot.notes, *gaps, *snapshot.pins):
        assert row.end_s < start_s or row.start_s > end_s
    arrays, document = memory.export_state()
    numbers = list(all_numbers(arrays))
    assert not any(number <= -1000 for number in numbers)
    assert MARK not in numbers
    times = [*arrays["ledger.times_s"].ravel(), *arrays["ledger.last_frame_s"], *arrays["ledger.evidence_times_s"]]
    assert not any(start_s <= time_s <= end_s for time_s in times if time_s)
    for cache in ("temporal_cache", "traces_cache"):
        is_outside = not start_s <= arrays[f"{cache}.clock_s"][0] <= end_s
        assert is_outside or not arrays[f"{cache}.last_kept_key"].size
    assert all(row["end_s"] < start_s or row["start_s"] > end_s for row in document["notes"])


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    num_frames=st.integers(1, 50),
    bounds=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    is_pinned=st.booleans(),
)
def test_no_evidence_of_the_interval_is_left_anywhere(seed, num_frames, bounds, is_pinned):
    times = [frame[2] for frame in random_frames(seed, num_frames)]
    first, last = sorted(min(bound, num_frames - 1) for bound in bounds)
    hole = (times[first], times[last])
    memory = write_all(StreamMemory(make_config(temporal_capacity=6)), marked_frames(seed, num_frames, hole))
    memory.note("caption", "in it", hole[0], hole[0])
    memory.note("user", "over its end", hole[1], hole[1] + 100)
    memory.note("user", "after it", hole[1] + 1, hole[1] + 100)
    memory.mark_gap("dark", hole[0] - 5, hole[1] + 5)
    if is_pinned:
        memory.pin(hole[0], hole[1], "secret")
    receipt = memory.forget(*hole)
    assert_nothing_is_left(memory, hole)
    snapshot = memory.snapshot()
    assert [note.text for note in snapshot.notes] == ["after it"]
    assert ("forgotten", *hole) in [(gap.kind, gap.start_s, gap.end_s) for gap in snapshot.gaps]
    assert snapshot.temporal.weights.sum() == snapshot.frames_seen == snapshot.abstract.weights.sum()
    assert snapshot.frames_seen + snapshot.frames_forgotten == num_frames
    assert snapshot.frames_forgotten == receipt.frames_forgotten
    assert receipt.version == snapshot.version
    assert (receipt.num_notes, receipt.num_gaps) == (2, 1)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), bounds=st.tuples(st.integers(0, 29), st.integers(0, 29)))
def test_the_memory_goes_on_within_its_invariants_afterwards(seed, bounds):
    frames = list(random_frames(seed, 90))
    hole = tuple(sorted(frames[bound][2] for bound in bounds))
    config = make_config(temporal_capacity=6)
    memory = write_all(StreamMemory(config), frames[:30])
    memory.forget(*hole)
    for count, frame in enumerate(frames[30:], start=31):
        memory.write(*frame)
        if count % 4:
            continue
        snapshot = memory.snapshot()
        tier = snapshot.temporal
        assert tier.weights.sum() == snapshot.frames_seen == count - snapshot.frames_forgotten
        assert len(tier) <= config.temporal_capacity
        assert (tier.times_s[:, 0].diff() >= 0).all()
        inside = (tier.times_s[:, 0] <= tier.mean_times_s) & (tier.mean_times_s <= tier.times_s[:, 1])
        assert inside.all()
    for record in memory.snapshot().ledger.channels.values():
        assert all(a.end_s < b.start_s for a, b in zip(record.spans, record.spans[1:], strict=False))
        assert record.num_appearances >= len(record.spans)
        assert record.present_s >= 0


def presence(memory, series, start=0):
    """Evidence for channel 0, a frame a second, each picture unlike the others."""
    rng = np.random.default_rng(start)
    for number, evidence in enumerate(series, start=start):
        tokens = np.zeros((P, D), np.float32)
        tokens[0, 0] = evidence
        memory.write(tokens, rng.standard_normal(KEY).astype(np.float32), float(number), number)


def spans_of(memory):
    record = memory.snapshot().ledger.channels.get(0)
    return record and [(round(span.start_s, 3), round(span.end_s, 3)) for span in record.spans]


def test_a_presence_before_and_after_becomes_two_and_goes_on():
    memory = StreamMemory(make_config())
    presence(memory, [1] * 20)
    memory.forget(5, 9)
    record = memory.snapshot().ledger.channels[0]
    assert spans_of(memory) == [(0, 5), (9, 19)]
    assert record.spans[0].end_s < 5 and record.spans[1].start_s > 9
    assert record.is_present and record.num_appearances == 2
    assert record.present_s == pytest.approx(15)
    presence(memory, [1] * 3 + [0] * 6, start=20)
    assert spans_of(memory) == [(0, 5), (9, 22)]


def test_a_presence_does_not_go_on_over_what_was_forgotten():
    memory = StreamMemory(make_config())
    presence(memory, [1] * 10 + [0] * 3)
    memory.forget(11, 12)
    presence(memory, [1] * 3, start=13)
    assert spans_of(memory) == [(0, 9), (13, 15)]


def test_a_presence_that_only_the_interval_showed_was_never_there():
    memory = StreamMemory(make_config())
    presence(memory, [0] * 5 + [1] * 5 + [0] * 10)
    memory.forget(4, 12)
    assert memory.snapshot().ledger.channels == {}
    presence(memory, [1] * 4, start=20)
    record = memory.snapshot().ledger.channels[0]
    assert (record.num_appearances, spans_of(memory)) == (1, [(20, 23)])


def test_a_presence_that_began_before_and_was_last_seen_in_the_interval_has_ended():
    memory = StreamMemory(make_config())
    presence(memory, [1] * 10)
    memory.forget(6, 9)
    record = memory.snapshot().ledger.channels[0]
    assert not record.is_present and spans_of(memory) == [(0, 6)]


def test_a_count_that_held_only_in_the_interval_is_no_longer_the_peak():
    memory = StreamMemory(make_config())
    presence(memory, [1, 1, 1, 1, 3, 3, 3, 1, 1, 1, 1, 1])
    assert memory.snapshot().ledger.channels[0].peak_count == 3
    memory.forget(3.5, 6.5)
    record = memory.snapshot().ledger.channels[0]
    assert record.peak_count == 1 and record.count_now == 1


def test_forgetting_an_old_interval_leaves_the_count_of_now():
    memory = StreamMemory(make_config())
    presence(memory, [1] * 5 + [0] * 5 + [3] * 10)
    memory.forget(0, 5)
    assert memory.snapshot().ledger.channels[0].count_now == 3


def test_the_newest_frames_come_back_as_a_slot_when_their_long_slot_must_go():
    memory, key = StreamMemory(make_config()), np.eye(KEY, dtype=np.float32)[0]
    for number in range(500):
        memory.write(np.full((P, D), 0.5, np.float32), key, float(number), number)
    receipt = memory.forget(100, 110)
    tier = memory.snapshot().temporal
    assert tier.weights.tolist() == [3] and tier.times_s.tolist() == [[497.0, 499.0]]
    assert (tier.tokens == 0.5).all()
    assert receipt.frames_forgotten == 497 and receipt.num_spatial == 0


def test_forgetting_everything_leaves_a_memory_that_starts_anew():
    memory = write_all(StreamMemory(make_config()), random_frames(1, 60))
    memory.forget(-1e9, 1e9)
    snapshot = memory.snapshot()
    assert snapshot.frames_seen == len(snapshot.spatial) == len(snapshot.temporal) == len(snapshot.abstract) == 0
    assert snapshot.ledger.channels == {}
    last_s = snapshot.t_now_s
    fresh = StreamMemory(make_config())
    for each in (memory, fresh):
        for tokens, key, time_s, frame_id in random_frames(2, 60):
            each.write(tokens, key, last_s + time_s, frame_id)
    assert memory.snapshot().temporal.tokens.equal(fresh.snapshot().temporal.tokens)
    assert memory.snapshot().ledger == fresh.snapshot().ledger


def test_an_interval_without_frames_takes_nothing_away():
    memory = write_all(StreamMemory(make_config()), random_frames(4, 60))
    last_s = memory.snapshot().t_now_s
    before = checksum(dataclasses.replace(memory.snapshot(), gaps=()))
    receipt = memory.forget(last_s + 10, last_s + 20)
    assert checksum(dataclasses.replace(memory.snapshot(), gaps=())) == before
    assert (receipt.frames_forgotten, receipt.num_slots, receipt.num_spans) == (0, 0, 0)


def test_the_rows_of_forgotten_tokens_are_overwritten():
    memory = write_all(StreamMemory(make_config()), random_frames(4, 40))
    memory.snapshot()
    memory.forget(-1e9, 1e9)
    block = memory._parts.store._rows._block  # the bytes themselves
    assert not block.any()


def test_a_snapshot_taken_before_keeps_what_it_held_and_a_pin_does_not_stand_against_it():
    memory = write_all(StreamMemory(make_config()), random_frames(5, 40))
    before = memory.snapshot()
    sum_before = checksum(before)
    memory.pin(0.0, 50.0, "keep me")
    memory.forget(10.0, 20.0)
    assert checksum(before) == sum_before
    pins = [(round(pin.start_s, 6), round(pin.end_s, 6), pin.label) for pin in memory.snapshot().pins]
    assert pins == [(0.0, 10.0, "keep me"), (20.0, 50.0, "keep me")]


def test_no_interval_and_a_closed_memory_are_refused():
    memory = write_all(StreamMemory(make_config()), random_frames(6, 5))
    with pytest.raises(InvalidIntervalError, match="ends before"):
        memory.forget(2.0, 1.0)
    memory.close()
    with pytest.raises(MemoryClosedError, match=r"forget\(\) was called after close"):
        memory.forget(1.0, 2.0)


def test_what_comes_after_the_hole_does_not_extend_a_slot_that_shows_something_else():
    memory = StreamMemory(make_config(spatial_capacity=3))
    scene, other = np.eye(2, KEY, dtype=np.float32)
    for number in range(40):
        memory.write(np.zeros((P, D), np.float32), other if number < 10 else scene, float(number), number)
    memory.forget(30.0, 39.0)  # the still scene from 10 on is one slot; its first frame lies outside of the hole
    memory.write(np.zeros((P, D), np.float32), scene, 40.0, 40)
    for tier in (memory.snapshot().temporal, memory.snapshot().traces):
        assert tier.times_s.tolist() == [[0.0, 9.0], [40.0, 40.0]]
        assert torch.equal(tier.keys, torch.from_numpy(np.stack([other, scene])))
