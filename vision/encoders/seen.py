"""One seen thing, as the encoder keeps it until it becomes part of a grid, and how its boxes compare.

Plain immutable data, any thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.encoders.calibration import classifier_evidence, detection_evidence
from vision.encoders.concepts import CONCEPTS
from vision.encoders.detections import Detection

__all__ = ["BROADER", "Box", "SeenObject", "boxes_of", "lowered", "seen_object"]

Box = tuple[float, float, float, float]  # cx, cy, w, h as fractions of the picture

_INDEX_OF = {concept.name: index for index, concept in enumerate(CONCEPTS)}
BROADER = tuple(_INDEX_OF.get(concept.broader, -1) for concept in CONCEPTS)  # -1: none


@dataclass(frozen=True, kw_only=True)
class SeenObject:
    """One thing: concept, probability that it is there, its evidence, box as fractions; `origin` for debugging."""

    concept: int
    probability: float
    evidence: float
    cx: float
    cy: float
    w: float
    h: float
    origin: str  # detector | renamed | classifier

    @property
    def area(self) -> float:
        return self.w * self.h

    @property
    def kind(self) -> str:
        return CONCEPTS[self.concept].kind

    def covers(self, other: SeenObject) -> bool:
        """Whether the other's centre lies in this box."""
        return abs(other.cx - self.cx) <= self.w / 2 and abs(other.cy - self.cy) <= self.h / 2


def seen_object(concept: int, probability: float, box: Box, origin: str) -> SeenObject:
    """`origin` decides how strictly the probability becomes evidence."""
    sharpen = detection_evidence if origin == "detector" else classifier_evidence
    cx, cy, w, h = box
    return SeenObject(
        concept=concept, probability=probability, evidence=sharpen(probability), cx=cx, cy=cy, w=w, h=h, origin=origin
    )


def lowered(seen: SeenObject, log_odds: float) -> SeenObject:
    """The same thing, its log odds of being there lowered."""
    odds = seen.probability / max(1.0 - seen.probability, 1e-6) * math.exp(-log_odds)
    return seen_object(seen.concept, odds / (1.0 + odds), (seen.cx, seen.cy, seen.w, seen.h), seen.origin)


def boxes_of(things: Sequence[Detection] | Sequence[SeenObject]) -> NDArray[np.float32]:
    """float32 [n, 4]: left, top, right, bottom."""
    rows = [(t.cx - t.w / 2, t.cy - t.h / 2, t.cx + t.w / 2, t.cy + t.h / 2) for t in things]
    return np.array(rows, dtype=np.float32).reshape(-1, 4)
