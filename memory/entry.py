"""One entry of a tier, immutable once made, so that the writer and any number of snapshots can share it.

Comes in: one checked frame, or two entries. Goes out: a new entry. Any thread: nobody writes into an entry's arrays.
"""

from typing import Any, NamedTuple

import numpy as np

from memory.intervals import Interval, do_overlap, extended_runs, joined_runs

__all__ = ["Entry", "single_frame"]


class Entry(NamedTuple):
    """One frame, or the sum of several."""

    token_sum: Any  # what can be added: a TokenRow of [P, D]; in the summary a float32 array [D]
    pooled_sum: np.ndarray  # float32 [D]: the tokens summed over the frame as well, on the host
    key_sum: np.ndarray  # float32 [key_dim], of normalised keys
    medoid_key: np.ndarray  # float32 [key_dim]
    weight: int
    time_sum_s: float
    start_s: float
    end_s: float
    medoid_id: int
    first_id: int
    last_id: int
    runs: tuple[Interval, ...]  # when its frames came, within [start_s, end_s]; nothing of it lies outside of them

    @property
    def key(self) -> np.ndarray:
        """Mean key, float32 [key_dim]."""
        return self.key_sum if self.weight == 1 else self.key_sum / np.float32(self.weight)

    @property
    def mean_time_s(self) -> float:
        """Mean time, never outside [start_s, end_s] for the sake of a rounding."""
        return min(max(self.time_sum_s / self.weight, self.start_s), self.end_s)

    def is_of(self, interval: Interval) -> bool:
        """May one of its frames lie in `interval`?"""
        return any(do_overlap(run, interval) for run in self.runs)

    def extended(self, frame: "Entry") -> "Entry":
        """This entry with one more frame at its end that looks the same: the medoid stays."""
        return self._union(frame, medoid=self, runs=extended_runs(self.runs, frame.start_s))

    def merged(self, later: "Entry") -> "Entry":
        """Both in one. The medoid is the one nearer to the new mean key; in a tie, this one's."""
        mean_key = (self.key_sum + later.key_sum) / np.float32(self.weight + later.weight)
        is_own_nearer = _squared_distance(self.medoid_key, mean_key) <= _squared_distance(later.medoid_key, mean_key)
        return self._union(later, medoid=self if is_own_nearer else later, runs=joined_runs(self.runs, later.runs))

    def _union(self, later: "Entry", medoid: "Entry", runs: tuple[Interval, ...]) -> "Entry":
        """`later` starts no earlier than this one, but may end earlier."""
        last = max(self, later, key=lambda entry: (entry.end_s, entry.last_id))
        return Entry(
            token_sum=self.token_sum + later.token_sum,
            pooled_sum=self.pooled_sum + later.pooled_sum,
            key_sum=self.key_sum + later.key_sum,
            medoid_key=medoid.medoid_key,
            weight=self.weight + later.weight,
            time_sum_s=self.time_sum_s + later.time_sum_s,
            start_s=self.start_s,
            end_s=last.end_s,
            medoid_id=medoid.medoid_id,
            first_id=self.first_id,
            last_id=last.last_id,
            runs=runs,
        )


def single_frame(tokens: Any, pooled: np.ndarray, key: np.ndarray, time_s: float, frame_id: int) -> Entry:
    """The entry of one frame. The arrays are handed over: the caller must not write into them again."""
    runs = ((time_s, time_s),)
    return Entry(tokens, pooled, key, key, 1, time_s, time_s, time_s, frame_id, frame_id, frame_id, runs)


def _squared_distance(a: np.ndarray, b: np.ndarray) -> float:
    difference = a - b
    return float(np.einsum("i,i->", difference, difference))
