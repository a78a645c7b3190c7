"""Where streaming text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.speech.clauses import MAX_CHARS, MAX_WORDS, ClauseSplitter, split_clauses


def test_the_first_cut_is_at_a_clause_and_later_ones_at_sentences() -> None:
    text = "Yes I can, there is a cat, on the left. It sat down, then it slept. "
    assert split_clauses(text) == ["Yes I can, ", "there is a cat, on the left. ", "It sat down, then it slept. "]


def test_a_clause_is_given_as_soon_as_the_next_begins() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("I saw") == []
    assert splitter.feed(" a dog,") == []
    assert splitter.feed(" and") == ["I saw a dog, "]
    assert splitter.finish() == ["and"]


def test_without_marks_the_first_piece_has_eight_words() -> None:
    assert split_clauses("one two three four five six seven eight nine ten")[0].split()[-1] == "eight"


@pytest.mark.parametrize(
    "whole", ["It took 3.5 seconds.", "It came at 0:12.", "Dr. Smith came.", "It costs 1,250 dollars."]
)
def test_marks_inside_numbers_and_titles_do_not_cut(whole: str) -> None:
    assert split_clauses(whole) == [whole]


def test_a_single_word_waits_for_more_unless_it_ends_a_sentence() -> None:
    assert split_clauses("Yes, at the door there it is.")[0] == "Yes, at the door there it is."
    assert split_clauses("Yes. At the door.") == ["Yes. ", "At the door."]


def test_text_without_a_space_is_cut_at_the_limit() -> None:
    assert max(map(len, split_clauses("a" * 10_000))) == MAX_CHARS


@given(st.lists(st.text('ab ,.!?;:\n-—0"3', max_size=12), max_size=30))
def test_nothing_is_said_twice_or_dropped(pieces: list[str]) -> None:
    splitter = ClauseSplitter()
    clauses = [clause for piece in pieces for clause in splitter.feed(piece)] + splitter.finish()
    text = "".join(pieces)
    assert text.startswith("".join(clauses))
    assert not text.removeprefix("".join(clauses)).strip()
    assert all(len(clause.split()) <= MAX_WORDS + 1 and len(clause) <= MAX_CHARS for clause in clauses)
