"""From raw scores to evidence: how probable is it that a thing which a network names is really there?

In: scores of the networks and the size of the box. Out: probabilities, and evidence, which is the sharpened
probability that the grid holds. Pure functions on plain numbers, any thread.

The coefficients were fitted by `bench/encoder_calibration.py` (logistic regression, checked on pictures left out) on
172 pictures and video frames whose visible things were written down by hand; the model card of NanoDet says what they
show. Coefficients marked "by hand" are caution where the pictures were too few: small things that are neither people
nor vehicles, clothes and devices that only the classifier names.
"""

from __future__ import annotations

import math

from vision.encoders.concepts import CONCEPTS, NUM_COCO

__all__ = [
    "MIN_EVIDENCE",
    "MISSING_SCORE",
    "PLAIN",
    "SPECK",
    "classifier_evidence",
    "classifier_probability",
    "detection_evidence",
    "detection_probability",
    "log_odds",
]

MIN_EVIDENCE = 0.02  # what adds less is left out
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
# Concepts that are named too readily: log odds fitted on what the joined looks say of the labelled pictures without
# frames of clips, where three of them or more show or seem to show a concept. A normal prior of deviation 0.7, the best
# when sources are left out, draws them to 0. Nothing is raised: a false yes costs more than a miss.
_CONCEPTS = {"clock": -1.15, "orange": -1.0, "fire hydrant": -0.75, "cell phone": -0.65}
_SHIFTS = tuple(_CONCEPTS.get(concept.name, 0.0) for concept in CONCEPTS)
# What the second detector, of everyday things, adds where it looks too, beside the above, which stays as it is. The fit
# says 2.66 for the constant; with 1.60, by hand, no more is invented than without it, and as little missed.
_EVERYDAY, _EVERYDAY_CONSTANT = 1.24, 1.60
# By hand: it sees the picture at 300 pixels, where small things are specks, and counts in full only for larger ones.
SPECK, PLAIN = 0.002, 0.02
# What it alone can name (boxes, cameras): score, area, constant, fitted on all that it knows as if nothing else looked.
_EVERYDAY_ALONE = (1.51, -0.17, 0.50)
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


def detection_probability(
    concept: int, fine_score: float, coarse_score: float, area: float, everyday_score: float | None = None
) -> float:
    """That a detection is true. Scores: of NanoDet's two looks and of the second detector, MISSING_SCORE where one saw
    nothing, None where the second does not know the concept; area: of the box."""
    kind = CONCEPTS[concept].kind
    is_common = kind in ("person", "vehicle")
    log_area = math.log(min(max(area, _SMALLEST_COMMON if is_common else _SMALLEST), 1.0))
    tiny = max(math.log((_TINY_COMMON if is_common else _TINY) / max(area, 1e-5)), 0.0)
    if everyday_score is not None and concept >= NUM_COCO:
        weight, slope, constant = _EVERYDAY_ALONE
        return _probability(weight * _bounded(everyday_score) + slope * log_area + constant + _TINY_SLOPE * tiny)
    fine, coarse = _bounded(fine_score), _bounded(coarse_score)
    total = _CONSTANT + _KINDS.get(kind, 0.0) + _SHIFTS[concept]
    total += _FINE * fine + _COARSE * coarse + _TINY_SLOPE * tiny
    total += log_area * (_LOG_AREA + _FINE_LOG_AREA * fine + _COARSE_LOG_AREA * coarse)
    if everyday_score is not None:
        size = math.log(max(area, SPECK) / SPECK) / math.log(PLAIN / SPECK)
        total += min(size, 1.0) * (_EVERYDAY * _bounded(everyday_score) + _EVERYDAY_CONSTANT)
    return _probability(total)


def classifier_probability(concept: int, total: float, strongest: float) -> float:
    """That a concept is there which the classifier gives `total`, `strongest` of it to one class alone."""
    if strongest <= 0.0:
        return 0.0
    odds = strongest / max(1.0 - total, 0.02)
    logit = _CLASSIFIER * math.log(odds) + _CLASSIFIER_CONSTANT + _CLASSIFIER_KINDS.get(CONCEPTS[concept].kind, 0.0)
    return _probability(logit)


def detection_evidence(probability: float) -> float:
    """Sharpened: the doubtful becomes little, the probable nearly one."""
    return _sharpen(probability, _DETECTION_HALF)


def classifier_evidence(probability: float) -> float:
    return _sharpen(probability, _CLASSIFIER_HALF)


def _bounded(score: float) -> float:
    return min(max(log_odds(score), -3.0), 3.0)


def _probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


def _sharpen(probability: float, half: float) -> float:
    clipped = min(max(probability, 1e-4), 1.0 - 1e-4)
    return 1.0 / (1.0 + (half / (1.0 - half) * (1.0 - clipped) / clipped) ** _SHARPNESS)
