"""Turns the detector's raw output into boxes: expectation of the distance bins, thresholds, suppression of duplicates.

In: per stride class probabilities [cells, 80] and distance logits [cells, 44] of one padded picture. Out: a list of
`Detection`, best first, boxes as fractions of the original picture. Pure functions on numpy arrays, any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.encoders.nanodet import NUM_BINS, STRIDES
from vision.encoders.picture import FittedPicture

__all__ = ["Detection", "decode_boxes", "overlap", "suppress_duplicates"]

FloatArray = NDArray[np.float32]
MAX_CANDIDATES = 400


@dataclass(frozen=True)
class Detection:
    """One box: COCO class 0..79, raw score 0..1, centre and size as fractions of the picture."""

    concept: int
    score: float
    cx: float
    cy: float
    w: float
    h: float

    @property
    def area(self) -> float:
        return self.w * self.h


def decode_boxes(
    outputs: Sequence[tuple[FloatArray, FloatArray]],
    picture: FittedPicture,
    min_score: float = 0.1,
    max_overlap: float = 0.55,
) -> list[Detection]:
    """Boxes of one picture. outputs: (probabilities [cells, 80], distance logits [cells, 44]) of strides 8, 16, 32."""
    scores, classes, boxes = [], [], []
    for stride, (probabilities, distances) in zip(STRIDES, outputs, strict=True):
        columns = picture.pixels.shape[1] // stride
        cell, concept = np.nonzero(probabilities >= min_score)
        centre = np.stack((cell % columns, cell // columns), axis=1) * stride + stride / 2  # [n, 2] pixels
        sides = _expected_distances(distances[cell]) * stride  # [n, 4]: left, top, right, bottom
        boxes.append(np.concatenate((centre - sides[:, :2], centre + sides[:, 2:]), axis=1))
        scores.append(probabilities[cell, concept])
        classes.append(concept)
    score, concept, box = np.concatenate(scores), np.concatenate(classes), np.concatenate(boxes).astype(np.float32)
    best = np.argsort(-score, kind="stable")[:MAX_CANDIDATES]
    score, concept, box = score[best], concept[best], box[best]
    size = np.array((picture.width_px, picture.height_px) * 2, dtype=np.float32)
    box = np.clip(box / size, 0.0, 1.0).astype(np.float32)  # the black margin lies beyond 1
    keep = suppress_duplicates(box, concept, max_overlap)
    return [_detection(int(concept[i]), float(score[i]), box[i]) for i in keep if (box[i, 2:] > box[i, :2]).all()]


def suppress_duplicates(boxes: FloatArray, classes: NDArray[np.int64], max_overlap: float) -> list[int]:
    """Indices of the boxes (sorted best first) that no better box of their class overlaps by more than `max_overlap`.

    boxes: [n, 4] as left, top, right, bottom.
    """
    if not len(boxes):
        return []
    ratio = overlap(boxes, boxes)
    duplicates = (ratio > max_overlap) & (classes[:, None] == classes[None, :])
    is_kept = np.ones(len(boxes), dtype=bool)
    for index in range(len(boxes)):
        if is_kept[index]:
            is_kept[index + 1 :] &= ~duplicates[index, index + 1 :]
    return [int(index) for index in np.flatnonzero(is_kept)]


def overlap(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union [n, m] of boxes [n, 4] and [m, 4]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    areas = [np.prod(np.maximum(box[:, 2:] - box[:, :2], 0.0), axis=1) for box in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float32)


def _expected_distances(logits: FloatArray) -> FloatArray:
    """[n, 44] -> [n, 4]: the mean bin under a softmax over each side's 11 bins."""
    bins = logits.reshape(-1, 4, NUM_BINS).astype(np.float32)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    return np.asarray(weights @ np.arange(NUM_BINS) / weights.sum(axis=2), dtype=np.float32)


def _detection(concept: int, score: float, box: FloatArray) -> Detection:
    left, top, right, bottom = (float(value) for value in box)
    return Detection(concept, score, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
