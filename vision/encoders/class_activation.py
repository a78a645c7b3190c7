"""What the classifier says of a picture, in concepts.

In: class logits per cell, float32 [h, w, 1000]. Out: probabilities per concept, and where in the
picture a concept shows. Pure functions on numpy arrays, any thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vision.encoders.concepts import CONCEPTS, NUM_IMAGENET

__all__ = ["ConceptProbabilities", "activation_box", "box_probabilities", "picture_probabilities"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ConceptProbabilities:
    """total [C]: probability of all classes of a concept and of its narrower ones; strongest [C]: of its likeliest
    class alone; own [C]: without the narrower concepts."""

    total: FloatArray
    own: FloatArray
    strongest: FloatArray


def picture_probabilities(logits: FloatArray) -> ConceptProbabilities:
    """Of the whole picture: the mean of the cells' logits is what the network was trained to give."""
    return _in_concepts(_softmax(logits.mean(axis=(0, 1))))


def box_probabilities(logits: FloatArray, box: tuple[float, float, float, float]) -> ConceptProbabilities:
    """Of the cells that a box (cx, cy, w, h) touches."""
    height, width, _ = logits.shape
    cx, cy, w, h = box
    left, right = _cells(cx, w, width)
    top, bottom = _cells(cy, h, height)
    return _in_concepts(_softmax(logits[top:bottom, left:right].mean(axis=(0, 1))))


def activation_box(logits: FloatArray, concept: int) -> tuple[float, float, float, float]:
    """Where a concept shows: (cx, cy, w, h), from the cells whose logit for its likeliest class is above the mean."""
    classes = list(CONCEPTS[concept].imagenet)
    likeliest = classes[int(logits.mean(axis=(0, 1))[classes].argmax())]
    activation = logits[:, :, likeliest]
    mass = np.maximum(activation - activation.mean(), 0.0).astype(np.float64) ** 2 + 1e-9
    mass /= mass.sum()
    height, width = mass.shape
    ys, xs = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    rows, columns = mass.sum(axis=1), mass.sum(axis=0)
    cx, cy = float(columns @ xs), float(rows @ ys)
    # An evenly filled box has a standard deviation of its length / sqrt(12).
    w = float(np.sqrt(12.0 * (columns @ (xs - cx) ** 2)))
    h = float(np.sqrt(12.0 * (rows @ (ys - cy) ** 2)))
    return cx, cy, min(max(w, 1.0 / width), 1.0), min(max(h, 1.0 / height), 1.0)


def _cells(centre: float, side: float, num_cells: int) -> tuple[int, int]:
    """The first cell that a side touches, and the one after its last; at least one."""
    first = min(max(math.floor((centre - side / 2) * num_cells), 0), num_cells - 1)
    return first, max(min(math.ceil((centre + side / 2) * num_cells), num_cells), first + 1)


def _softmax(logits: FloatArray) -> FloatArray:
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def _in_concepts(probabilities: FloatArray) -> ConceptProbabilities:
    members, narrower, padded = _tables()
    own = members @ probabilities
    strongest = np.append(probabilities, np.float32(0.0))[padded].max(axis=1)
    of_narrower = (narrower * strongest[None, :]).max(axis=1)
    return ConceptProbabilities(
        total=np.minimum(own + narrower @ own, 1.0), own=own, strongest=np.maximum(strongest, of_narrower)
    )


@cache
def _tables() -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """[C, 1000] classes of a concept; [C, C] its narrower concepts; [C, most] its classes, padded with 1000."""
    members = np.zeros((len(CONCEPTS), NUM_IMAGENET), dtype=np.float32)
    narrower = np.zeros((len(CONCEPTS), len(CONCEPTS)), dtype=np.float32)
    padded = np.full((len(CONCEPTS), max(len(concept.imagenet) for concept in CONCEPTS)), NUM_IMAGENET)
    index_of = {concept.name: index for index, concept in enumerate(CONCEPTS)}
    for index, concept in enumerate(CONCEPTS):
        members[index, list(concept.imagenet)] = 1.0
        padded[index, : len(concept.imagenet)] = concept.imagenet
        if concept.broader:
            narrower[index_of[concept.broader], index] = 1.0
    return members, narrower, padded
