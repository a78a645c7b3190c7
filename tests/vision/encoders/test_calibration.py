"""Scores become probabilities, probabilities evidence."""

import pytest

from vision.encoders import CONCEPTS
from vision.encoders.calibration import (
    MISSING_SCORE,
    classifier_evidence,
    classifier_probability,
    detection_evidence,
    detection_probability,
)

INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}
PERSON, BALL, CAT = INDEX_OF["person"], INDEX_OF["ball"], INDEX_OF["cat"]


@pytest.mark.parametrize("concept", range(0, 80, 5))
@pytest.mark.parametrize("area", [0.0, 0.003, 0.05, 0.4, 1.0])
def test_a_higher_score_in_either_look_is_never_less_probable(concept: int, area: float) -> None:
    scores = [MISSING_SCORE, 0.2, 0.4, 0.6, 0.8, 1.0]
    for other in scores:
        fine = [detection_probability(concept, score, other, area) for score in scores]
        coarse = [detection_probability(concept, other, score, area) for score in scores]
        assert fine == sorted(fine) and coarse == sorted(coarse)
        assert fine[0] > 0 and fine[-1] < 1


def test_what_both_looks_see_is_sure_and_what_one_barely_sees_is_not() -> None:
    assert detection_evidence(detection_probability(PERSON, 0.75, 0.7, 0.1)) > 0.9
    assert detection_evidence(detection_probability(PERSON, 0.3, MISSING_SCORE, 0.1)) < 0.1


def test_small_things_that_are_no_people_are_doubted() -> None:
    speck = detection_probability(BALL, 0.35, 0.35, 0.001)
    assert detection_evidence(speck) < 0.25
    assert speck < detection_probability(PERSON, 0.35, 0.35, 0.004)


def test_round_things_are_not_readily_clocks() -> None:
    clock, vase = (next(i for i, one in enumerate(CONCEPTS) if one.name == name) for name in ("clock", "vase"))
    assert CONCEPTS[clock].kind == CONCEPTS[vase].kind
    assert detection_probability(clock, 0.5, 0.5, 0.1) < detection_probability(vase, 0.5, 0.5, 0.1) - 0.05


def test_the_classifier_must_be_sure_of_one_class() -> None:
    def evidence(total: float, strongest: float) -> float:
        return classifier_evidence(classifier_probability(CAT, total, strongest))

    assert evidence(0.85, 0.7) > 0.9
    assert evidence(0.5, 0.5) > 0.5 > evidence(0.5, 0.1)
    assert evidence(0.2, 0.2) < 0.15
    assert evidence(0.0, 0.0) < 1e-3


def test_sharpening_keeps_the_order_and_the_ends() -> None:
    values = [detection_evidence(p / 50) for p in range(51)]
    assert values == sorted(values)
    assert values[0] < 1e-3 and values[-1] > 0.999
    assert detection_evidence(0.9) > 0.9 and detection_evidence(0.5) < 0.2
