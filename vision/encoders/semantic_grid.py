"""The semantic grid: a picture as 12 x 12 visual tokens whose channels are evidence for named concepts.

In: objects as plain numbers, colour and motion per cell. Out: tokens float32 [P, D], and back again what they say.
The encoder and the training simulator both write grids here, so that a simulated stream has the form of a real one.
Pure functions on numpy arrays, any thread.

Of the D = C + 8 channels, 0..C-1 hold evidence: an object adds its evidence (a calibrated probability mass) to the one
cell that holds its centre, so that the sum over cells is close to the number of objects. Then dx, dy (where in the cell
the evidence-weighted mean centre lies, 0..1), w, h (evidence-weighted mean box size, fractions of the picture), mean
red, green and blue / 255, and motion (mean absolute grey difference to the previous frame, 0..1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GridLayout", "Instance", "SeenConcept", "grid_from_objects", "grid_key", "read_grid"]

FloatArray = NDArray[np.float32]

MAX_INSTANCES = 12
MIN_INSTANCE_EVIDENCE = 0.05  # a cell with less is not worth a place of its own
KEY_COLOUR_WEIGHT = 0.35  # colour decides between frames without objects, and little elsewhere
EMPTY_OFFSET = 0.5  # a cell without objects points to its middle, so that means over frames stay near the truth
_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


@dataclass(frozen=True, kw_only=True)
class GridLayout:
    """Where in a token each number lies."""

    num_concepts: int
    grid_size: int = 12

    def __post_init__(self) -> None:
        if self.num_concepts < 1:
            raise ValueError(f"num_concepts must be >= 1, got {self.num_concepts}")
        if self.grid_size < 2 or self.grid_size % 2:
            raise ValueError(f"grid_size must be even and >= 2 (keys pool quadrants), got {self.grid_size}")

    @property
    def num_tokens(self) -> int:
        return self.grid_size * self.grid_size

    @property
    def token_dim(self) -> int:
        return self.num_concepts + 8

    @property
    def key_dim(self) -> int:
        return 5 * (self.num_concepts + 4)

    @property
    def evidence(self) -> slice:
        return slice(0, self.num_concepts)

    @property
    def offset(self) -> slice:
        return slice(self.num_concepts, self.num_concepts + 2)

    @property
    def size(self) -> slice:
        return slice(self.num_concepts + 2, self.num_concepts + 4)

    @property
    def colour(self) -> slice:
        return slice(self.num_concepts + 4, self.num_concepts + 7)

    @property
    def motion(self) -> slice:
        return slice(self.num_concepts + 7, self.num_concepts + 8)


@dataclass(frozen=True)
class Instance:
    """One cell's share of a concept: about `mass` objects around (cx, cy), fractions of the picture."""

    cx: float
    cy: float
    mass: float


@dataclass(frozen=True)
class SeenConcept:
    """What a grid says about one concept: how many, where on average, how large, and the strongest cells first."""

    index: int
    count: float
    cx: float
    cy: float
    w: float
    h: float
    instances: tuple[Instance, ...]


def grid_from_objects(
    objects: Sequence[Sequence[float]] | NDArray[Any],
    layout: GridLayout,
    colour: NDArray[Any] | None = None,
    motion: NDArray[Any] | None = None,
) -> FloatArray:
    """Objects as tokens float32 [P, D].

    objects: rows of (concept index, evidence, cx, cy, w, h), the last four as fractions of the picture.
    colour: [P, 3] or [grid, grid, 3] in 0..1; motion: [P] or [grid, grid] in 0..1; zeros where None.
    """
    rows = np.asarray(objects, dtype=np.float64).reshape(-1, 6)
    tokens = np.zeros((layout.num_tokens, layout.token_dim), dtype=np.float32)
    tokens[:, layout.offset] = EMPTY_OFFSET
    if len(rows):
        _add_objects(tokens, rows, layout)
    if colour is not None:
        tokens[:, layout.colour] = np.asarray(colour).reshape(layout.num_tokens, 3)
    if motion is not None:
        tokens[:, layout.motion] = np.asarray(motion).reshape(layout.num_tokens, 1)
    return tokens


