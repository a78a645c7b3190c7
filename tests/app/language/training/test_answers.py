"""The teacher's answers about a stream whose truth is known."""

import pytest

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import recall
from app.language.embedded.statements import FAMILIES, Statements
from app.language.training.phrasings import load_phrasings
from tests.app.language.embedded.streams import LAYOUT, walk
from vision.encoders import CONCEPTS

READING = read_snapshot(walk(), LAYOUT)
LEXICON = Lexicon(CONCEPTS, lambda word: False)


@pytest.mark.parametrize(
    ("family", "question", "answer"),
    [
        ("exist_now", "Is there a car?", "Yes, I can see one car."),
        ("exist_now", "Is there a dog?", "No, not now; I last saw a dog at 0:09."),
        ("exist_now", "Is there an elephant?", "No, I have not seen any elephants."),
        ("exist_ever", "Did you see a dog?", "Yes, I saw a dog, first at 0:05."),
        ("gone", "Has the dog gone?", "Yes, I last saw a dog at 0:09."),
        ("count_now", "How many people?", "I can see one person now."),
        ("count_at", "How many dogs at 0:07?", "At 0:07 I saw two dogs."),
        ("count_max", "At most how many dogs?", "At most two dogs at once, at 0:06."),
        ("count_at", "How many dogs at 3:00?", "I have only watched until 0:19."),
        ("first", "When did the car first appear?", "I first saw a car at 0:12."),
        ("last", "When did you last see a dog?", "I last saw a dog at 0:09."),
        ("when", "When did you see the dog?", "I saw a dog from 0:05 to 0:09."),
        ("when", "When did you see the car?", "I saw a car from 0:12 until now."),
        ("where_now", "Where is the person?", "The person is on the left."),
        ("where_at", "Where were the dogs at 0:07?", "At 0:07 I saw two dogs at the bottom right."),
        ("side_yes_no_left", "Is the person left of the car?", "Yes, the person is to the left of the car."),
        ("side_what_right", "What is right of the person?", "To the right of the person I see one car."),
        ("near", "What is near the car?", "Nearest to the car I see a person."),
        ("describe_now", "What do you see?", "I see one person and one car."),
        ("describe_at", "What was there at 0:07?", "At 0:07 I saw one person and two dogs."),
        ("describe_between", "What about 0:06 to 0:08?", "Between 0:06 and 0:08 I saw one person and two dogs."),
        ("order", "Which came first, the car or the dog?", "The dog came first: the car at 0:12, the dog at 0:05."),
        ("order_yes_no", "Did the dog come before the car?", "Yes, the dog at 0:05, the car at 0:12."),
        ("compare_times", "More dogs at 0:02 or at 0:07?", "More at 0:07: no dogs at 0:02, two dogs at 0:07."),
        ("compare_now", "Are there more people now than at 0:02?", "No, one person now, one person at 0:02."),
        ("either_now", "Is there a dog or a car?", "I can see a car, but not a dog."),
        ("how_long", "How long was the dog there?", "I saw a dog for 4 s in all."),
        ("whole_time", "Was the person there the whole time?", "Yes, I saw a person the whole time."),
        ("kinds_count", "How many kinds of things?", "I have seen 3 different kinds of things."),
        ("kind_ever", "Which animals did you see?", "I saw two dogs."),
        ("kind_now", "Any animals?", "I can see no animals now."),
        ("exist_between", "Any cats between 0:06 and 0:08?", "No, between 0:06 and 0:08 I saw no cats."),
    ],
)  # fmt: skip
def test_answers_are_true(family: str, question: str, answer: str) -> None:
    recalled = recall(question, (), READING, LEXICON, CONCEPTS)
    assert Statements(READING, recalled, CONCEPTS).answer(family) == answer


def test_every_family_has_phrasings_and_every_phrasing_a_rule() -> None:
    asked_elsewhere = {"side_yes_no", "side_what", "fu_concept", "fu_count", "unknown_now", "unknown_ever"}
    assert set(load_phrasings(with_extra=True).train) - asked_elsewhere <= set(FAMILIES)
