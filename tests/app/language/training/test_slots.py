"""What fills the placeholders."""

import random

import pytest

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import recall
from app.language.training.phrasings import load_phrasings
from app.language.training.slots import SlotFiller, Slots
from tests.app.language.embedded.streams import INDEX, LAYOUT, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)
FILLER = SlotFiller(CONCEPTS, LEXICON, load_phrasings().unknown_train)


def filled(family: str, count: int = 200) -> list[Slots]:
    draws = (FILLER.fill(family, READING, random.Random(seed)) for seed in range(count))
    return [slots for slots in draws if slots is not None]


def test_the_same_seed_gives_the_same_slots() -> None:
    assert filled("compare_times") == filled("compare_times")


def test_two_named_concepts_differ() -> None:
    found = filled("order")
    assert found and all(len(set(slots.concepts)) == 2 for slots in found)


def test_names_are_read_back_as_the_concept_that_was_meant() -> None:
    for slots in filled("exist_now"):
        for form in ("a", "name", "the", "any"):
            assert recall(slots.words[form], (), READING, LEXICON, CONCEPTS).concepts == slots.concepts, slots.words[
                form
            ]


@pytest.mark.parametrize(
    ("family", "num_times", "is_range"), [("exist_now", 0, False), ("count_at", 1, False), ("exist_between", 0, True)]
)
def test_slots_know_which_times_must_be_found(family: str, num_times: int, is_range: bool) -> None:
    assert {(slots.num_times, slots.is_range) for slots in filled(family, 20)} == {(num_times, is_range)}


def test_a_recall_of_something_else_does_not_agree() -> None:
    slots = Slots({}, (INDEX["dog"],))
    assert slots.agrees(recall("Is there a dog?", (), READING, LEXICON, CONCEPTS))
    assert not slots.agrees(recall("Is there a cat?", (), READING, LEXICON, CONCEPTS))
    assert not slots.agrees(recall("Was there a dog at 0:07?", (), READING, LEXICON, CONCEPTS))
