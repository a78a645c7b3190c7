"""One published state of the memory: references to immutable entries, made into a Snapshot when a reader asks.

Comes in: what was published after a frame or a command. Goes out: Snapshot, MemoryStats. Any thread; nothing waits and
nothing is changed. What a write costs does not depend on whether anybody reads.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.gaps import Gap
from memory.ledger import LedgerState
from memory.pins import Pin
from memory.snapshot import LazyTier, Snapshot, Tier
from memory.stats import MemoryStats, measure
from memory.summary import attend
from memory.text_log import Note
from memory.token_store import TokenStore

__all__ = ["Contents", "Published"]


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

    def __init__(self, contents: Contents, store: TokenStore, config: MemoryConfig) -> None:
        self.contents = contents
        self._store, self._ready, self._config = store, store.mark_ready(), config

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
        return measure(self.contents, self._config, self._store.reserved_bytes, fixed_bytes)

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
        sums = np.array([entry.key_sum for entry in entries], np.float32).reshape(len(entries), self._config.key_dim)
        sums /= np.array([entry.weight for entry in entries], np.float32)[:, None]
        return sums

    def _tier(self, entries: Sequence[Entry], keys: np.ndarray) -> Tier:
        store, ready = self._store, self._ready
        return _lazy_tier(entries, keys, lambda: store.stack(entries, ready))

    def _summary(self, slot_keys: np.ndarray, theme_keys: np.ndarray) -> Tier:
        """Its keys are the themes' own; its tokens are read by attention when first asked for."""
        store, temperature = self._store, self._config.attention_temperature
        num_tokens, token_dim = self._config.num_tokens, self._config.token_dim
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
