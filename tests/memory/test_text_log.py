import pytest

from memory import InvalidIntervalError, InvalidNoteError, MemoryClosedError, StreamMemory
from tests.memory.streams import make_config, random_frames, write_all


def texts(memory):
    return [note.text for note in memory.snapshot().notes]


def test_notes_are_published_at_once_in_order_of_the_time_they_speak_of():
    memory = StreamMemory(make_config())
    memory.note("user", "keys on the table", 9.0, 12.0)
    memory.note("caption", "a dog runs by", 1.0, 2.0)
    memory.note("answer", "It was a dog.", 1.0, 3.0)
    assert [(note.kind, note.text) for note in memory.snapshot().notes] == [
        ("caption", "a dog runs by"),
        ("answer", "It was a dog."),
        ("user", "keys on the table"),
    ]
    assert memory.snapshot().notes[2].start_s == 9.0 and memory.snapshot().notes[2].end_s == 12.0


def test_the_note_that_was_written_first_goes_when_the_log_is_full_and_is_counted():
    memory = StreamMemory(make_config(max_notes=3))
    for number in range(5):
        memory.note("caption", f"note {number}", 100.0 - number, 100.0)
    assert texts(memory) == ["note 4", "note 3", "note 2"]
    assert memory.stats().num_evicted_notes == 2


def test_a_pinned_note_outlives_later_ones():
    memory = StreamMemory(make_config(max_notes=3))
    memory.pin(0.0, 1.0, "arrival")
    for number in range(6):
        memory.note("caption", f"note {number}", float(number), float(number))
    assert texts(memory) == ["note 0", "note 1", "note 5"]


def test_a_log_of_pinned_notes_alone_is_still_bounded():
    memory = StreamMemory(make_config(max_notes=2))
    memory.pin(0.0, 100.0, "all")
    for number in range(5):
        memory.note("user", f"note {number}", float(number), float(number))
    assert len(texts(memory)) == 2


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("gossip", "x", "caption, answer, user, got 'gossip'"),
        ("user", "  ", "needs a text"),
        ("user", None, "needs a text"),
        ("user", "x" * 601, "600 characters at most, got 601"),
    ],
)
def test_a_note_of_another_kind_or_length_is_refused(kind, text, message):
    memory = StreamMemory(make_config())
    with pytest.raises(InvalidNoteError, match=message):
        memory.note(kind, text, 0.0, 1.0)
    assert memory.snapshot().notes == () and memory.snapshot().version == 0


def test_a_note_about_no_interval_or_after_close_is_refused():
    memory = StreamMemory(make_config())
    with pytest.raises(InvalidIntervalError):
        memory.note("user", "x", 2.0, 1.0)
    memory.close()
    with pytest.raises(MemoryClosedError):
        memory.note("user", "x", 1.0, 2.0)


def test_bytes_stay_within_the_limit_with_every_log_full():
    config = make_config(temporal_capacity=4)
    memory = write_all(StreamMemory(config), random_frames(0, 60))
    for number in range(50):
        memory.note("user", "x" * 600, float(number), float(number))
        memory.mark_gap("dark", 100.0 * number, 100.0 * number + 1)
    assert memory.stats().bytes <= config.max_bytes
