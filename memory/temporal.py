"""The temporal tier: at most K event slots that together stand for every frame of the stream.

Comes in: the entry of each frame. Goes out: the slots in order of start. Owned by the writer's thread. A frame like
the last kept one extends the newest slot; any other becomes a slot, and when there are too many, the two that cost
least are merged, wherever they lie in time (memory/ward.py). Nothing is random and nothing is dropped: weights,
sums, times and ranges add up. (After J. H. Ward's minimum-variance clustering, 1963, with weights tempered and time
counted.)
"""

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.ward import WardCosts

__all__ = ["TemporalTier"]


class TemporalTier:
    """The newest `protected_slots` slots are never merged, so only the older ones have a row in the cost cache."""

    def __init__(self, config: MemoryConfig) -> None:
        self._config = config
        self._slots: list[Entry] = []
        self._last_kept_key: np.ndarray | None = None
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

    def push(self, frame: Entry) -> tuple[bool, tuple[int, int] | None]:
        """(was the frame kept as a slot of its own, positions of the two slots that were merged for it)."""
        if self._last_kept_key is None:
            self._stream_start_s = frame.start_s
        elif _similarity(self._last_kept_key, frame.key_sum) > self._config.duplicate_similarity:
            self._slots[-1] = self._slots[-1].extended(frame)
            return False, None
        self._slots.append(frame)
        self._last_kept_key = frame.key_sum
        newly_mergeable = len(self._slots) - 1 - self._config.protected_slots
        if newly_mergeable >= 0:
            slot = self._slots[newly_mergeable]
            self._costs.append(slot.key, slot.weight, slot.mean_time_s)
        if len(self._slots) <= self._config.temporal_capacity:
            return True, None
        return True, self._merge_cheapest(age_s=frame.end_s - self._stream_start_s)

    def _merge_cheapest(self, age_s: float) -> tuple[int, int]:
        older, newer = self._costs.cheapest_pair(age_s)
        slot = self._slots[older] = self._slots[older].merged(self._slots[newer])
        del self._slots[newer]
        self._costs.remove(newer)
        self._costs.replace(older, slot.key, slot.weight, slot.mean_time_s)
        return older, newer

    def publish(self) -> tuple[Entry, ...]:
        """The slots, in order of start."""
        return tuple(self._slots)


def _similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two normalised keys; two keys of zeros (two black pictures) are alike."""
    similarity = float(np.einsum("d,d->", a, b))
    if similarity == 0.0 and not a.any() and not b.any():
        return 1.0
    return similarity
