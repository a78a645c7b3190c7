"""Twin streams: two streams that differ in one interval alone, and the question that only this interval answers.

Comes in: a seed. Goes out: frames (tokens [P, D], key, time, id), planned events, and twins of the stream. Scenes come
back, every two minutes something short happens: an event has a marker, by which a question names it, and an attribute,
which is the answer. In the twin of an event its frames show another attribute; every other frame is the same to the
byte. A policy that has lost the interval answers both twins alike.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["ATTRIBUTES", "KEY_DIM", "NUM_TOKENS", "TOKEN_DIM", "Event", "Frame", "TwinStream", "digest_outside"]

NUM_TOKENS, TOKEN_DIM, KEY_DIM, ATTRIBUTES = 144, 24, 64, 8  # as many tokens as the encoder gives
Frame = tuple[np.ndarray, np.ndarray, float, int]
_NOISE, _ATTRIBUTE_IN_KEY = 0.25, 0.5


@dataclass(frozen=True)
class Event:
    """Frames [first, first + length) show `attribute`; `marker` is its row in the stream's table of markers."""

    first: int
    length: int
    marker: int
    attribute: int

    @property
    def last(self) -> int:
        return self.first + self.length - 1


class TwinStream:
    """One stream by its seed. Events that are asked about lie in the first `asked_s` seconds, others all over it."""

    def __init__(
        self, seed: int, fps: float, duration_s: float, asked_s: float, asked_lengths: tuple[int, ...]
    ) -> None:
        self.seed, self.fps, self.num_frames = seed, fps, int(duration_s * fps)
        rng = np.random.default_rng(seed)
        self.asked = self._plan_asked(rng, int(asked_s * fps), asked_lengths)
        self.others = self._plan_others(rng)
        self.markers = _unit_rows(rng, len(self.asked) + len(self.others))
        self._attributes = _unit_rows(rng, ATTRIBUTES)
        self._scenes = _unit_rows(rng, 40)
        self._looks = rng.random((40, NUM_TOKENS, TOKEN_DIM - ATTRIBUTES), np.float32)
        self._scene_of = self._plan_scenes(rng)

    def twin_of(self, event: Event) -> Event:
        """The event as the twin stream shows it."""
        return replace(event, attribute=(event.attribute + 1 + self.seed % (ATTRIBUTES - 1)) % ATTRIBUTES)

    def frames(self, changed: Event | None = None) -> Iterator[Frame]:
        """All frames; with `changed`, those of the twin in which this event is shown so."""
        shown = {event.first: event for event in (*self.asked, *self.others)}
        if changed is not None:
            shown[changed.first] = changed
        event: Event | None = None
        for number in range(self.num_frames):
            event = shown.get(number, event)
            if event is not None and number > event.last:
                event = None
            yield self._frame(number, event)

    def _frame(self, number: int, event: Event | None) -> Frame:
        rng = np.random.default_rng((self.seed, number))  # noise by the frame's number alone
        scene = self._scene_of[number]
        tokens = np.zeros((NUM_TOKENS, TOKEN_DIM), np.float32)
        tokens[:, ATTRIBUTES:] = self._looks[scene] + 0.1 * rng.random((NUM_TOKENS, TOKEN_DIM - ATTRIBUTES))
        key = self._scenes[scene]
        place = int(rng.integers(NUM_TOKENS))
        if event is not None:
            key = 0.3 * key + self.markers[event.marker] + _ATTRIBUTE_IN_KEY * self._attributes[event.attribute]
            tokens[place, event.attribute] = 1.0
        key = key / np.linalg.norm(key) + _NOISE * rng.standard_normal(KEY_DIM) / KEY_DIM**0.5
        return tokens, key.astype(np.float32), number / self.fps, number

    def _plan_asked(self, rng: np.random.Generator, until: int, lengths: tuple[int, ...]) -> list[Event]:
        room = until // len(lengths)
        return [
            Event(room * row + int(rng.integers(room - length)), length, row, int(rng.integers(ATTRIBUTES)))
            for row, length in enumerate(lengths)
        ]

    def _plan_others(self, rng: np.random.Generator) -> list[Event]:
        """One every two minutes or so, never over an event that is asked about."""
        events: list[Event] = []
        number = int(rng.integers(int(60 * self.fps)))
        while number < self.num_frames:
            length = int(rng.integers(1, 12))
            is_free = all(number > one.last + 1 or number + length < one.first for one in self.asked)
            if is_free:
                events.append(Event(number, length, len(self.asked) + len(events), int(rng.integers(ATTRIBUTES))))
            number += length + int(rng.exponential(120 * self.fps)) + 1
        return events

    def _plan_scenes(self, rng: np.random.Generator) -> np.ndarray:
        """The scene of each frame: stretches of five seconds to two minutes."""
        scenes = np.empty(self.num_frames, np.int64)
        number = 0
        while number < self.num_frames:
            stretch = int(rng.uniform(5, 120) * self.fps)
            scenes[number : number + stretch] = rng.integers(len(self._scenes))
            number += max(stretch, 1)
        return scenes


def digest_outside(frames: Iterator[Frame], event: Event) -> str:
    """SHA-256 of every frame outside the event: equal for a stream and its twin."""
    digest = hashlib.sha256()
    for tokens, key, time_s, number in frames:
        if not event.first <= number <= event.last:
            digest.update(tokens.tobytes() + key.tobytes() + f"{time_s} {number}".encode())
    return digest.hexdigest()


def _unit_rows(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, KEY_DIM))
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
