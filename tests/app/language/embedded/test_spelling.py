"""Slips in the everyday words of questions."""

import pytest

from app.language.embedded.spelling import corrected, is_slip

KNOWN = frozenset(("what", "when", "first", "screen", "wolf", "dog", "there", "could", "ford", "front"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("When did it firts come?", "When did it first come?"),
        ("Anything on teh scteen?", "Anything on the screen?"),
        ("5 seocnds ago", "5 seconds ago"),
        ("betwene 0:02 and 0:15", "between 0:02 and 0:15"),
        ("Waht wold you see?", "What would you see?"),
        ("frot of you", "front of you"),
    ],
)
def test_a_slip_in_an_everyday_word_is_put_right(typed: str, meant: str) -> None:
    assert corrected(typed, KNOWN.__contains__) == meant


@pytest.mark.parametrize("text", ["Is there a wolf?", "Could a dog be there?", "a ford", "at 0:20s", "", "x" * 50_000])
def test_what_is_no_slip_stays_as_it_was_typed(text: str) -> None:
    assert corrected(text, KNOWN.__contains__) == text


def test_two_slips_in_one_word_are_not_guessed() -> None:
    assert corrected("seocmds", KNOWN.__contains__) == "seocmds"


def test_empty_words_are_no_slips() -> None:
    assert not is_slip("", "first") and not is_slip("first", "")