def _add_objects(tokens: FloatArray, rows: NDArray[np.float64], layout: GridLayout) -> None:
    concept = rows[:, 0].astype(np.int64)
    if concept.min() < 0 or concept.max() >= layout.num_concepts:
        raise ValueError(f"concept index must be in 0..{layout.num_concepts - 1}, got {concept.min()}..{concept.max()}")
    evidence = np.maximum(rows[:, 1], 0.0)
    centre = np.clip(rows[:, 2:4], 0.0, 1.0) * layout.grid_size
    column_row = np.minimum(centre.astype(np.int64), layout.grid_size - 1)
    cell = column_row[:, 1] * layout.grid_size + column_row[:, 0]
    np.add.at(tokens, (cell, concept), evidence.astype(np.float32))

    mass = np.bincount(cell, evidence, layout.num_tokens)
    geometry = np.concatenate((centre - column_row, rows[:, 4:6]), axis=1)  # [n, 4]: dx, dy, w, h
    sums = np.stack(
        [np.bincount(cell, evidence * column, layout.num_tokens) for column in geometry.T], axis=1
    )  # [P, 4]
    filled = mass > 0
    means = sums[filled] / mass[filled, None]
    tokens[filled, layout.offset] = np.minimum(means[:, :2], _BELOW_ONE)
    tokens[filled, layout.size] = means[:, 2:]


def grid_key(tokens: NDArray[Any], layout: GridLayout) -> FloatArray:
    """The L2-normalised key float32 [key_dim] of tokens [P, D], for clustering and retrieval.

    [whole picture; top left; top right; bottom left; bottom right], each the square root of its summed evidence,
    beside a little of its mean colour.
    """
    tokens = _checked(tokens, layout)
    half = layout.grid_size // 2
    quadrants = tokens.reshape(2, half, 2, half, layout.token_dim).mean(axis=(1, 3)).reshape(4, -1)
    pooled = np.concatenate((quadrants.mean(axis=0, keepdims=True), quadrants))  # [5, D]
    num_cells = np.array([layout.num_tokens] + [half * half] * 4, dtype=np.float32)[:, None]
    evidence = np.sqrt(np.maximum(pooled[:, layout.evidence], 0.0) * num_cells)
    colour = pooled[:, layout.colour]
    darkness = 1.0 - colour.mean(axis=1, keepdims=True)
    key = np.concatenate((evidence, KEY_COLOUR_WEIGHT * colour, KEY_COLOUR_WEIGHT * darkness), axis=1).reshape(-1)
    return (key / max(float(np.linalg.norm(key)), 1e-6)).astype(np.float32)


def read_grid(tokens: NDArray[Any], layout: GridLayout, min_evidence: float = 0.5) -> list[SeenConcept]:
    """What tokens [P, D] (of one frame, or a mean of frames) show: concepts with at least `min_evidence`, by index."""
    tokens = _checked(tokens, layout)
    evidence = np.maximum(tokens[:, layout.evidence], 0.0)
    totals = evidence.sum(axis=0)
    cells = np.arange(layout.num_tokens)
    corner = np.stack((cells % layout.grid_size, cells // layout.grid_size), axis=1)
    centre = (corner + tokens[:, layout.offset]) / layout.grid_size  # [P, 2]
    size = tokens[:, layout.size]
    seen = []
    for index in np.flatnonzero(totals >= max(min_evidence, 1e-6)):
        mass = evidence[:, index]
        cx, cy = mass @ centre / totals[index]
        w, h = mass @ size / totals[index]
        strongest = np.argsort(-mass, kind="stable")[:MAX_INSTANCES]
        instances = tuple(
            Instance(float(centre[cell, 0]), float(centre[cell, 1]), float(mass[cell]))
            for cell in strongest
            if mass[cell] >= MIN_INSTANCE_EVIDENCE
        )
        seen.append(SeenConcept(int(index), float(totals[index]), float(cx), float(cy), float(w), float(h), instances))
    return seen


def _checked(tokens: NDArray[Any], layout: GridLayout) -> FloatArray:
    array = np.asarray(tokens, dtype=np.float32)
    if array.shape != (layout.num_tokens, layout.token_dim):
        raise ValueError(f"expected tokens [P={layout.num_tokens}, D={layout.token_dim}], got {array.shape}")
    return array
