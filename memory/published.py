"""One published state of the memory: references to immutable entries, made into a Snapshot when a reader asks.

Comes in: what was published after a frame or a command. Goes out: Snapshot, MemoryStats. Any thread; nothing waits and
nothing is changed. What a write costs does not depend on whether anybody reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from memory.entry import Entry
from memory.gaps import Gap
from memory.ledger import LedgerState
from memory.pins import Pin
from memory.snapshot import LazyTier, Snapshot, Tier
from memory.summary import attend
from memory.text_log import Note
from memory.token_store import TokenStore

__all__ = ["Contents", "MemoryStats", "Published"]


@dataclass(frozen=True, kw_only=True)
class MemoryStats:
    """The size of the memory after its last write."""

    version: int
    frames_seen: int
    tokens: int  # visual tokens in the spatial and the temporal tier
    bytes: int  # held by entries and records, without what the snapshots kept by readers add
    num_slots: int
    reserved_bytes: int = 0  # token rows made at start, in use or free; constant
    num_pinned_slots: int = 0
    num_evicted_notes: int = 0


class Contents(NamedTuple):
    """Everything that is published: immutable, shared by any number of states."""

    version: int
    t_now_s: float
    frames_forgotten: int
    frames: tuple[Entry, ...]
    slots: tuple[Entry, ...]
    themes: tuple[Entry, ...]
    ledger: LedgerState
    notes: tuple[Note, ...]
    gaps: tuple[Gap, ...]
    pins: tuple[Pin, ...]
    num_pinned_slots: int
    num_evicted_notes: int


class Published:
    """The memory after `contents.version` writes and commands."""

    def __init__(self, contents: Contents, store: TokenStore, temperature: float, shape: tuple[int, int, int]) -> None:
        """shape: (P, D, key_dim)."""
        self.contents = contents
        self._store, self._ready = store, store.mark_ready()
        self._temperature, self._shape = temperature, shape

    def snapshot(self) -> Snapshot:
        """The same object for all readers of this version."""
        made = self.__dict__.get("_snapshot")
        if made is None:  # two readers may get here at once: one of the two equal results is kept for both
            made = self.__dict__.setdefault("_snapshot", self._make_snapshot())
        return made

    @property
    def frames_seen(self) -> int:
        return sum(slot.weight for slot in self.contents.slots)

    def stats(self, fixed_bytes: int) -> MemoryStats:
        """`fixed_bytes`: what the writer holds beside the entries."""
        contents = self.contents
        entries = (*contents.frames, *contents.slots)
        arrays = {
            id(array): array.nbytes
            for e in (*entries, *contents.themes)
            for array in (e.token_sum, e.pooled_sum, e.key_sum, e.medoid_key)
        }
        words = sum(4 * len(note.text) + 64 for note in contents.notes) + 64 * len(contents.gaps)
        return MemoryStats(
            version=contents.version,
            frames_seen=self.frames_seen,
            tokens=sum(entry.token_sum.shape[0] for entry in entries),
            bytes=sum(arrays.values()) + contents.ledger.nbytes + words + fixed_bytes,
            num_slots=len(contents.slots),
            reserved_bytes=self._store.reserved_bytes,
            num_pinned_slots=contents.num_pinned_slots,
            num_evicted_notes=contents.num_evicted_notes,
        )

    def _make_snapshot(self) -> Snapshot:
        contents = self.contents
        slot_keys, theme_keys = self._keys(contents.slots), self._keys(contents.themes)
        return Snapshot(
            version=contents.version,
            t_now_s=contents.t_now_s,
            frames_seen=self.frames_seen,
            spatial=self._tier(contents.frames, self._keys(contents.frames)),
            temporal=self._tier(contents.slots, slot_keys),
            ledger=contents.ledger.ledger(),
            abstract=self._summary(slot_keys, theme_keys),
            notes=contents.notes,
            gaps=contents.gaps,
            pins=contents.pins,
            frames_forgotten=contents.frames_forgotten,
        )

    def _keys(self, entries: Sequence[Entry]) -> np.ndarray:
        """Mean keys, float32 [N, key_dim]."""
        sums = np.array([entry.key_sum for entry in entries], np.float32).reshape(len(entries), self._shape[2])
        sums /= np.array([entry.weight for entry in entries], np.float32)[:, None]
        return sums

    def _tier(self, entries: Sequence[Entry], keys: np.ndarray) -> Tier:
        store, ready = self._store, self._ready
        return _lazy_tier(entries, keys, lambda: store.stack(entries, ready))

    def _summary(self, slot_keys: np.ndarray, theme_keys: np.ndarray) -> Tier:
        """Its keys are the themes' own; its tokens are read by attention when first asked for."""
        store, temperature, (num_tokens, token_dim, _) = self._store, self._temperature, self._shape
        themes, slots = self.contents.themes, self.contents.slots
        sums = [*(slot.pooled_sum for slot in slots), *(theme.token_sum for theme in themes)]  # no token rows
        weights = np.array([entry.weight for entry in (*slots, *themes)], np.float32)

        def read() -> torch.Tensor:
            if not themes:
                return store.place(np.empty((0, 1, token_dim), np.float32))
            keys = np.concatenate([slot_keys, theme_keys])
            values = attend(keys, np.array(sums), weights, len(themes), temperature)
            return store.place(values[:, None] / np.float32(num_tokens))

        return _lazy_tier(themes, theme_keys, read)


def _lazy_tier(entries: Sequence[Entry], keys: np.ndarray, stack_tokens: Callable[[], torch.Tensor]) -> Tier:
    def column(values: list[Any], dtype: type) -> torch.Tensor:
        return torch.from_numpy(np.array(values, dtype))

    return LazyTier(
        stack_tokens=stack_tokens,
        times_s=column([(e.start_s, e.end_s) for e in entries], np.float64).reshape(-1, 2),
        weights=column([e.weight for e in entries], np.float32),
        frame_ids=column([e.medoid_id for e in entries], np.int64),
        first_frame_ids=column([e.first_id for e in entries], np.int64),
        last_frame_ids=column([e.last_id for e in entries], np.int64),
        mean_times_s=column([e.mean_time_s for e in entries], np.float64),
        keys=torch.from_numpy(keys),
    )
