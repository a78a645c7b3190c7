"""Which kept frames are most like a key, or show a channel best: an index in device-independent, bounded memory.

Comes in: positions, times, keys and evidence in order of arrival. Goes out: candidates, whose exact scores the reader
computes from what is on disk. FAISS searches keys that a fixed random projection has made shorter: inner products
survive it within about 1 / sqrt(PROJECTED_DIM) (W. Johnson and J. Lindenstrauss, 1984), and the key on disk decides.
When the index is full it keeps every second position, then every fourth: the reader looks at the neighbours on disk.
Belongs to one thread.
"""

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from memory.archive.checks import unit_key

__all__ = ["PROJECTED_DIM", "ContentIndex", "evidence_score"]

PROJECTED_DIM = 256
_SEED = 20260  # the projection is made anew in each process, always the same


def evidence_score(evidence: NDArray[np.floating]) -> NDArray[np.float32]:
    """[..., channels] -> [...]: mean of e / (e + 1), so that frames that show all channels stand above one that
    shows one of them many times."""
    positive = np.maximum(evidence.astype(np.float32), 0.0)
    scores: NDArray[np.float32] = (positive / (positive + 1.0)).mean(axis=-1)
    return scores


class ContentIndex:
    """Times never decrease from one position to the next."""

    def __init__(self, key_dim: int, evidence_dim: int, max_frames: int) -> None:
        self.stride = 1  # positions that it divides are in the index
        self._max_frames = max_frames
        self._projection = _projection(key_dim)
        self._keys = faiss.IndexFlatIP(min(key_dim, PROJECTED_DIM))
        self._positions = np.empty(0, np.int64)
        self._times_s = np.empty(0, np.float64)
        self._evidence = np.empty((evidence_dim, 0), np.float16)  # room for more than there are

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def num_bytes(self) -> int:
        """Of RAM."""
        return int(len(self) * (4 * self._keys.d + 16) + self._evidence.nbytes + self._projection.nbytes)

    def takes(self, position: int) -> bool:
        return position % self.stride == 0

    def add(self, positions: NDArray[np.int64], times_s: NDArray[np.float64], vectors: NDArray[np.float16]) -> None:
        """vectors: [n, key_dim + evidence_dim]. Positions that the index does not take are passed over."""
        taken = positions % self.stride == 0
        positions, times_s, vectors = positions[taken], times_s[taken], vectors[taken]
        key_dim = self._projection.shape[0]
        keys = vectors[:, :key_dim].astype(np.float32) @ self._projection
        length = np.linalg.norm(keys, axis=1, keepdims=True)
        self._keys.add(np.divide(keys, length, out=np.zeros_like(keys), where=length > 0))
        self._add_evidence(vectors[:, key_dim:])
        self._positions = np.concatenate((self._positions, positions))
        self._times_s = np.concatenate((self._times_s, times_s))
        while len(self) > self._max_frames:
            self.stride *= 2
            self._keep(self._positions % self.stride == 0)

    def keep_only(self, positions: NDArray[np.int64]) -> None:
        """Lets go of what is no longer in the archive. positions: sorted."""
        self._keep(np.isin(self._positions, positions, assume_unique=True))

    def best_by_key(self, key: NDArray[np.float32], start_s: float, end_s: float, m: int) -> list[int]:
        """At most m positions within the time range, the most alike first. key: [key_dim], length 1."""
        low, high = self._between(start_s, end_s)
        if low == high:
            return []
        projected = unit_key(key @ self._projection, self._keys.d)[None]  # [1, d]
        slots = faiss.IDSelectorRange(low, high)
        within = faiss.SearchParameters()
        within.sel = slots
        _, found = self._keys.search(projected, min(m, high - low), params=within)
        return [int(self._positions[slot]) for slot in found[0] if slot >= 0]

    def best_by_evidence(self, channels: Sequence[int], start_s: float, end_s: float, m: int) -> list[int]:
        """At most m positions within the time range that show any of the channels, the best first."""
        low, high = self._between(start_s, end_s)
        scores = evidence_score(self._evidence[list(channels), low:high].T)
        best = np.argsort(-scores, kind="stable")[:m]
        return [int(self._positions[low + slot]) for slot in best if scores[slot] > 0]

    def _between(self, start_s: float, end_s: float) -> tuple[int, int]:
        low = int(np.searchsorted(self._times_s, start_s, side="left"))
        return low, max(low, int(np.searchsorted(self._times_s, end_s, side="right")))

    def _add_evidence(self, evidence: NDArray[np.float16]) -> None:
        start, end = len(self), len(self) + len(evidence)
        if end > self._evidence.shape[1]:
            room = min(2 * end, self._max_frames + len(evidence))
            grown = np.zeros((self._evidence.shape[0], max(room, end)), np.float16)
            grown[:, :start] = self._evidence[:, :start]
            self._evidence = grown
        self._evidence[:, start:end] = evidence.T

    def _keep(self, is_kept: NDArray[np.bool_]) -> None:
        if is_kept.all():
            return
        self._keys.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(~is_kept)))
        self._evidence = np.ascontiguousarray(self._evidence[:, : len(self)][:, is_kept])
        self._positions, self._times_s = self._positions[is_kept], self._times_s[is_kept]


def _projection(key_dim: int) -> NDArray[np.float32]:
    """[key_dim, min(key_dim, PROJECTED_DIM)] with orthonormal columns."""
    if key_dim <= PROJECTED_DIM:
        return np.eye(key_dim, dtype=np.float32)
    gaussian = np.random.default_rng(_SEED).standard_normal((key_dim, PROJECTED_DIM))
    return np.linalg.qr(gaussian)[0].astype(np.float32)
