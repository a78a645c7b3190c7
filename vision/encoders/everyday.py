"""What the second detector sees, in concepts: boxes of everyday things, among them boxes, tables and cups.

In: class probabilities [1917, 24] and boxes [1917, 4] of SSD-MobileNetV2. Out: `Detection`s, best first. Pure functions
on numpy arrays, any thread.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.encoders.concepts import CONCEPTS
from vision.encoders.detections import Detection, suppress_duplicates
from vision.encoders.ssd import CLASSES

__all__ = ["EVERYDAY_CONCEPTS", "everyday_detections"]

FloatArray = NDArray[np.float32]

MIN_SCORE = 0.1
MAX_OVERLAP = 0.5
MAX_A_CONCEPT = 100
# The classes that mean one of our concepts. What people wear is left out: nobody asks for the shoes of a crowd; cattle
# too, since it has no word for horses and takes them for cattle.
_CONCEPT_OF_CLASS = {
    "bicycle": "bicycle", "laptop": "laptop", "person": "person", "chair": "chair", "desk": "table",
    "cat": "cat", "computer mouse": "computer mouse", "computer monitor": "tv", "box": "box", "mug": "cup",
    "coffee cup": "cup", "table": "table", "bottle": "bottle", "dog": "dog", "book": "book", "camera": "camera",
    "car": "car",
}  # fmt: skip
_INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}
_CLASSES_OF: dict[int, list[int]] = {}
for _class, _name in _CONCEPT_OF_CLASS.items():
    _CLASSES_OF.setdefault(_INDEX_OF[_name], []).append(CLASSES.index(_class))
EVERYDAY_CONCEPTS = frozenset(_CLASSES_OF)


def everyday_detections(scores: FloatArray, boxes: FloatArray) -> list[Detection]:
    """boxes: left, top, right, bottom as fractions of the picture."""
    found = []
    for concept, classes in _CLASSES_OF.items():
        best = scores[:, classes].max(axis=1)
        candidates = np.flatnonzero(best >= MIN_SCORE)
        candidates = candidates[np.argsort(-best[candidates], kind="stable")][:MAX_A_CONCEPT]
        kept = suppress_duplicates(boxes[candidates], np.zeros(len(candidates), np.int64), MAX_OVERLAP)
        for index in candidates[kept]:
            left, top, right, bottom = (float(value) for value in boxes[index])
            if right > left and bottom > top:
                centre = ((left + right) / 2, (top + bottom) / 2)
                found.append(Detection(concept, float(best[index]), *centre, right - left, bottom - top))
    return sorted(found, key=lambda one: -one.score)
