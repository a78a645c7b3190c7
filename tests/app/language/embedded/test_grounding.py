"""What an answer may say."""

import random

import pytest

from app.language.embedded.grounding import GrammarMaker
from app.language.embedded.lexicon import Lexicon
from app.language.embedded.prompt import STOP_ID
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import recall
from app.language.embedded.statements import entailed
from app.language.training.phrasings import load_phrasings
from app.language.training.questions import Questioner, Wording
from tests.app.language.embedded.letters import decode, encode
from tests.app.language.embedded.streams import LAYOUT, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)
MAKER = GrammarMaker(CONCEPTS, encode)


def allows(question: str, answer: str) -> bool:
    grammar = MAKER.make(question, READING, recall(question, (), READING, LEXICON, CONCEPTS))
    for token_id in [*encode(" " + answer), STOP_ID]:
        if token_id not in grammar.allowed():
            return False
        grammar.accept(token_id)
    return True


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What do you see?", "I see one person and one car."),
        ("When did you see the dog?", "I saw a dog from 0:05 to 0:09."),
        ("Is there an elephant?", "No, I have not seen any elephants."),
        ("Is there a unicorn?", "I don't know how to recognise a unicorn."),
        ("How many dogs at 0:07?", "At 0:07 I saw two dogs."),
    ],
)
def test_what_the_memory_showed_may_be_said(question: str, answer: str) -> None:
    assert allows(question, answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What do you see?", "I see one zebra."),
        ("Is there a car?", "No, I have not seen any cars."),
        ("What do you see?", "I see nine people."),
        ("When did you see the dog?", "I saw a dog from 0:06 to 0:08."),
        ("When did you see the dog?", "I saw a car from 0:12 until now."),
        ("What do you see?", "I see a unicorn."),
    ],
)
def test_an_invented_name_count_or_time_cannot_be_said(question: str, answer: str) -> None:
    assert not allows(question, answer)


def test_an_answer_may_end_only_with_its_sentence() -> None:
    grammar = MAKER.make("What do you see?", READING, recall("What do you see?", (), READING, LEXICON, CONCEPTS))
    for token_id in encode(" I see one person"):
        grammar.accept(token_id)
    assert STOP_ID not in grammar.allowed()
    with pytest.raises(ValueError, match="may not follow"):
        grammar.accept(STOP_ID)


def test_what_is_entailed_depends_on_what_was_asked() -> None:
    sentences = entailed(READING, recall("Did you see a dog?", (), READING, LEXICON, CONCEPTS), CONCEPTS)
    assert "Yes, I saw a dog, first at 0:05." in sentences
    assert len(sentences) == len(set(sentences)) >= 15
    assert not any("elephant" in sentence for sentence in sentences)


def test_every_right_answer_can_be_said() -> None:
    phrasings = load_phrasings(with_extra=True)
    questioner = Questioner(CONCEPTS, LEXICON, Wording(phrasings.train, phrasings.unknown_train))
    for sample in questioner.ask(READING, random.Random(9), 500):
        grammar = MAKER.make(sample.question, READING, sample.recalled)
        said: list[int] = []
        for token_id in [*encode(" " + sample.answer), STOP_ID]:
            assert token_id in grammar.allowed(), f"{sample.question!r}: {sample.answer!r} stops after {decode(said)!r}"
            grammar.accept(token_id)
            said.append(token_id)
