"""The vocabulary: frozen order, words that mean one thing only."""

import hashlib
from collections import Counter

from vision.encoders import CONCEPTS, KINDS, NUM_COCO
from vision.encoders.concepts import NUM_IMAGENET

INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}


def words_of(index: int) -> set[str]:
    concept = CONCEPTS[index]
    return {concept.name, concept.plural, *concept.synonyms}


def owner_of(word: str) -> str:
    return next(concept.name for index, concept in enumerate(CONCEPTS) if word in words_of(index))


def test_the_order_is_frozen_because_trained_weights_depend_on_it() -> None:
    names = "\n".join(concept.name for concept in CONCEPTS)
    assert (
        hashlib.sha256(names.encode()).hexdigest() == "b7d3bad77f5e48f82ee7f956e56c2f4a8c68a99b3942f22c5162f2cda5655f3e"
    )


def test_coco_comes_first_in_its_own_order() -> None:
    assert [CONCEPTS[index].name for index in (0, 1, 2, 15, 16, 24, 32, 41, 63, 79)] == [
        "person",
        "bicycle",
        "car",
        "cat",
        "dog",
        "backpack",
        "ball",
        "cup",
        "laptop",
        "toothbrush",
    ]
    assert CONCEPTS[NUM_COCO].name == "chicken"


def test_a_word_belongs_to_one_concept_only() -> None:
    counts = Counter(word for index in range(len(CONCEPTS)) for word in words_of(index))
    assert [word for word, count in counts.items() if count > 1] == []


def test_words_are_lower_case_and_listed_once() -> None:
    for concept in CONCEPTS:
        words = [concept.name, *concept.synonyms]
        assert len(set(words)) == len(words), concept.name
        assert all(word == word.lower().strip() and word for word in words), concept.name


def test_everyday_words_of_both_englishes_find_their_concept() -> None:
    pairs = {
        "puppy": "dog",
        "kitten": "cat",
        "lorry": "truck",
        "sofa": "couch",
        "telly": "tv",
        "mobile": "cell phone",
        "cellphone": "cell phone",
        "plane": "airplane",
        "aeroplane": "airplane",
        "bike": "bicycle",
        "motorbike": "motorcycle",
        "bunny": "rabbit",
        "guy": "person",
        "woman": "person",
        "kid": "person",
        "someone": "person",
        "children": "person",
        "mug": "cup",
        "football": "ball",
        "fridge": "refrigerator",
        "brolly": "umbrella",
        "rucksack": "backpack",
    }
    assert {word: owner_of(word) for word in pairs} == pairs


def test_imagenet_classes_feed_one_concept_except_espresso() -> None:
    counts = Counter(index for concept in CONCEPTS for index in concept.imagenet)
    assert [index for index, count in counts.items() if count > 1] == [967]
    assert all(0 <= index < NUM_IMAGENET for index in counts)


def test_what_the_detector_lacks_has_a_class_of_the_classifier() -> None:
    assert all(concept.imagenet for concept in CONCEPTS[NUM_COCO:])


def test_kinds_and_broader_concepts_are_known() -> None:
    assert {concept.kind for concept in CONCEPTS} <= set(KINDS)
    assert [concept.name for concept in CONCEPTS if concept.kind == "person"] == ["person"]
    for concept in CONCEPTS:
        assert not concept.broader or INDEX_OF[concept.broader] < NUM_COCO
    assert CONCEPTS[INDEX_OF["penguin"]].broader == "bird"
