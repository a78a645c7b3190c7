"""Simulated detector streams in twins: named objects come and go before an imperfect encoder; one visit differs.

Comes in: a seed. Goes out: frames (tokens [P, D], key, time, id) as the semantic encoder would give them, and who was
where when. Misses are as frequent as in the training simulator (measured on real frames), by the size of the object.
In the twin another concept makes the asked visit; every other frame is the same to the byte.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from app.language.training.simulator import NoiseConfig
from memory import MemoryConfig
from vision.encoders import CONCEPTS, NUM_COCO, GridLayout, grid_from_objects, grid_key

__all__ = ["CONFIG", "LAYOUT", "DetectorStream", "Visit"]

LAYOUT = GridLayout(num_concepts=len(CONCEPTS))
CONFIG = MemoryConfig(
    num_tokens=LAYOUT.num_tokens,
    token_dim=LAYOUT.token_dim,
    key_dim=LAYOUT.key_dim,
    num_evidence_channels=LAYOUT.num_concepts,
)
Frame = tuple[np.ndarray, np.ndarray, float, int]
_NOISE = NoiseConfig()


class Digest(Protocol):
    """As hashlib makes them."""

    def update(self, data: Any, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Visit:
    """One object in view in frames [first, last]."""

    concept: int
    first: int
    last: int
    x: float
    y: float
    side: float  # of its box


class DetectorStream:
    """A cast of twelve concepts that come back all the time, and one visit of a thirteenth within the first minute."""

    def __init__(self, seed: int, fps: float, duration_s: float, num_event_frames: int) -> None:
        self.seed, self.fps, self.num_frames = seed, fps, int(duration_s * fps)
        rng = np.random.default_rng((seed, num_event_frames))
        chosen = rng.choice(NUM_COCO, 15, replace=False).tolist()
        self.cast, (own, other, self.absent) = chosen[:12], chosen[12:]
        first = int(rng.uniform(10, 60) * fps)
        x, y = rng.uniform(0.2, 0.8, 2).tolist()
        self.event = Visit(own, first, first + num_event_frames - 1, x, y, 0.4)
        self.twin_event = replace(self.event, concept=other)
        self._visits = self._plan(rng)

    def frames(self, event: Visit, digest: Digest | None = None) -> Iterator[Frame]:
        """All frames, read-only, with `event` as the visit that differs. `digest` takes every byte outside of it."""
        for number in range(self.num_frames):
            rng = np.random.default_rng((self.seed, number))  # noise by the frame's number alone
            objects = [row for visit in self._visits if (row := _seen(visit, number, rng)) is not None]
            seen = _seen(event, number, np.random.default_rng((self.seed, number, 1)))
            tokens = grid_from_objects([*objects, seen] if seen is not None else objects, LAYOUT)
            key = grid_key(tokens, LAYOUT)
            tokens.flags.writeable = False
            if digest is not None and not event.first <= number <= event.last:
                digest.update(tokens)
                digest.update(key)
            yield tokens, key, number / self.fps, number

    def digest(self) -> Digest:
        """A new one, to compare twins by."""
        return hashlib.blake2b(f"{self.seed} {self.fps}".encode())

    def present(self, number: int) -> list[int]:
        """Concepts of the cast that are in view for two seconds before and after this frame: no doubtful cases."""
        margin = int(2 * self.fps) + 2
        return [v.concept for v in self._visits if v.first + margin <= number <= v.last - margin]

    def away(self, number: int) -> list[int]:
        """Concepts of the cast that were seen before and have not been in view for ten seconds."""
        margin = int(10 * self.fps)
        came = {v.concept for v in self._visits if v.last < number}
        near = {v.concept for v in self._visits if v.first <= number <= v.last + margin}
        return sorted(came - near)

    def _plan(self, rng: np.random.Generator) -> list[Visit]:
        visits = []
        for concept in self.cast:
            number = int(rng.uniform(0, 120) * self.fps)
            while number < self.num_frames:
                length = max(1, int(rng.uniform(5, 60) * self.fps))
                x, y, side = rng.uniform((0.1, 0.1, 0.15), (0.9, 0.9, 0.5)).tolist()
                visits.append(Visit(concept, number, number + length - 1, x, y, side))
                number += length + int((20 + rng.exponential(100)) * self.fps)
        return visits


def _seen(visit: Visit, number: int, rng: np.random.Generator) -> tuple[float, ...] | None:
    """The detection (concept, evidence, centre, size), None when it is not there or missed."""
    if not visit.first <= number <= visit.last:
        return None
    if rng.random() < _NOISE.miss_rate(visit.side**2):
        return None
    evidence = float(np.clip(rng.normal(_NOISE.evidence_mean, _NOISE.evidence_spread), 0.15, 1.0))
    x, y = np.clip(rng.normal((visit.x, visit.y), _NOISE.centre_jitter * visit.side), 0.0, 0.999)
    return visit.concept, evidence, float(x), float(y), visit.side, visit.side
