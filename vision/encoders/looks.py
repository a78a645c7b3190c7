"""Joins the detector's two looks at a picture and judges what they saw.

In: detections of a fine and of a coarse look. Out: `SeenObject`s, one for each thing, most probable first. Pure
functions on numpy arrays, any thread.

A detection that both looks share is more than one that only one sees; weaker boxes on the same thing go, whatever they
call it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.encoders.calibration import MISSING_SCORE, detection_probability
from vision.encoders.detections import Detection, overlap
from vision.encoders.seen import SeenObject, boxes_of, seen_object

__all__ = ["detected_objects", "match_looks", "without_duplicates"]

FloatArray = NDArray[np.float32]

MIN_EITHER_SCORE = 0.15  # below in both looks, a detection cannot become evidence
MATCH_OVERLAP = 0.25
DUPLICATE_OVERLAP = 0.5
INSIDE_SHARE = 0.85  # a box of the same concept that lies within a better one is a part of the same thing
INSIDE_AREA = 0.15  # ... unless it is much smaller
RIVAL_OVERLAP = 0.65


def detected_objects(fine: Sequence[Detection], coarse: Sequence[Detection]) -> list[SeenObject]:
    """What the detector sees, most probable first."""
    objects = [_judge(*match) for match in match_looks(fine, coarse)]
    return without_duplicates(sorted(objects, key=lambda seen: -seen.probability))


def match_looks(fine: Sequence[Detection], coarse: Sequence[Detection]) -> list[tuple[Detection, float, float]]:
    """(box, fine score, coarse score) of all that either look sees; the fine look's box where it has one."""
    matches = []
    is_used = np.zeros(len(coarse), dtype=bool)
    ratio = _overlaps_of_same(fine, coarse)
    for row, detection in enumerate(fine):
        score = MISSING_SCORE
        if len(coarse):
            partner = int(ratio[row].argmax())
            if ratio[row, partner] > MATCH_OVERLAP:
                score, is_used[partner] = coarse[partner].score, True
        matches.append((detection, detection.score, score))
    matches += [(coarse[i], MISSING_SCORE, coarse[i].score) for i in np.flatnonzero(~is_used)]
    return [match for match in matches if max(match[1], match[2]) >= MIN_EITHER_SCORE]


def without_duplicates(objects: Sequence[SeenObject]) -> list[SeenObject]:
    """objects: most probable first. One goes when a kept one says the same of the same place, or says it better."""
    boxes = boxes_of(objects)
    ratio = overlap(boxes, boxes)
    kept: list[int] = []
    for index, seen in enumerate(objects):
        if not any(_is_duplicate(seen, objects[k], float(ratio[index, k])) for k in kept):
            kept.append(index)
    return [objects[index] for index in kept]


def _overlaps_of_same(fine: Sequence[Detection], coarse: Sequence[Detection]) -> FloatArray:
    names = [np.array([thing.concept for thing in things]) for things in (fine, coarse)]
    is_same = names[0][:, None] == names[1][None, :]
    return np.asarray(overlap(boxes_of(fine), boxes_of(coarse)) * is_same, dtype=np.float32)


def _judge(detection: Detection, fine_score: float, coarse_score: float) -> SeenObject:
    probability = detection_probability(detection.concept, fine_score, coarse_score, detection.area)
    box = (detection.cx, detection.cy, detection.w, detection.h)
    return seen_object(detection.concept, probability, box, "detector")


def _is_duplicate(weaker: SeenObject, better: SeenObject, ratio: float) -> bool:
    if ratio <= 0.0:
        return False
    if weaker.concept == better.concept:
        smaller, larger = sorted((weaker.area, better.area))
        shared = ratio / (1.0 + ratio) * (smaller + larger)
        is_part = shared > INSIDE_SHARE * smaller and smaller > INSIDE_AREA * larger
        return ratio > DUPLICATE_OVERLAP or is_part
    kinds = {weaker.kind, better.kind}
    alike = len(kinds) == 1 or kinds == {"person", "animal"}
    return ratio > RIVAL_OVERLAP and (alike or weaker.probability < 0.5)
