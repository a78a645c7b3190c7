"""Choosing frames: no near-duplicates, and no stretch of the stream that takes all the places. Pure, deterministic.

Comes in: hits with scores and keys. Goes out: the chosen ones.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory.archive import Hit

__all__ = ["SeenKeys", "choose_balanced", "overview_targets", "spread_targets"]


class SeenKeys:
    """The keys of what is already there; tells whether another one would add anything."""

    def __init__(self, keys: NDArray[np.float32], duplicate_similarity: float) -> None:
        """keys: [n, key_dim], of any length."""
        self._keys = [_unit(key) for key in keys]
        self._limit = duplicate_similarity

    def has(self, key: NDArray[np.float32]) -> bool:
        unit = _unit(key)
        return any(float(unit @ seen) >= self._limit for seen in self._keys)

    def add(self, key: NDArray[np.float32]) -> None:
        self._keys.append(_unit(key))


def choose_balanced(
    hits: Sequence[Hit], k: int, seen: SeenKeys, stretch_of: Callable[[float], int], balance: float
) -> list[Hit]:
    """At most k hits, the best first; each one chosen makes the next from its stretch of time cost `balance`.

    Adds the keys of the chosen to `seen`. Ties: the better raw score, then the earlier.
    """
    chosen: list[Hit] = []
    num_from: Counter[int] = Counter()
    left = [(hit, stretch_of(hit.time_s)) for hit in hits]
    while left and len(chosen) < k:
        best = max(left, key=lambda one: (one[0].score - balance * num_from[one[1]], one[0].score, -one[0].time_s))
        left.remove(best)
        hit, stretch = best
        if seen.has(hit.key):
            continue
        seen.add(hit.key)
        num_from[stretch] += 1
        chosen.append(hit)
    return chosen


def spread_targets(start_s: float, end_s: float, num: int) -> list[float]:
    """Middles of `num` equal parts of an interval, the one nearest to its own middle first."""
    part_s = (end_s - start_s) / num
    middles = [start_s + (i + 0.5) * part_s for i in range(num)]
    centre_s = (start_s + end_s) / 2
    return sorted(middles, key=lambda middle: (round(abs(middle - centre_s), 6), middle))


def overview_targets(first_s: float, now_s: float, num: int) -> list[float]:
    """Times from the first frame on, each twice as old as the one after it: the recent past closer together."""
    return [now_s - (now_s - first_s) / 2**i for i in range(num)]


def _unit(key: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(key))
    return key / np.float32(length) if length > 0 else key
