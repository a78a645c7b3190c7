"""From raw scores to evidence: how probable is it that a thing which a network names is really there?

In: scores of the two networks and the size of the box. Out: probabilities, and evidence, which is the sharpened
probability that the grid holds. Pure functions on plain numbers, any thread.

The coefficients were fitted by `bench/encoder_calibration.py` (logistic regression, checked on pictures left out) on
172 pictures and video frames whose visible things were written down by hand; the model card of NanoDet says what they
show. Coefficients marked "by hand" are caution where the pictures were too few: small things that are neither people
nor vehicles, clothes and devices that only the classifier names.
"""

from __future__ import annotations

import math

from vision.encoders.concepts import CONCEPTS

__all__ = [
    "MISSING_SCORE",
    "classifier_evidence",
    "classifier_probability",
    "detection_evidence",
    "detection_probability",
    "log_odds",
]

MISSING_SCORE = 0.05  # the score of a look that found nothing there

_FINE, _COARSE = 1.04, 0.91  # of the log odds of the detector's score in the fine and in the coarse look
_LOG_AREA, _FINE_LOG_AREA, _COARSE_LOG_AREA = -0.77, -0.20, -0.20
_KINDS = {
    "person": 0.55,
    "animal": -0.07,
    "vehicle": 0.05,
    "furniture": 0.19,
    "household": 0.01,
    "food": -0.40,
    "electronics": -0.08,
}
_CONSTANT = -0.56
# Areas at which the labelled pictures end, for people and vehicles and for the rest; below, doubt grows.
_SMALLEST_COMMON, _SMALLEST = 0.002, 0.004
_TINY_COMMON, _TINY = 0.002, 0.01
_TINY_SLOPE = -0.70  # by hand

_CLASSIFIER, _CLASSIFIER_CONSTANT = 1.26, 1.55
_CLASSIFIER_KINDS = {"clothing": -0.7, "electronics": -0.5}  # by hand

_SHARPNESS = 2.0
_DETECTION_HALF = 0.70  # the probability that becomes evidence 0.5
_CLASSIFIER_HALF = 0.75  # what one network alone says of a whole picture must be surer


def log_odds(probability: float) -> float:
    clipped = min(max(probability, MISSING_SCORE / 2), 1.0 - MISSING_SCORE / 2)
    return math.log(clipped / (1.0 - clipped))


def detection_probability(concept: int, fine_score: float, coarse_score: float, area: float) -> float:
    """That a detection is true. Scores: of the two looks, MISSING_SCORE where one saw nothing; area: of the box."""
    kind = CONCEPTS[concept].kind
    is_common = kind in ("person", "vehicle")
    fine, coarse = (min(max(log_odds(score), -3.0), 3.0) for score in (fine_score, coarse_score))
    log_area = math.log(min(max(area, _SMALLEST_COMMON if is_common else _SMALLEST), 1.0))
    tiny = max(math.log((_TINY_COMMON if is_common else _TINY) / max(area, 1e-5)), 0.0)
    total = _CONSTANT + _KINDS.get(kind, 0.0) + _FINE * fine + _COARSE * coarse + _TINY_SLOPE * tiny
    total += log_area * (_LOG_AREA + _FINE_LOG_AREA * fine + _COARSE_LOG_AREA * coarse)
    return 1.0 / (1.0 + math.exp(-total))


def classifier_probability(concept: int, total: float, strongest: float) -> float:
    """That a concept is there which the classifier gives `total`, `strongest` of it to one class alone."""
    if strongest <= 0.0:
        return 0.0
    odds = strongest / max(1.0 - total, 0.02)
    logit = _CLASSIFIER * math.log(odds) + _CLASSIFIER_CONSTANT + _CLASSIFIER_KINDS.get(CONCEPTS[concept].kind, 0.0)
    return 1.0 / (1.0 + math.exp(-logit))


def detection_evidence(probability: float) -> float:
    """Sharpened: the doubtful becomes little, the probable nearly one."""
    return _sharpen(probability, _DETECTION_HALF)


def classifier_evidence(probability: float) -> float:
    return _sharpen(probability, _CLASSIFIER_HALF)


def _sharpen(probability: float, half: float) -> float:
    clipped = min(max(probability, 1e-4), 1.0 - 1e-4)
    return 1.0 / (1.0 + (half / (1.0 - half) * (1.0 - clipped) / clipped) ** _SHARPNESS)
