import numpy as np
import pytest

from memory import InvalidNoteError, PinLimitError, StreamMemory
from tests.memory.streams import KEY, D, P, make_config, random_frames, write_all


def novel_frames(first, last, seed=0):
    """A frame a second, each unlike all others."""
    rng = np.random.default_rng(seed)
    for number in range(last):
        tokens, key = rng.random((P, D), np.float32), rng.standard_normal(KEY).astype(np.float32)
        if number >= first:
            yield tokens, key, float(number), number


def slot_times(memory):
    return [tuple(times) for times in memory.snapshot().temporal.times_s.tolist()]


def test_a_pinned_slot_is_as_it_was_after_a_thousand_frames_and_an_unpinned_one_is_not():
    pinned, plain = StreamMemory(make_config()), StreamMemory(make_config())
    for memory in (pinned, plain):
        write_all(memory, novel_frames(0, 5))
    pinned.pin(2.0, 3.0, "the visit")
    before = pinned.snapshot().temporal
    for memory in (pinned, plain):
        write_all(memory, novel_frames(5, 1005))
    assert {(2.0, 2.0), (3.0, 3.0)} <= set(slot_times(pinned))
    assert not {(2.0, 2.0), (3.0, 3.0)} & set(slot_times(plain))
    after = pinned.snapshot().temporal
    for frame_id in (2, 3):
        rows = [tier.frame_ids.tolist().index(frame_id) for tier in (before, after)]
        assert before.tokens[rows[0]].equal(after.tokens[rows[1]])
    assert pinned.snapshot().temporal.weights.sum() == 1005


def test_frames_that_come_while_their_interval_is_pinned_are_kept_apart():
    memory = StreamMemory(make_config())
    memory.pin(10.0, 11.0, "soon")
    write_all(memory, novel_frames(0, 200))
    assert {(10.0, 10.0), (11.0, 11.0)} <= set(slot_times(memory))


def test_a_frame_after_the_pin_does_not_run_into_its_slot():
    memory, key = StreamMemory(make_config()), np.eye(KEY, dtype=np.float32)[0]
    memory.pin(0.0, 1.0, "start")
    for number in range(6):
        memory.write(np.zeros((P, D), np.float32), key, float(number), number)
    assert slot_times(memory) == [(0.0, 1.0), (2.0, 5.0)]


def test_pins_never_take_the_room_that_merging_needs():
    config = make_config(temporal_capacity=5, protected_slots=2, max_pinned_slots=12)
    memory = StreamMemory(config)
    memory.pin(0.0, 1e9, "everything")
    write_all(memory, novel_frames(0, 300))
    stats = memory.stats()
    assert stats.num_slots == 5 and stats.num_pinned_slots == config.pinnable_slots == 2
    assert memory.snapshot().temporal.weights.sum() == 300
    assert slot_times(memory)[:2] == [(0.0, 0.0), (1.0, 1.0)]


def test_a_pin_is_shown_labelled_replaced_and_taken_off():
    memory = StreamMemory(make_config(max_pins=2))
    write_all(memory, novel_frames(0, 5))
    assert memory.pin(1, 2, "cat").label == "cat"
    memory.pin(1, 2, "black cat")
    memory.pin(4, 9, "")
    assert [(pin.start_s, pin.end_s, pin.label) for pin in memory.snapshot().pins] == [
        (1.0, 2.0, "black cat"),
        (4.0, 9.0, ""),
    ]
    with pytest.raises(PinLimitError, match="holds 2 pins already"):
        memory.pin(20, 21, "one too many")
    assert memory.unpin(2, 3) == 1
    assert memory.stats().num_pinned_slots == 1
    assert memory.unpin(50, 60) == 0


@pytest.mark.parametrize("label", ["x" * 201, None])
def test_a_label_that_is_no_short_text_is_refused(label):
    with pytest.raises(InvalidNoteError, match="200 characters at most"):
        StreamMemory(make_config()).pin(0, 1, label)


def test_a_pinned_span_is_the_last_to_be_joined():
    memory = StreamMemory(make_config(max_spans_per_channel=3))
    memory.pin(20.0, 25.0, "second visit")
    key = np.ones(KEY, np.float32)
    for number in range(120):
        tokens = np.zeros((P, D), np.float32)
        tokens[0, 0] = float(number % 20 < 5)
        memory.write(tokens, key, float(number), number)
    spans = [(span.start_s, span.end_s) for span in memory.snapshot().ledger.channels[0].spans]
    assert len(spans) == 3 and (20.0, 24.0) in spans


def test_without_pins_nothing_differs():
    plain, unpinned = StreamMemory(make_config()), StreamMemory(make_config())
    unpinned.pin(0.0, 5.0, "gone again")
    unpinned.unpin(0.0, 5.0)
    for memory in (plain, unpinned):
        write_all(memory, random_frames(3, 200))
    assert plain.snapshot().temporal.tokens.equal(unpinned.snapshot().temporal.tokens)
