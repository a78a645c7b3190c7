"""Streams never filmed: scenes of named objects, seen through an imperfect encoder, written into the real memory.

In: a seed. Out: the `Snapshot` of a `StreamMemory` that was fed the simulated frames one by one, as the perceive thread
does. The noise follows what bench/encoder_noise.py measured on real frames: small things are missed more often than
large ones, misses come in runs, evidence is doubtful for a whole visit at times, centres jitter with the size of the
box, and false evidence comes in bursts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from memory import MemoryConfig, Snapshot, StreamMemory
from vision.encoders import Concept, GridLayout, grid_from_objects, grid_key

__all__ = ["NoiseConfig", "Simulator"]

GridObject = tuple[int, float, float, float, float, float]  # concept, evidence, cx, cy, w, h
_NUM_COCO = 80  # the concepts of COCO come first: everyday things, often several at once


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """How the simulated encoder errs. Rates are per object and frame unless said otherwise."""

    areas: tuple[float, ...] = (0.003, 0.01, 0.05, 0.2)  # of the picture; the bounds between the miss rates
    miss_rates: tuple[float, ...] = (0.41, 0.14, 0.13, 0.12, 0.07)
    miss_persistence: float = 0.6  # how likely a missed object is missed in the next frame, at least
    evidence_mean: float = 0.92
    evidence_spread: float = 0.1
    doubtful_rate: float = 0.2  # objects whose evidence is low all the time
    doubtful_mean: float = 0.5
    centre_jitter: float = 0.015  # of the box
    false_bursts_per_stream: float = 1.0
    false_burst_frames: float = 2.5

    def __post_init__(self) -> None:
        if len(self.miss_rates) != len(self.areas) + 1:
            raise ValueError(f"{len(self.areas)} areas part {len(self.areas) + 1} miss rates, got {self.miss_rates}")
        if not all(0.0 <= rate < 0.5 for rate in self.miss_rates):
            raise ValueError(f"miss rates must be in [0, 0.5), got {self.miss_rates}")
        if not 0.0 <= self.miss_persistence < 1.0:
            raise ValueError(f"miss_persistence must be in [0, 1), got {self.miss_persistence}")

    def miss_rate(self, area: float) -> float:
        """How often a thing that covers `area` of the picture is missed while it is there."""
        return self.miss_rates[sum(area >= bound for bound in self.areas)]


@dataclass(frozen=True)
class Track:
    """One object: what it is, when it is there, where it starts, how it moves, its size, how sure the encoder is."""

    concept: int
    first_frame: int
    last_frame: int
    centre: np.ndarray
    velocity: np.ndarray
    size: np.ndarray
    evidence: float


class Simulator:
    """Makes snapshots of simulated streams for a concept vocabulary. One instance per process."""

    def __init__(self, concepts: Sequence[Concept], layout: GridLayout, noise: NoiseConfig | None = None):
        self._concepts, self._layout, self._noise = concepts, layout, noise or NoiseConfig()
        is_rare = [bool(concept.imagenet) and index >= _NUM_COCO for index, concept in enumerate(concepts)]
        self._is_common = ~np.array(is_rare, dtype=bool)
        weights = np.where(self._is_common, 2.0, 1.0)
        self._weights = weights / weights.sum()
        key = grid_key(np.zeros((layout.num_tokens, layout.token_dim), np.float32), layout)
        self._memory_config = MemoryConfig(
            num_tokens=layout.num_tokens,
            token_dim=layout.token_dim,
            key_dim=len(key),
            num_evidence_channels=layout.num_concepts,
        )

    def snapshot(self, seed: int, max_frames: int = 120) -> Snapshot:
        """The memory after one simulated stream. Same seed, same snapshot."""
        rng = np.random.default_rng(seed)
        times_s = _frame_times(rng, max_frames)
        frames = self._frames(rng, len(times_s))
        memory = StreamMemory(self._memory_config)
        try:
            for index, (time_s, objects) in enumerate(zip(times_s, frames, strict=True)):
                tokens = grid_from_objects(objects, self._layout)
                key = grid_key(tokens, self._layout)
                memory.write(torch.from_numpy(tokens), torch.from_numpy(key), float(time_s), index * 7)
            return memory.snapshot()
        finally:
            memory.close()

    def _frames(self, rng: np.random.Generator, num_frames: int) -> list[list[GridObject]]:
        frames: list[list[GridObject]] = [[] for _ in range(num_frames)]
        cast = rng.choice(len(self._concepts), 8, replace=False, p=self._weights)
        for first, last in _shots(rng, num_frames):
            for track in self._tracks(rng, cast, first, last):
                self._add_track(rng, track, frames)
        for _ in range(rng.poisson(self._noise.false_bursts_per_stream)):
            self._add_false_burst(rng, frames)
        return frames

    def _tracks(self, rng: np.random.Generator, cast: np.ndarray, first: int, last: int) -> list[Track]:
        chosen: dict[int, int] = {}
        if rng.random() < 0.5:
            chosen[0] = int(min(rng.geometric(0.4), 12))
        for _ in range(int(min(rng.geometric(0.35) - (rng.random() < 0.15), 9))):
            is_of_cast = rng.random() < 0.65
            concept = int(rng.choice(cast) if is_of_cast else rng.choice(len(self._concepts), p=self._weights))
            single = not self._is_common[concept] or not self._concepts[concept].is_countable
            chosen[concept] = 1 if single else int(min(rng.geometric(0.6), 9))
        tracks = []
        for concept, count in chosen.items():
            together = rng.random() < 0.5
            span = _presence(rng, first, last)
            for _ in range(count):
                if not together:
                    span = _presence(rng, first, last)
                tracks.append(self._track(rng, concept, *span))
        return tracks

    def _track(self, rng: np.random.Generator, concept: int, first: int, last: int) -> Track:
        is_still = rng.random() < 0.5
        width = float(np.exp(rng.uniform(np.log(0.03), np.log(0.6))))
        size = np.array([width, np.clip(width * rng.uniform(0.6, 2.5), 0.03, 0.95)])
        noise = self._noise
        evidence = noise.doubtful_mean if rng.random() < noise.doubtful_rate else noise.evidence_mean
        velocity = np.zeros(2) if is_still else rng.normal(0, 0.03, 2)
        return Track(concept, first, last, rng.uniform(0.04, 0.96, 2), velocity, size, evidence)

    def _add_track(self, rng: np.random.Generator, track: Track, frames: list[list[GridObject]]) -> None:
        noise, width, height = self._noise, float(track.size[0]), float(track.size[1])
        miss_rate = noise.miss_rate(width * height)
        stays_missed = max(noise.miss_persistence, miss_rate)
        becomes_missed = miss_rate * (1 - stays_missed) / (1 - miss_rate)  # keeps the share of misses at miss_rate
        is_missed = rng.random() < miss_rate
        for index in range(track.first_frame, track.last_frame):
            centre = track.centre + track.velocity * (index - track.first_frame)
            if (centre < 0.01).any() or (centre > 0.99).any():
                break
            is_missed = rng.random() < (stays_missed if is_missed else becomes_missed)
            if is_missed:
                continue
            evidence = float(np.clip(rng.normal(track.evidence, noise.evidence_spread), 0.15, 1.0))
            x, y = np.clip(centre + rng.normal(0, noise.centre_jitter, 2) * track.size, 0.0, 0.999)
            frames[index].append((track.concept, evidence, float(x), float(y), width, height))

    def _add_false_burst(self, rng: np.random.Generator, frames: list[list[GridObject]]) -> None:
        concept, first = int(rng.integers(len(self._concepts))), int(rng.integers(len(frames)))
        x, y, evidence = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95), rng.uniform(0.15, 0.6)
        for index in range(first, min(first + int(rng.geometric(1 / self._noise.false_burst_frames)), len(frames))):
            frames[index].append((concept, float(evidence), float(x), float(y), 0.1, 0.1))


def _frame_times(rng: np.random.Generator, max_frames: int) -> np.ndarray:
    """Times of the encoded frames: some fixed rate, sometimes a late question, sometimes a gap."""
    num_frames = int(np.exp(rng.uniform(np.log(2), np.log(max_frames)))) if rng.random() < 0.95 else 1
    step_s = float(rng.choice([0.2, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0, 5.0, 10.0, 30.0]))
    steps_s = np.full(num_frames, step_s) * rng.uniform(0.95, 1.05, num_frames)
    steps_s[0] = 0.0 if rng.random() < 0.8 else rng.uniform(0, 4000)
    if num_frames > 3 and rng.random() < 0.15:
        steps_s[int(rng.integers(1, num_frames))] += rng.uniform(5, 300)
    return np.cumsum(steps_s)


def _shots(rng: np.random.Generator, num_frames: int) -> list[tuple[int, int]]:
    """Cuts: a fixed camera has one shot, a film or a walk has several."""
    num_cuts = 0 if rng.random() < 0.6 else int(min(rng.geometric(0.3), max(num_frames // 3, 0)))
    cuts = sorted({0, num_frames, *(int(cut) for cut in rng.integers(0, num_frames + 1, num_cuts))})
    return list(zip(cuts[:-1], cuts[1:], strict=True))


def _presence(rng: np.random.Generator, first: int, last: int) -> tuple[int, int]:
    """From which frame to which an object is there within a shot."""
    start = first if rng.random() < 0.55 else int(rng.integers(first, last))
    end = last if rng.random() < 0.6 else int(rng.integers(start, last)) + 1
    return start, end
