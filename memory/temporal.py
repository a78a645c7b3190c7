"""The temporal tier: at most K event slots that together stand for every frame of the stream.

Comes in: the entry of each frame. Goes out: the slots in order of start. Changed under the memory's lock alone. A frame
like the last kept one extends the newest slot; any other becomes a slot, and when there are too many, the two that cost
least are merged, wherever they lie in time (memory/ward.py). Nothing is random and nothing is dropped: weights,
sums, times and ranges add up. (After J. H. Ward's minimum-variance clustering, 1963, with weights tempered and time
counted.) Slots of a pinned interval are neither merged nor extended by frames from outside of it.
"""

from collections.abc import Sequence

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.intervals import Interval
from memory.ward import WardCosts

__all__ = ["TemporalTier"]


class TemporalTier:
    """The newest `protected_slots` slots are never merged, so only the older ones have a row in the cost cache."""

    def __init__(self, config: MemoryConfig) -> None:
        self._config = config
        self._slots: list[Entry] = []
        self._is_pinned: list[bool] = []  # beside each slot
        self._pins: tuple[Interval, ...] = ()
        self._last_kept: tuple[np.ndarray, float] | None = None  # key and time of the last frame that became a slot
        self._stream_start_s = 0.0
        self._costs = WardCosts(
            config.temporal_capacity + 1 - config.protected_slots,
            config.key_dim,
            alpha=config.ward_alpha,
            time_lambda=config.time_lambda,
            num_slots=config.temporal_capacity,
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the book-keeping, constant; the slots' own arrays are not in it."""
        return self._costs.nbytes

    @property
    def num_pinned(self) -> int:
        return sum(self._is_pinned)

    def push(self, frame: Entry) -> tuple[bool, tuple[int, int] | None]:
        """(was the frame kept as a slot of its own, positions of the two slots that were merged for it)."""
        if not self._slots:
            self._stream_start_s = frame.start_s
        if self._can_extend(frame):
            self._slots[-1] = self._slots[-1].extended(frame)
            return False, None
        self._append(frame)
        self._last_kept = frame.key_sum, frame.start_s
        if len(self._slots) <= self._config.temporal_capacity:
            return True, None
        return True, self._merge_cheapest(age_s=frame.end_s - self._stream_start_s)

    def interrupt(self) -> None:
        """The next frame is a slot of its own, whatever it shows: nobody saw what was between."""
        self._last_kept = None

    def pin(self, pins: Sequence[Interval]) -> int:
        """Protects the slots of these intervals, the earliest first while there is room; how many it does protect."""
        self._pins = tuple(pins)
        self._is_pinned = []
        for slot in self._slots:
            self._is_pinned.append(self._may_pin(slot))
        return self.num_pinned

    def forget(self, interval: Interval, recent: Sequence[Entry]) -> tuple[int, int]:
        """Drops every slot that may hold a frame of the interval; (slots dropped, frames no longer stood for).

        `recent`: frames outside the interval that are held whole. Those whose slot was dropped become slots again.
        """
        dropped = [row for row, slot in enumerate(self._slots) if slot.is_of(interval)]
        num_slots, num_before = len(self._slots), sum(slot.weight for slot in self._slots)
        kept = [slot for slot in self._slots if not slot.is_of(interval)]
        if dropped:
            homeless = [frame for frame in recent if not any(slot.is_of(frame.runs[0]) for slot in kept)]
            room = self._config.temporal_capacity - len(kept)
            self._rebuild([*kept, *self._alike_joined(homeless)[-room:]])
        if dropped and dropped[-1] == num_slots - 1:
            self._last_kept = None  # what is like it would extend a slot that shows something else
        if self._last_kept is not None and interval[0] <= self._last_kept[1] <= interval[1]:
            self._last_kept = None
        if interval[0] <= self._stream_start_s <= interval[1]:
            self._stream_start_s = self._slots[0].start_s if self._slots else interval[1]
        return len(dropped), num_before - sum(slot.weight for slot in self._slots)

    def adopt(self, slots: Sequence[Entry]) -> None:
        """Holds these slots and no others; merges while there are too many."""
        self._rebuild(slots)
        self._last_kept = None
        self._stream_start_s = self._slots[0].start_s if self._slots else 0.0
        while len(self._slots) > self._config.temporal_capacity:
            self._merge_cheapest(age_s=max(slot.end_s for slot in self._slots) - self._stream_start_s)

    def publish(self) -> tuple[Entry, ...]:
        """The slots, in order of start."""
        return tuple(self._slots)

    def export(self) -> dict[str, np.ndarray]:
        """What a tier with the same slots and pins needs beside them to go on alike."""
        key, time_s = self._last_kept or (np.empty(0, np.float32), 0.0)
        return {
            "pairs": self._costs.pairs,
            "last_kept_key": key.copy(),
            "clock_s": np.array([time_s, self._stream_start_s]),
            "is_pinned": np.array(self._is_pinned, bool),
        }

    def restore(self, slots: Sequence[Entry], pins: Sequence[Interval], arrays: dict[str, np.ndarray]) -> None:
        self._slots, self._pins = list(slots), tuple(pins)
        self._is_pinned = arrays["is_pinned"].tolist()
        time_s, self._stream_start_s = arrays["clock_s"].tolist()
        self._last_kept = (arrays["last_kept_key"], time_s) if arrays["last_kept_key"].size else None
        mergeable = slots[: max(0, len(slots) - self._config.protected_slots)]
        keys = np.array([slot.key for slot in mergeable], np.float32).reshape(-1, self._config.key_dim)
        weights = np.array([slot.weight for slot in mergeable], np.int64)
        times_s = np.array([slot.mean_time_s for slot in mergeable])
        self._costs.restore(keys, weights, times_s, arrays["pairs"])

    def _can_extend(self, frame: Entry) -> bool:
        if self._last_kept is None or not self._slots:
            return False
        if _similarity(self._last_kept[0], frame.key_sum) <= self._config.duplicate_similarity:
            return False
        if self._is_pinned[-1]:
            return self._is_of_pin(frame)
        return not self._may_pin(frame)

    def _may_pin(self, entry: Entry) -> bool:
        return self._is_of_pin(entry) and self.num_pinned < self._config.pinnable_slots

    def _is_of_pin(self, entry: Entry) -> bool:
        return any(entry.is_of(pin) for pin in self._pins)

    def _alike_joined(self, frames: Sequence[Entry]) -> list[Entry]:
        """Frames in order of time as slots: one like the frame before it is added to that one's."""
        slots: list[Entry] = []
        for before, frame in zip((None, *frames), frames, strict=False):
            if before is not None and _similarity(before.key_sum, frame.key_sum) > self._config.duplicate_similarity:
                slots[-1] = slots[-1].extended(frame)
            else:
                slots.append(frame)
        return slots

    def _append(self, slot: Entry) -> None:
        self._is_pinned.append(self._may_pin(slot))
        self._slots.append(slot)
        newly_mergeable = len(self._slots) - 1 - self._config.protected_slots
        if newly_mergeable >= 0:
            slot = self._slots[newly_mergeable]
            self._costs.append(slot.key, slot.weight, slot.mean_time_s)

    def _merge_cheapest(self, age_s: float) -> tuple[int, int]:
        frozen = [row for row in range(len(self._costs)) if self._is_pinned[row]]
        older, newer = self._costs.cheapest_pair(age_s, frozen)
        slot = self._slots[older] = self._slots[older].merged(self._slots[newer])
        del self._slots[newer], self._is_pinned[newer]
        self._costs.remove(newer)
        self._costs.replace(older, slot.key, slot.weight, slot.mean_time_s)
        return older, newer

    def _rebuild(self, slots: Sequence[Entry]) -> None:
        self._costs.clear()
        self._slots, self._is_pinned = [], []
        for slot in sorted(slots, key=lambda slot: slot.start_s):
            self._append(slot)


def _similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two normalised keys; two keys of zeros (two black pictures) are alike."""
    similarity = float(np.einsum("d,d->", a, b))
    if similarity == 0.0 and not a.any() and not b.any():
        return 1.0
    return similarity
