"""Samples: questions about a reading with their right answers."""

import random

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import read_snapshot
from app.language.training.phrasings import load_phrasings
from app.language.training.questions import Questioner, Wording
from tests.app.language.embedded.streams import LAYOUT, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)


def questioner(is_test: bool = False) -> Questioner:
    phrasings = load_phrasings(with_extra=True)
    return Questioner(CONCEPTS, LEXICON, Wording(phrasings.train, phrasings.unknown_train), is_test)


def test_the_same_seed_gives_the_same_samples() -> None:
    first, second = (questioner().ask(READING, random.Random(5), 40) for _ in range(2))
    assert [(one.question, one.answer) for one in first] == [(one.question, one.answer) for one in second]


def test_many_families_are_asked_and_every_sample_has_an_answer() -> None:
    samples = questioner().ask(READING, random.Random(1), 400)
    assert len(samples) == 400
    assert len({sample.family for sample in samples}) >= 50
    assert all(sample.answer for sample in samples)


def test_half_of_the_existence_questions_ask_for_what_was_never_there() -> None:
    samples = [s for s in questioner().ask(READING, random.Random(2), 1500) if s.family in ("exist_now", "exist_ever")]
    never = sum("not seen" in sample.answer for sample in samples)
    assert 0.35 <= never / len(samples) <= 0.65


def test_misread_questions_are_kept_and_marked_only_when_asked_for() -> None:
    strict = questioner(is_test=True).ask(READING, random.Random(3), 600)
    assert not any(sample.is_misread for sample in questioner().ask(READING, random.Random(3), 600))
    assert all(sample.answer == "" for sample in strict if sample.is_misread)
