"""Which two event slots cost least to merge: a weighted Ward cost with a term for time, from cached distances.

    cost(i, j) = |k_i - k_j|^2 * a_i a_j / (a_i + a_j) * (1 + lambda * K * |t_i - t_j| / age),   a = weight ** alpha

Comes in: mean key, weight and mean time of each slot that may be merged, in order of start. Goes out: the cheapest
pair. Owned by the writer's thread. Distances are differences of float32 keys, never products: equal keys are exactly
0 apart, and the result does not depend on a BLAS or on the number of its threads.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["WardCosts"]


class WardCosts:
    """Caches of at most `capacity` rows, made once: O(capacity * key_dim + capacity^2) a frame."""

    def __init__(self, capacity: int, key_dim: int, *, alpha: float, time_lambda: float, num_slots: int) -> None:
        self._alpha = alpha
        self._time_factor = time_lambda * num_slots
        self._keys = np.zeros((capacity, key_dim), np.float32)
        self._difference = np.empty_like(self._keys)
        self._scales = np.zeros(capacity)  # weight ** alpha
        self._times_s = np.zeros(capacity)
        self._pairs = np.zeros((2, capacity, capacity))  # cost without its time term; distance in time
        self._costs = np.empty((capacity, capacity))
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        arrays = (self._keys, self._difference, self._scales, self._times_s, self._pairs, self._costs)
        return sum(array.nbytes for array in arrays)

    def append(self, key: np.ndarray, weight: int, time_s: float) -> None:
        """One more slot, later than all others."""
        self._size += 1
        self.replace(self._size - 1, key, weight, time_s)

    def replace(self, row: int, key: np.ndarray, weight: int, time_s: float) -> None:
        """Slot `row` has become another: its distances to all are measured anew."""
        size = self._size
        self._keys[row], self._scales[row], self._times_s[row] = key, weight**self._alpha, time_s
        difference = np.subtract(self._keys[:size], key, out=self._difference[:size])
        scales = self._scales[:size]
        costs = np.einsum("nd,nd->n", difference, difference) * (scales * scales[row] / (scales + scales[row]))
        costs[row] = np.inf
        gaps_s = np.abs(self._times_s[:size] - time_s)
        self._pairs[0, row, :size] = self._pairs[0, :size, row] = costs
        self._pairs[1, row, :size] = self._pairs[1, :size, row] = gaps_s

    def remove(self, row: int) -> None:
        """Slot `row` is gone; the later ones move up."""
        size, pairs = self._size, self._pairs
        for array in (self._keys, self._scales, self._times_s):
            array[row : size - 1] = array[row + 1 : size]
        pairs[:, row : size - 1] = pairs[:, row + 1 : size]
        pairs[:, :, row : size - 1] = pairs[:, :, row + 1 : size]
        self._size -= 1

    def clear(self) -> None:
        """No slots, and nothing left of those that were."""
        self._size = 0
        for array in (self._keys, self._difference, self._scales, self._times_s, self._pairs, self._costs):
            array[...] = 0

    @property
    def pairs(self) -> np.ndarray:
        """Copies of the cached numbers, float64 [2, N, N]: cost without its time term; distance in time."""
        return self._pairs[:, : self._size, : self._size].copy()

    def restore(self, keys: np.ndarray, weights: np.ndarray, times_s: np.ndarray, pairs: np.ndarray) -> None:
        """The cache as it was. keys: float32 [N, key_dim], weights and times_s: [N], pairs: float64 [2, N, N]."""
        self.clear()
        self._size = size = len(keys)
        self._keys[:size], self._times_s[:size] = keys, times_s
        self._scales[:size] = [int(weight) ** self._alpha for weight in weights]
        self._pairs[:, :size, :size] = pairs

    def cheapest_pair(self, age_s: float, frozen: Sequence[int] = ()) -> tuple[int, int]:
        """Rows (i, j), i < j, of the cheapest merge; of equally cheap ones the oldest. Rows in `frozen` take no part.

        Needs two rows that are not frozen.
        """
        size = self._size
        costs, (base, gaps_s) = self._costs[:size, :size], self._pairs[:, :size, :size]
        if age_s > 0:
            np.multiply(gaps_s, self._time_factor / age_s, out=costs)
            costs += 1.0
            costs *= base
        else:
            costs[...] = base
        for row in frozen:
            costs[row] = costs[:, row] = np.inf
        return divmod(
            int(costs.argmin()), size
        )  # symmetric and in order of start: the first minimum is the oldest pair
