"""Times in people's words, on the wall clock."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import QuestionError
from app.recording.phrases import find_phrases, read_moment

NOW = datetime(2026, 11, 23, 16, 0)  # a Monday
KNOWN = (datetime(2026, 11, 22, 7, 0), datetime(2026, 11, 23, 15, 59, 30))


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second)


@pytest.mark.parametrize(
    ("question", "words", "start", "end"),
    [
        ("Did anyone come in yesterday at 9?", "yesterday at 9", at(22, 9), at(22, 9)),
        ("What happened between 2 and 3?", "between 2 and 3", at(23, 14), at(23, 15)),
        ("What happened yesterday between 2 and 3 pm?", "yesterday between 2 and 3 pm", at(22, 14), at(22, 15)),
        ("What happened between 2 and 3 yesterday?", "between 2 and 3 yesterday", at(22, 14), at(22, 15)),
        ("Was there a dog an hour ago?", "an hour ago", at(23, 15), at(23, 15)),
        ("a couple of hours ago, what was there?", "a couple of hours ago", at(23, 14), at(23, 14)),
        ("Who was there an hour and a half ago?", "an hour and a half ago", at(23, 14, 30), at(23, 14, 30)),
        ("Has anything changed since I left at noon?", "since i left at noon", at(23, 12), at(23, 16)),
        ("What was there after 3pm?", "after 3pm", at(23, 15), at(23, 16)),
        ("Who came before noon?", "before noon", at(22, 7), at(23, 12)),
        ("What did you see at 14:02:11?", "at 14:02:11", at(23, 14, 2, 11), at(23, 14, 2, 11)),
        ("Who came between 11 and 1?", "between 11 and 1", at(23, 11), at(23, 13)),
        ("between 23:00 and 1:00 was there a cat", "between 23:00 and 1:00", at(22, 23), at(23, 1)),
        ("Did you see a cat this morning?", "this morning", at(23, 5), at(23, 12)),
        ("Was someone there last night?", "last night", at(22, 22), at(23, 6)),
        ("did anyone pass today?", "today", at(23), at(23, 16)),
        ("Did a car pass on monday?", "on monday", at(23), at(23, 16)),
        ("Did a car pass last monday?", "last monday", at(16), at(17)),
        ("Who was there on 20 November at 10:30?", "on 20 november at 10:30", at(20, 10, 30), at(20, 10, 30)),
        ("two days ago", "two days ago", at(21), at(22)),
        ("How many people in the last 20 minutes?", "in the last 20 minutes", at(23, 15, 40), at(23, 16)),
        ("in the last half hour?", "in the last half hour", at(23, 15, 30), at(23, 16)),
        ("3 in the afternoon, who was there?", "3 in the afternoon", at(23, 15), at(23, 15)),
        ("What happened at 5pm?", "at 5pm", at(22, 17), at(22, 17)),
    ],
)
def test_times_are_found_and_placed(question: str, words: str, start: datetime, end: datetime) -> None:
    (phrase,) = find_phrases(question, NOW, KNOWN)
    assert (phrase.words, phrase.start, phrase.end) == (words, start, end)
    assert question.lower()[slice(*phrase.place)] == words


@pytest.mark.parametrize(
    "question",
    [
        "Is there a dog at the moment?",
        "When did you see 2 cats?",
        "What may you see?",
        "from 10 people to 20 people",
        "What did you see 20 seconds after the start?",
        "first five minutes?",
        "How many people are there at most?",
        "Is there a second dog?",
    ],
)
def test_what_is_no_time_of_the_clock_is_left_alone(question: str) -> None:
    assert find_phrases(question, NOW, KNOWN) == ()


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("at 25:61 was anyone there?", "'25:61' is no time of the day"),
        ("yesterday at 25:61?", "is no time of the day"),
        ("at 13 pm?", "is no time of the day"),
        ("between 15:00 and 14:00?", "ends before it begins"),
        ("between today and yesterday?", "ends before it begins"),
        ("Did a car pass on 31 february?", "There is no day '31 february'"),
        ("What happened tomorrow?", "lies in the future"),
        ("What happened today at 23:00?", "lies in the future"),
        ("what was there before you started?", "the recording begins there"),
        ("What changed since I left?", "name the time"),
    ],
)
def test_an_impossible_time_gets_a_sentence(question: str, part: str) -> None:
    with pytest.raises(QuestionError, match=part):
        find_phrases(question, NOW, KNOWN)


def test_the_hour_that_was_recorded_is_taken_where_two_could_be_meant() -> None:
    morning = (at(23, 8), at(23, 11))
    (phrase,) = find_phrases("Who was there at 9?", at(23, 23), morning)
    assert phrase.start == at(23, 9)
    evening = (at(23, 18), at(23, 22))
    (phrase,) = find_phrases("Who was there at 9?", at(23, 23), evening)
    assert phrase.start == at(23, 21)
    (phrase,) = find_phrases("Who was there at 09:00?", at(23, 23), evening)
    assert phrase.start == at(23, 9), "a leading zero means the hours of the day from 0 to 23"


@pytest.mark.parametrize(
    ("said", "is_end", "expected"),
    [
        ("14:02", False, at(23, 14, 2)),
        ("yesterday", False, at(22)),
        ("yesterday", True, at(23)),
        ("yesterday at 9", True, at(22, 9)),
        ("2026-11-23T14:00", False, at(23, 14)),
        ("an hour ago", False, at(23, 15)),
        ("now", True, NOW),
        ("2026-11-22", True, at(23)),
    ],
)
def test_one_moment_by_itself(said: str, is_end: bool, expected: datetime) -> None:
    assert read_moment(said, NOW, KNOWN, is_end=is_end) == expected


@pytest.mark.parametrize("said", ["gibberish", "", "14:02 or so", "2026-13-45T10:00", "25:61", "9 people"])
def test_what_is_no_moment_gets_a_sentence(said: str) -> None:
    with pytest.raises(QuestionError):
        read_moment(said, NOW, KNOWN)


def test_a_time_with_a_zone_is_told_by_the_clock_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert read_moment("2026-11-23T12:00:00+00:00", NOW, KNOWN) == at(23, 13)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(alphabet="0123456789:apm yestrdblwnoi,?-", max_size=40))
def test_any_text_is_read_or_refused_with_a_sentence(question: str) -> None:
    try:
        phrases = find_phrases(question, NOW, KNOWN)
    except QuestionError as error:
        assert str(error).endswith((".", "'"))
        return
    for before, after in zip(phrases, phrases[1:], strict=False):
        assert before.place[1] <= after.place[0]
    assert all(phrase.start <= phrase.end for phrase in phrases)
