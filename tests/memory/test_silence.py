"""A time without frames: nothing is said to have gone on over it, in no tier, and it is told as a gap."""

import json

import numpy as np
import pytest
import torch

from memory import MemoryConfig, StreamMemory
from tests.memory.streams import checksum

SIZES = {"num_tokens": 4, "token_dim": 6, "key_dim": 5, "num_evidence_channels": 2}
DAY_S = 86_400.0


def make_memory(**changes):
    return StreamMemory(MemoryConfig(**{**SIZES, **changes}))


def show(memory, times_s, first_id=0, evidence=1.0):
    """The same picture at these times, with one thing of channel 0 in it."""
    tokens = np.zeros((4, 6), np.float32)
    tokens[0, 0] = evidence
    for number, time_s in enumerate(times_s, start=first_id):
        memory.write(tokens, np.ones(5, np.float32), float(time_s), number)


def spans(memory):
    return [(span.start_s, span.end_s) for span in memory.snapshot().ledger.channels[0].spans]


def test_a_jump_of_a_day_is_a_gap_and_nothing_is_said_to_have_lasted_for_it():
    memory = make_memory()
    show(memory, range(10))
    show(memory, [DAY_S + second for second in range(10)], first_id=10)
    snapshot = memory.snapshot()
    assert spans(memory) == [(0.0, 9.0), (DAY_S, DAY_S + 9)]
    record = snapshot.ledger.channels[0]
    assert (record.present_s, record.num_appearances, record.is_present) == (18.0, 2, True)
    assert [(gap.kind, gap.start_s, gap.end_s) for gap in snapshot.gaps] == [("dropped", 9.0, DAY_S)]
    for tier in (snapshot.temporal, snapshot.traces):
        assert tier.times_s.tolist() == [[0.0, 9.0], [DAY_S, DAY_S + 9]]
        assert tier.weights.tolist() == [10.0, 10.0]


def test_a_gap_that_was_marked_is_not_told_twice():
    memory = make_memory()
    show(memory, range(10))
    memory.mark_gap("disconnected", 9.5, 99.0)
    show(memory, range(100, 105), first_id=10)
    assert [gap.kind for gap in memory.snapshot().gaps] == ["disconnected"]
    assert spans(memory) == [(0.0, 9.0), (100.0, 104.0)]


@pytest.mark.parametrize("pause_s", [1.0, 5.0, 10.0])
def test_a_short_pause_ends_nothing(pause_s):
    memory = make_memory()
    show(memory, range(10))
    show(memory, [9 + pause_s, 10 + pause_s], first_id=10)
    assert spans(memory) == [(0.0, 10 + pause_s)]
    assert memory.snapshot().gaps == ()


@pytest.mark.parametrize("step_s", [15.0, 60.0])
def test_a_slow_stream_of_even_pace_is_no_row_of_silences(step_s):
    memory = make_memory()
    show(memory, [step_s * number for number in range(8)])
    assert spans(memory) == [(0.0, 7 * step_s)]
    assert memory.snapshot().gaps == ()
    show(memory, [7 * step_s + 5 * step_s], first_id=8)
    assert spans(memory) == [(0.0, 7 * step_s), (12 * step_s, 12 * step_s)]


def test_a_day_between_the_first_two_frames_is_a_silence_too():
    memory = make_memory()
    show(memory, [0.0, DAY_S])
    assert memory.snapshot().temporal.times_s.tolist() == [[0.0, 0.0], [DAY_S, DAY_S]]
    assert len(memory.snapshot().gaps) == 1


def test_what_was_only_beginning_before_the_silence_begins_anew_after_it():
    memory = make_memory()
    show(memory, range(5), evidence=0.0)
    show(memory, [5.0], first_id=5, evidence=0.5)  # not yet enough for an appearance
    show(memory, [500.0, 501.0], first_id=6, evidence=0.9)
    assert spans(memory) == [(500.0, 501.0)]
    assert memory.snapshot().ledger.channels[0].spans[0].first_frame_id == 6


def test_a_memory_saved_before_the_silence_minds_it_after_loading():
    memory = make_memory()
    show(memory, np.arange(10) * 0.5)
    arrays, document = memory.export_state()
    loaded = StreamMemory.from_state(arrays, json.loads(json.dumps(document)))
    for each in (memory, loaded):
        show(each, [20.0, 20.5], first_id=10)
    assert checksum(loaded.snapshot()) == checksum(memory.snapshot())
    assert len(loaded.snapshot().gaps) == 1
    document.pop("last_step_s")  # as a state of before had none
    older = StreamMemory.from_state(arrays, document)
    show(older, [4.5 + DAY_S], first_id=10)
    assert torch.equal(older.snapshot().temporal.weights, torch.tensor([10.0, 1.0]))


def test_a_silence_after_forgetting_tells_no_forgotten_time():
    memory = make_memory()
    show(memory, range(10))
    memory.forget(5.0, 9.0)
    show(memory, [100.0], first_id=10)
    assert [(gap.kind, gap.start_s, gap.end_s) for gap in memory.snapshot().gaps] == [("forgotten", 5.0, 9.0)]
