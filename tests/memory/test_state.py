"""The exported state: complete, exact, and refused with a sentence when it is not one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import StateError, StreamMemory, StreamMemoryError
from tests.memory.streams import checksum, make_config, random_frames, write_all


def through_json(memory):
    """As a file would carry it."""
    arrays, document = memory.export_state()
    return {name: each.copy() for name, each in arrays.items()}, json.loads(json.dumps(document))


def do_things(memory, last_s):
    memory.note("user", "blue key in the drawer", 1.0, 3.0)
    memory.mark_gap("disconnected", 5.0, 9.5)
    memory.pin(max(last_s - 20, 0.0), last_s + 5, "now")


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31), cut=st.integers(0, 80), is_busy=st.booleans(), hole=st.none() | st.floats(0, 200))
def test_a_memory_that_was_saved_and_loaded_goes_on_as_one_that_was_not(seed, cut, is_busy, hole):
    frames = list(random_frames(seed, 120))
    memory = write_all(StreamMemory(make_config()), frames[:cut])
    if is_busy:
        do_things(memory, frames[cut][2])
    if hole is not None:
        memory.forget(hole, hole + 15)
    loaded = StreamMemory.from_state(*through_json(memory))
    assert loaded.config == memory.config
    assert checksum(loaded.snapshot()) == checksum(memory.snapshot())
    assert loaded.snapshot().version == memory.snapshot().version
    for frame in frames[cut:]:
        assert loaded.write(*frame) == memory.write(*frame)
    assert checksum(loaded.snapshot()) == checksum(memory.snapshot())
    assert loaded.forget(30.0, 60.0) == memory.forget(30.0, 60.0)
    assert checksum(loaded.snapshot()) == checksum(memory.snapshot())
    again, exported = loaded.export_state(), memory.export_state()
    assert again[1] == exported[1]
    assert all(np.array_equal(again[0][name], exported[0][name]) for name in exported[0])


def test_the_export_is_a_copy_and_arrays_are_plain():
    memory = write_all(StreamMemory(make_config()), random_frames(0, 60))
    before = checksum(memory.snapshot())
    arrays, document = memory.export_state()
    assert {each.dtype.kind for each in arrays.values()} <= {"f", "i", "b"}
    assert all(each.flags["C_CONTIGUOUS"] for each in arrays.values())
    for each in arrays.values():
        each[...] = 1
    document["notes"].append("x")
    write_all(StreamMemory(make_config()), random_frames(0, 5))
    assert checksum(memory.snapshot()) == before


def test_a_closed_memory_can_be_exported_and_its_copy_writes_on():
    memory = write_all(StreamMemory(make_config()), random_frames(0, 20))
    memory.close()
    loaded = StreamMemory.from_state(*through_json(memory))
    last_s = loaded.snapshot().t_now_s
    for tokens, key, time_s, frame_id in random_frames(1, 5):
        loaded.write(tokens, key, last_s + time_s, frame_id)
    assert loaded.snapshot().frames_seen == 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, document: document.update(format="zip"), "not the state of a stream memory.*'zip'"),
        (lambda arrays, document: document.update(version=99), "version 99, this program reads 2"),
        (lambda arrays, document: document.pop("config"), "configuration that this program does not know"),
        (lambda arrays, document: document["config"].update(colour=3), "does not know.*colour"),
        (lambda arrays, document: document["config"].update(token_dim=0), "token_dim must be >= 1"),
        (lambda arrays, document: arrays.pop("temporal.seconds"), "not complete or was changed.*seconds"),
        (lambda arrays, document: document["notes"].append({"kind": "user"}), "not complete or was changed"),
        (lambda arrays, document: arrays.update({"temporal.token_sums": np.zeros((9, 1, 2), np.float32)}), "changed"),
    ],
)
def test_what_is_no_state_of_this_version_is_refused_with_a_sentence(change, message):
    memory = write_all(StreamMemory(make_config()), random_frames(0, 30))
    arrays, document = through_json(memory)
    change(arrays, document)
    with pytest.raises(StateError, match=message) as caught:
        StreamMemory.from_state(arrays, document)
    assert isinstance(caught.value, StreamMemoryError) and isinstance(caught.value, ValueError)
