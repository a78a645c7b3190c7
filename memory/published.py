"""One published state of the memory: references to immutable entries, made into a Snapshot when a reader asks.

Comes in: what the writer publishes after each frame. Goes out: Snapshot, MemoryStats. Any thread; nothing waits and
nothing is changed. What a write costs does not depend on whether anybody reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from memory.entry import Entry
from memory.ledger import LedgerState
from memory.snapshot import LazyTier, Snapshot, Tier
from memory.token_store import TokenStore

__all__ = ["MemoryStats", "Published"]


@dataclass(frozen=True, kw_only=True)
class MemoryStats:
    """The size of the memory after its last write."""

    version: int
    frames_seen: int
    tokens: int  # visual tokens in the tiers
    bytes: int  # held by the memory itself, without what the snapshots kept by readers add
    num_slots: int


class Published:
    """The memory after `version` writes."""

    def __init__(
        self,
        version: int,
        t_now_s: float,
        frames: tuple[Entry, ...],
        slots: tuple[Entry, ...],
        ledger: LedgerState,
        store: TokenStore,
    ) -> None:
        self.version, self.t_now_s = version, t_now_s
        self._frames, self._slots, self._ledger = frames, slots, ledger
        self._store, self._ready = store, store.mark_ready()

    def snapshot(self) -> Snapshot:
        """The same object for all readers of this version."""
        made = self.__dict__.get("_snapshot")
        if made is None:  # two readers may get here at once: one of the two equal results is kept for both
            made = self.__dict__.setdefault("_snapshot", self._make_snapshot())
        return made

    def stats(self, fixed_bytes: int) -> MemoryStats:
        """`fixed_bytes`: what the writer holds beside the entries."""
        entries = (*self._frames, *self._slots)
        arrays = {id(array): array.nbytes for e in entries for array in (e.token_sum, e.key_sum, e.medoid_key)}
        return MemoryStats(
            version=self.version,
            frames_seen=self.version,
            tokens=sum(entry.token_sum.shape[0] for entry in entries),
            bytes=sum(arrays.values()) + self._ledger.nbytes + fixed_bytes,
            num_slots=len(self._slots),
        )

    def _make_snapshot(self) -> Snapshot:
        return Snapshot(
            version=self.version,
            t_now_s=self.t_now_s,
            frames_seen=self.version,
            spatial=self._tier(self._frames),
            temporal=self._tier(self._slots),
            ledger=self._ledger.ledger(),
        )

    def _tier(self, entries: Sequence[Entry]) -> Tier:
        store, ready = self._store, self._ready

        def stack_tokens() -> torch.Tensor:
            return store.stack(entries, ready)

        def column(values: list[Any], dtype: torch.dtype) -> torch.Tensor:
            return torch.tensor(values, dtype=dtype)

        keys = np.array([entry.key for entry in entries], np.float32).reshape(len(entries), store.key_dim)
        return LazyTier(
            stack_tokens=stack_tokens,
            times_s=column([(e.start_s, e.end_s) for e in entries], torch.float64).reshape(-1, 2),
            weights=column([e.weight for e in entries], torch.float32),
            frame_ids=column([e.medoid_id for e in entries], torch.int64),
            first_frame_ids=column([e.first_id for e in entries], torch.int64),
            last_frame_ids=column([e.last_id for e in entries], torch.int64),
            mean_times_s=column([e.mean_time_s for e in entries], torch.float64),
            keys=torch.from_numpy(keys),
        )
