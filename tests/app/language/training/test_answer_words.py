"""The words of answers."""

import pytest

from app.language.embedded.statements.words import capital, counted, joined, place, times, with_article
from vision.encoders import CONCEPTS

BY_NAME = {concept.name: concept for concept in CONCEPTS}


@pytest.mark.parametrize(
    ("name", "words"),
    [("dog", "a dog"), ("apple", "an apple"), ("scissors", "scissors"), ("broccoli", "some broccoli")],
)
def test_names_stand_with_their_article(name: str, words: str) -> None:
    assert with_article(BY_NAME[name]) == words


@pytest.mark.parametrize(
    ("count", "name", "words"),
    [
        (0, "dog", "no dogs"),
        (1, "dog", "one dog"),
        (12, "person", "twelve people"),
        (400, "dog", "many dogs"),
        (0, "broccoli", "no broccoli"),
        (3, "broccoli", "some broccoli"),
    ],
)
def test_things_are_counted_in_words(count: int, name: str, words: str) -> None:
    assert counted(count, BY_NAME[name]) == words


def test_times_are_counted_as_people_say_them() -> None:
    assert [times(count) for count in (1, 2, 3, 50)] == ["once", "twice", "three times", "many times"]


def test_places_have_their_preposition() -> None:
    assert [place(region) for region in (0, 1, 3, 4)] == [
        "at the top left",
        "at the top",
        "on the left",
        "in the centre",
    ]


def test_lists_end_with_and() -> None:
    assert [joined(list(letters)) for letters in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_only_the_first_letter_becomes_a_capital() -> None:
    assert capital("the TV") == "The TV"
