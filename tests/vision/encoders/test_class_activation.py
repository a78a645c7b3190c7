"""What the classifier says, in concepts."""

import numpy as np
import pytest

from vision.encoders import CONCEPTS
from vision.encoders.class_activation import activation_box, picture_probabilities

INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}


def logits_of(strengths: dict[int, float], cells: tuple[int, int] = (9, 9)) -> np.ndarray:
    logits = np.zeros((*cells, 1000), dtype=np.float32)
    for index, strength in strengths.items():
        logits[..., index] = strength
    return logits


def test_classes_of_a_concept_are_summed() -> None:
    picture = picture_probabilities(logits_of({281: 9.0, 285: 9.0}))  # tabby, Egyptian cat
    cat = INDEX_OF["cat"]
    assert picture.total[cat] == pytest.approx(0.94, abs=0.02)
    assert picture.strongest[cat] == pytest.approx(0.47, abs=0.01)


def test_a_broader_concept_has_the_mass_of_its_narrower_ones_too() -> None:
    picture = picture_probabilities(logits_of({22: 12.0, 21: 11.0}))  # bald eagle, kite (the bird)
    bird, eagle = INDEX_OF["bird"], INDEX_OF["eagle"]
    assert picture.total[bird] == pytest.approx(1.0, abs=0.01)
    assert picture.own[bird] + picture.own[eagle] == pytest.approx(picture.total[bird], abs=1e-3)
    assert picture.strongest[bird] == picture.strongest[eagle] > 0.7


def test_concepts_without_classes_stay_at_nothing() -> None:
    picture = picture_probabilities(logits_of({0: 5.0}))
    for index, concept in enumerate(CONCEPTS):
        if not concept.imagenet:
            assert picture.own[index] == 0


def test_the_activation_box_lies_where_the_class_is_active() -> None:
    logits = logits_of({})
    logits[1:3, 6:9, 285] = 8.0
    cx, cy, w, h = activation_box(logits, INDEX_OF["cat"])
    assert (cx, cy) == pytest.approx((7.5 / 9, 2 / 9), abs=0.02)
    assert 0.2 < w < 0.4 and 0.1 < h < 0.3


@pytest.mark.parametrize("cells", [(1, 1), (1, 18), (5, 13)])
def test_even_activation_is_everywhere_and_small_maps_work(cells: tuple[int, int]) -> None:
    cx, cy, w, h = activation_box(logits_of({285: 3.0}, cells), INDEX_OF["cat"])
    assert (cx, cy) == pytest.approx((0.5, 0.5), abs=1e-3)
    assert (w, h) == pytest.approx((1.0, 1.0), abs=0.05) or min(cells) == 1
