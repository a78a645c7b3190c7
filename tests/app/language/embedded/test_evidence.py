"""Evidence: what the sentence that was said rests on, and nothing else."""

import pytest

from app.language.embedded.evidence import MAX_EVIDENCE, evidence_for
from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import Reading, read_snapshot
from app.language.embedded.recall import recall
from app.language.embedded.statements import FAMILIES, Statements
from tests.app.language.embedded.streams import LAYOUT, snapshot_of, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)
NOW = (19.0, 19.0)


def spans(family: str | None, text: str, reading: Reading = READING) -> list[tuple[float, float]]:
    recalled = recall(text, (), reading, LEXICON, CONCEPTS)
    return [(one.start_s, one.end_s) for one in evidence_for(family, recalled, reading)]


def test_when_something_was_seen_rests_on_its_spans() -> None:
    recalled = recall("When did you see a dog?", (), READING, LEXICON, CONCEPTS)
    (found,) = evidence_for("when", recalled, READING)
    assert (found.start_s, found.end_s) == (5.0, 9.0)
    assert 50 <= found.frame_id <= 90


def test_a_moment_that_was_asked_about_is_the_evidence() -> None:
    ((start_s, end_s),) = spans("describe_at", "What did you see at 0:07?")
    assert start_s <= 7.0 <= end_s


def test_a_range_that_was_asked_about_rests_on_what_was_seen_in_it() -> None:
    found = spans("describe_between", "What did you see between 0:06 and 0:08?")
    assert (5.0, 9.0) in found and NOW not in found
    assert all(start_s <= 8.0 and end_s >= 6.0 for start_s, end_s in found)


@pytest.mark.parametrize("family", ["exist_now", None])
def test_what_was_never_seen_rests_on_the_newest_frame(family: str | None) -> None:
    assert spans(family, "Is there an elephant?") == [NOW]


@pytest.mark.parametrize(
    ("family", "text"),
    [("greeting", "Hello"), ("out_of_scope", "What colour is the dog?"), (None, "Is there a gryphon?")],
)
def test_what_cannot_be_told_rests_on_nothing(family: str | None, text: str) -> None:
    assert spans(family, text) == []


def test_what_has_left_rests_on_when_it_was_last_seen() -> None:
    assert spans("exist_now", "Is there a dog?") == [(5.0, 9.0)]


def test_the_present_rests_on_the_newest_frame_alone() -> None:
    assert spans("describe_now", "What can you see?") == [NOW]


def test_a_question_about_the_whole_does_not_cite_what_was_asked_before() -> None:
    recalled = recall("What do you see?", (("Did you see a dog?", "Yes."),), READING, LEXICON, CONCEPTS)
    assert [(one.start_s, one.end_s) for one in evidence_for("describe_now", recalled, READING)] == [NOW]


def test_a_summary_rests_on_the_first_time_of_each_thing_it_names() -> None:
    first_times = {record.spans[0].start_s for record in READING.records.values()}
    found = spans("describe_all", "What have you seen so far?")
    assert len(found) == min(len(first_times), MAX_EVIDENCE)
    assert {start_s for start_s, _ in found} <= first_times


def test_first_and_last_time_rest_on_one_span_each() -> None:
    frames = [(float(second), [("cat", 0.5, 0.5)] if second // 10 % 2 == 0 else []) for second in range(75)]
    reading = read_snapshot(snapshot_of(frames), LAYOUT)
    assert [start for start, _ in spans("first", "When did you first see the cat?", reading)] == [0.0]
    assert [start for start, _ in spans("last", "When did you last see the cat?", reading)] == [60.0]


def test_evidence_is_bounded_and_in_order() -> None:
    frames = [(float(second), [("cat", 0.5, 0.5)] if second // 10 % 2 == 0 else []) for second in range(150)]
    reading = read_snapshot(snapshot_of(frames), LAYOUT)
    found = spans("when", "When did you see the cat?", reading)
    assert 2 <= len(found) <= MAX_EVIDENCE
    assert found == sorted(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_evidence(family: str) -> None:
    recalled = recall("Were there more dogs or cats at 0:07?", (), READING, LEXICON, CONCEPTS)
    case = Statements(READING, recalled, CONCEPTS)
    if case.can_answer(family):
        is_of_nothing = family in ("greeting", "out_of_scope")
        assert bool(evidence_for(family, recalled, READING)) is not is_of_nothing
