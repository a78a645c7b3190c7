"""Joins NanoDet's two looks at a picture with that of the second detector and judges what they saw.

In: detections of a fine and of a coarse look, and of everyday things. Out: `SeenObject`s, one for each thing, most
probable first. Pure functions on numpy arrays, any thread.

A detection that both looks share is more than one that only one sees; weaker boxes on the same thing go, whatever they
call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision.encoders.calibration import MISSING_SCORE, detection_probability
from vision.encoders.concepts import CONCEPTS
from vision.encoders.detections import Detection, overlap
from vision.encoders.everyday import EVERYDAY_CONCEPTS
from vision.encoders.seen import SeenObject, boxes_of, seen_object

__all__ = ["Match", "detected_objects", "match_looks", "with_everyday", "without_duplicates"]

FloatArray = NDArray[np.float32]

MIN_EITHER_SCORE = 0.15  # below in both looks, a detection cannot become evidence
MATCH_OVERLAP = 0.25
DUPLICATE_OVERLAP = 0.5
INSIDE_SHARE = 0.85  # a box of the same concept that lies within a better one is a part of the same thing
INSIDE_AREA = 0.15  # ... unless it is much smaller
RIVAL_OVERLAP = 0.65
# An everyday box that shares this much with one of NanoDet's, as a share of the smaller box, is no other thing ...
PART_SHARE = 0.5
SURELY_SEEN_SCORE = 0.3  # ... if NanoDet's two scores add up to this
_CAR, _BUS, _TRUCK = (next(i for i, one in enumerate(CONCEPTS) if one.name == name) for name in ("car", "bus", "truck"))
ALSO_MEANT = {_CAR: (_BUS, _TRUCK)}  # the second detector has no other word for them


@dataclass(frozen=True)
class Match:
    """One thing and the score of each look at it, MISSING_SCORE where a look did not see it; `everyday` is None where
    the second detector did not look or does not know the concept."""

    box: Detection
    fine: float
    coarse: float
    everyday: float | None = None


def detected_objects(
    fine: Sequence[Detection], coarse: Sequence[Detection], everyday: Sequence[Detection] | None = None
) -> list[SeenObject]:
    """What the detectors see, most probable first."""
    matches = match_looks(fine, coarse)
    if everyday is not None:
        matches = with_everyday(matches, everyday)
    return without_duplicates(sorted(map(_judge, matches), key=lambda seen: -seen.probability))


def match_looks(fine: Sequence[Detection], coarse: Sequence[Detection]) -> list[Match]:
    """All that either of NanoDet's looks sees; the fine look's box where it has one."""
    matches = []
    is_used = np.zeros(len(coarse), dtype=bool)
    ratio = _overlaps_of_same(fine, coarse)
    for row, detection in enumerate(fine):
        score = MISSING_SCORE
        if len(coarse):
            partner = int(ratio[row].argmax())
            if ratio[row, partner] > MATCH_OVERLAP:
                score, is_used[partner] = coarse[partner].score, True
        matches.append(Match(detection, detection.score, score))
    matches += [Match(coarse[i], MISSING_SCORE, coarse[i].score) for i in np.flatnonzero(~is_used)]
    return [match for match in matches if max(match.fine, match.coarse) >= MIN_EITHER_SCORE]


def with_everyday(matches: Sequence[Match], everyday: Sequence[Detection]) -> list[Match]:
    """The matches with the second detector's scores, and what it alone sees."""
    boxes = [match.box for match in matches]
    joined = [
        replace(match, everyday=MISSING_SCORE) if match.box.concept in EVERYDAY_CONCEPTS else match for match in matches
    ]
    is_surely_seen = np.array([match.fine + match.coarse > SURELY_SEEN_SCORE for match in matches], dtype=bool)
    shares = _shares_of_same(boxes, everyday)
    for column, detection in enumerate(everyday):
        partners = _partners(boxes, detection)
        for partner in partners:
            before = joined[partner].everyday or MISSING_SCORE
            joined[partner] = replace(joined[partner], everyday=max(before, detection.score))
        is_part = bool((is_surely_seen & (shares[:, column] > PART_SHARE)).any())
        if not partners and not is_part and detection.score >= MIN_EITHER_SCORE:
            joined.append(Match(detection, MISSING_SCORE, MISSING_SCORE, detection.score))
    return joined


def _partners(boxes: Sequence[Detection], detection: Detection) -> list[int]:
    """The box that a detection of the second detector speaks of; one of each concept that its class may mean."""
    ratio = overlap(boxes_of(boxes), boxes_of([detection]))[:, 0]
    partners = []
    for concept in (detection.concept, *ALSO_MEANT.get(detection.concept, ())):
        own = np.array([box.concept == concept for box in boxes], dtype=np.float32) * ratio
        if own.size and own.max() > MATCH_OVERLAP:
            partners.append(int(own.argmax()))
    return partners


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


def _shares_of_same(first: Sequence[Detection], second: Sequence[Detection]) -> FloatArray:
    """[n, m]: the shared area of boxes of one concept, as a share of the smaller box."""
    ratio = _overlaps_of_same(first, second)
    areas = [np.array([thing.area for thing in things], dtype=np.float32) for things in (first, second)]
    total, smaller = areas[0][:, None] + areas[1][None, :], np.minimum(areas[0][:, None], areas[1][None, :])
    return np.asarray(ratio / (1.0 + ratio) * total / np.maximum(smaller, 1e-9), dtype=np.float32)


def _judge(match: Match) -> SeenObject:
    box = match.box
    probability = detection_probability(box.concept, match.fine, match.coarse, box.area, match.everyday)
    return seen_object(box.concept, probability, (box.cx, box.cy, box.w, box.h), "detector")


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
