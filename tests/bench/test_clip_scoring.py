import pytest

from bench.clip_scoring import Vocabulary, score_item

VOCABULARY = Vocabulary(
    [
        {"name": "person", "plural": "people", "synonyms": ["man", "men", "rider"]},
        {"name": "truck", "plural": "trucks", "synonyms": ["van", "lorry"]},
        {"name": "bird", "plural": "birds", "synonyms": []},
        {"name": "eagle", "plural": "eagles", "synonyms": [], "broader": "bird"},
        {"name": "dog", "plural": "dogs", "synonyms": ["puppy"]},
        {"name": "sports ball", "plural": "balls", "synonyms": ["ball"]},
    ]
)


def score(rule, answer, at_s=60.0, evidence=(), true_evidence=(), visible=("man", "van", "eagle")):
    item = {"accept": [rule], "at_s": at_s, "evidence": list(true_evidence)}
    return score_item(item, answer, visible, VOCABULARY, evidence)


@pytest.mark.parametrize(
    ("rule", "answer", "is_right"),
    [
        ({"yes_no": "yes"}, "Yes, I saw a van.", True),
        ({"yes_no": "no"}, "I have not seen any dogs.", True),
        ({"yes_no": "no"}, "Yes, I saw a dog.", False),
        ({"denies": True}, "I have not seen any dogs.", True),
        ({"denies": True}, "The dog is on the left.", False),
        ({"count": [3, 4]}, "I can see four people now.", True),
        ({"count": [3, 4]}, "I can see five people now.", False),
        ({"count": [0, 0]}, "I can see no dogs now.", True),
        ({"time_s": [4, 6]}, "I saw it from 0:05 to 0:30.", True),
        ({"time_s": [4, 6]}, "I first saw it at 0:07.", False),
        ({"last_time_s": [28, 31]}, "I saw it from 0:05 to 0:30.", True),
        ({"last_time_s": [59, 61]}, "I can see it right now.", True),
        ({"duration_s": [6, 8]}, "I saw it for 7 s in all.", True),
        ({"region_any": ["left", "bottom left"]}, "It is at the bottom left.", True),
        ({"region_any": ["left", "bottom left"]}, "It is at the top left.", False),
        ({"mentions_any": ["person", "people", "man"]}, "I see two people.", True),
        ({"mentions_any": ["dog"]}, "I see no dogs.", False),
        ({"mentions_none": ["dog"]}, "I see a van but no dog.", True),
        (
            {"mentions_at_least": {"n": 2, "of": [["van", "truck"], ["man"], ["bird"]]}},
            "I see a truck and one bird.",
            True,
        ),
        (
            {"mentions_at_least": {"n": 2, "of": [["van", "truck"], ["man"], ["bird"]]}},
            "I see a truck and a van.",
            False,
        ),
        ({"choice": {"is": ["van", "truck"], "not": ["bus"]}}, "I can see a truck, but not a bus.", True),
        ({"choice": {"is": ["van", "truck"], "not": ["bus"]}}, "I can see both a van and a bus.", False),
        ({"choice": {"is": ["left"], "not": ["right"]}}, "The van is to the left of the man.", True),
        ({"first_of": {"is": ["cat"], "not": ["dog"]}}, "The cat came first: the cat at 0:02, the dog at 0:09.", True),
        ({"first_of": {"is": ["cat"], "not": ["dog"]}}, "The dog came after the cat.", True),
        ({"first_of": {"is": ["cat"], "not": ["dog"]}}, "The dog, then the cat.", False),
        ({"any_of": [{"count": [1, 1]}, {"count": [3, 3]}]}, "Three.", True),
    ],
)
def test_rule(rule, answer, is_right):
    assert score(rule, answer).is_right is is_right


def test_an_empty_answer_is_wrong_under_every_kind_of_rule():
    for rule in (
        {"yes_no": "no"},
        {"count": [0, 3]},
        {"time_s": [0, 60]},
        {"region_any": ["centre"]},
        {"mentions_any": ["man"]},
    ):
        assert not score(rule, "").is_right


def test_named_object_that_the_clip_never_shows_is_invented():
    assert score({"yes_no": "yes"}, "Yes, I see a man and two puppies, one puppy on the left.").invented == ("puppy",)


def test_denied_object_and_broader_name_are_not_invented():
    assert score({"yes_no": "no"}, "No, I have not seen any dogs.").invented == ()
    assert score({"yes_no": "yes"}, "Yes, one bird and a lorry.").invented == ()


def test_narrower_name_than_what_is_there_is_invented():
    assert score({"yes_no": "yes"}, "Yes, an eagle.", visible=("bird",)).invented == ("eagle",)


def test_evidence_counts_when_a_cited_span_overlaps_the_true_one():
    cited = [{"start_s": 3.0, "end_s": 4.0, "frame_id": 7}]
    assert score({"yes_no": "yes"}, "Yes", evidence=cited, true_evidence=(4.5, 9.0)).has_true_evidence is True
    assert score({"yes_no": "yes"}, "Yes", evidence=cited, true_evidence=(20.0, 30.0)).has_true_evidence is False
    assert score({"yes_no": "no"}, "No", evidence=cited).has_true_evidence is None
