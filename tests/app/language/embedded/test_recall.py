"""What a question brings back, and the evidence that comes of it."""

import pytest

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import Recall, recall
from app.language.embedded.times import format_time
from tests.app.language.embedded.streams import INDEX, LAYOUT, snapshot_of, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)


def recalled(text: str, history: tuple[tuple[str, str], ...] = ()) -> Recall:
    return recall(text, history, READING, LEXICON, CONCEPTS)


def test_concepts_and_moments_are_brought_back() -> None:
    found = recalled("How many dogs were there at 0:07?")
    assert found.concepts == (INDEX["dog"],)
    (asked,) = found.moments
    assert (asked.asked_s, asked.count(INDEX["dog"]), asked.is_near, asked.is_future) == (7.0, 2, False, False)


@pytest.mark.parametrize(
    "text", ["and now?", "where is it?", "When was that?", "how many?", "What about at 0:07?", "For how long?"]
)
def test_a_follow_up_inherits_what_was_named_before(text: str) -> None:
    assert recalled(text, (("Did you see a dog?", "Yes."),)).concepts == (INDEX["dog"],)


def test_what_was_inherited_is_marked_so() -> None:
    assert recalled("and now?", (("Did you see a dog?", "Yes."),)).is_inherited
    assert not recalled("and the car?", (("Did you see a dog?", "Yes."),)).is_inherited
    assert not recalled("What do you see?", (("Hello!", "Hello."),)).is_inherited


def test_slips_in_the_words_of_a_time_do_not_hide_it() -> None:
    assert recalled("what did you see 5 seocnds ago").moments
    assert recalled("betwene 0:06 and 0:08, any dogs?").range is not None


def test_a_time_beyond_the_stream_is_marked() -> None:
    assert recalled("What was there at 5:00?").moments[0].is_future


def test_a_range_tells_the_most_seen_within_it() -> None:
    found = recalled("Between 0:06 and 0:08, any dogs?")
    assert found.range is not None and found.range.count(INDEX["dog"]) == 2 and found.range.count(INDEX["car"]) == 0


def test_kinds_tell_their_members_now_and_ever() -> None:
    kind = recalled("Which animals did you see?").kinds[0]
    assert kind.now == () and kind.ever == ((INDEX["dog"], 2),)


def test_hours_later_and_without_an_archive_every_visit_is_told_from_the_time_between() -> None:
    """A dog for ten seconds in every two minutes of two hours; two of them on the sixth visit."""
    frames = []
    for second in range(0, 7200, 2):
        visit, since_s = divmod(second, 120)
        dogs = [("dog", 0.3, 0.5), ("dog", 0.7, 0.5)][: 1 + (visit == 5)] if since_s < 10 else []
        frames.append((float(second), [("person", 0.1, 0.9), *dogs]))
    reading = read_snapshot(snapshot_of(frames), LAYOUT)
    dog = INDEX["dog"]
    assert reading.records[dog].num_appearances == len(reading.records[dog].spans) == 60
    for visit in range(60):
        for start_s, count in ((120 * visit, 1 + (visit == 5)), (120 * visit + 30, 0)):
            text = f"Did you see a dog between {format_time(start_s)} and {format_time(start_s + 29)}?"
            found = recall(text, (), reading, LEXICON, CONCEPTS)
            assert found.range is not None and found.range.count(dog) == count
        text = f"Was there a dog at {format_time(120 * visit + 4)}?"
        (asked,) = recall(text, (), reading, LEXICON, CONCEPTS).moments
        assert 1 <= asked.count(dog) <= 2  # however long the slot is that its frames went into
