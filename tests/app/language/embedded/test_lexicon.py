"""Which concepts a question names."""

import pytest

from app.language.embedded.lexicon import Lexicon, plural_of
from app.language.embedded.spelling import is_slip
from vision.encoders import CONCEPTS

EVERYDAY = frozenset(
    (
        "place",
        "whole",
        "house",
        "where",
        "there",
        "lies",
        "could",
        "camera",
        "screen",
        "truck",
        "people",
        "person",
        "alone",
        "company",
        "count",
        "their",
        "peak",
        "glasses",
        "lost",
        "glass",
        "when",
        "come",
        "what",
        "many",
        "sign",
        "stop",
        "parking",
    )
)
LEXICON = Lexicon(CONCEPTS, EVERYDAY.__contains__)


def named(text: str) -> list[str]:
    return [CONCEPTS[index].name for index in LEXICON.find(text).concepts]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Is there a dog or a cat?", ["dog", "cat"]),
        ("Any wine glasses on the table?", ["wine glass", "table"]),
        ("how many lorries", ["truck"]),
        ("Did anybody come?", ["person"]),
        ("is there a bycicle", []),
        ("did you see a bicycel", ["bicycle"]),
        ("any elephnats?", ["elephant"]),
        ("Who was there?", ["person"]),
        ("Who came first, the sandwich or the dog?", ["sandwich", "dog"]),
        ("What's the dog's position?", ["dog"]),
        ("What do you see?", []),
        ("Any parknig meters?", ["parking meter"]),
        ("is the stop sigm there", ["stop sign"]),
        ("At its peak, how many wine gglasses?", ["wine glass"]),
        ("When did the dog firts come?", ["dog"]),
    ],
)
def test_concepts_are_found_by_name_plural_synonym_and_slip(text: str, names: list[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "What is in front of the camera?",
        "Is anything on screen?",
        "Any sign of rain?",
        "How long did you watch?",
        "What is on teh scteen?",
        "And at what clock time?",
        "Say what is on the monitor.",
        "I've lost my glasses, what is this?",
        "Who and what was there at 0:20?",
    ],
)
def test_ways_to_speak_of_the_picture_name_no_object(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What keeps the dog company?", ["dog"]),
        ("Is the dog alone?", ["dog"]),
        ("Am I alone?", ["person"]),
        ("I need a head count of sheep.", ["sheep"]),
        ("Mum, are there more cats than dogs?", ["cat", "dog"]),
        ("Of the camera and the sink, which is left?", ["camera", "sink"]),
    ],
)
def test_words_that_may_mean_people_do_so_only_where_nothing_else_is_meant(text: str, names: list[str]) -> None:
    assert named(text) == names


def test_kinds_are_found_as_kinds() -> None:
    mentions = LEXICON.find("Did you see any animals or vehicles?")
    assert mentions.kinds == ("animal", "vehicle") and mentions.concepts == ()


def test_an_everyday_word_is_never_taken_for_a_slip() -> None:
    assert named("Which place was it?") == []  # one slip away from "palace"


@pytest.mark.parametrize(
    ("typed", "known", "is_one"),
    [
        ("hrose", "horse", True),
        ("hosre", "horse", True),
        ("hrse", "horse", True),
        ("dogg", "dog", True),
        ("elephanr", "elephant", True),
        ("hors", "horse", False),
        ("boat", "goat", False),
        ("house", "horse", False),
        ("cat", "cats", False),
    ],
)
def test_a_slip_needs_a_reason_of_the_hand(typed: str, known: str, is_one: bool) -> None:
    assert is_slip(typed, known) is is_one


def test_every_concept_is_found_by_its_own_name_and_plural() -> None:
    spoken_of = {"camera", "screen"}  # words for the viewer itself, found only where they stand for an object
    for index, concept in enumerate(CONCEPTS):
        if concept.name not in spoken_of:
            assert LEXICON.find(f"I saw {concept.name} here").concepts == (index,), concept.name
            assert LEXICON.find(f"many {concept.plural} here").concepts == (index,), concept.plural


@pytest.mark.parametrize(
    ("word", "plural"),
    [("dog", "dogs"), ("bus", "buses"), ("lorry", "lorries"), ("fireman", "firemen"), ("couch", "couches")],
)
def test_regular_plurals(word: str, plural: str) -> None:
    assert plural_of(word) == plural
