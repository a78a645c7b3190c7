"""One published state of the memory: references to immutable entries, made into a Snapshot when a reader asks.

Comes in: what was published after a frame or a command. Goes out: Snapshot, MemoryStats. Any thread; nothing waits and
nothing is changed. What a write costs does not depend on whether anybody reads.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.gaps import Gap
from memory.ledger import LedgerState
from memory.pins import Pin
from memory.snapshot import LazyTier, Snapshot, Tier
from memory.stats import MemoryStats, measure
from memory.stream_tensor import StreamTensor
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
    traces: tuple[Entry, ...]
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
        return Snapshot(
            version=contents.version,
            t_now_s=contents.t_now_s,
            frames_seen=self.frames_seen,
            spatial=self._tier(contents.frames),
            temporal=self._tier(contents.slots),
            traces=self._traces(),
            ledger=contents.ledger.ledger(),
            abstract=self._summary(),
            notes=contents.notes,
            gaps=contents.gaps,
            pins=contents.pins,
            frames_forgotten=contents.frames_forgotten,
        )

    def _tier(self, entries: Sequence[Entry]) -> Tier:
        store, ready = self._store, self._ready
        return LazyTier(partial(_columns, entries, self._config.key_dim), lambda: store.stack(entries, ready))

    def _traces(self) -> Tier:
        traces, store, config = self.contents.traces, self._store, self._config
        return LazyTier(partial(_columns, traces, config.key_dim), lambda: store.place(_pooled_means(traces, config)))

    def _summary(self) -> Tier:
        """Its keys are the themes' own; its tokens are read by attention when first asked for."""
        themes, slots, store, config = self.contents.themes, self.contents.slots, self._store, self._config
        sums = [*(slot.pooled_sum for slot in slots), *(theme.token_sum for theme in themes)]  # no token rows
        slot_parts = [(slot.key_sum, slot.weight) for slot in slots]

        def read() -> torch.Tensor | StreamTensor:
            if not themes:
                return store.place(np.empty((0, 1, config.token_dim), np.float32))
            parts = [*slot_parts, *((theme.key_sum, theme.weight) for theme in themes)]
            weights = np.array([weight for _, weight in parts], np.float32)
            keys = np.array([key_sum for key_sum, _ in parts], np.float32) / weights[:, None]
            values = attend(keys, np.array(sums), weights, len(themes), config.attention_temperature)
            return store.place(values[:, None] / np.float32(config.num_tokens))

        return LazyTier(partial(_columns, themes, config.key_dim), read)


def _pooled_means(entries: Sequence[Entry], config: MemoryConfig) -> np.ndarray:
    """Mean token of each entry whose token_sum is pooled, float32 [N, 1, D]."""
    sums = np.array([entry.token_sum for entry in entries], np.float32).reshape(-1, 1, config.token_dim)
    weights = np.array([entry.weight for entry in entries], np.float32)
    means: np.ndarray = sums / (weights * np.float32(config.num_tokens))[:, None, None]
    return means


def _columns(entries: Sequence[Entry], key_dim: int) -> dict[str, torch.Tensor]:
    """All that a Tier holds but the tokens."""
    count = len(entries)
    keys = np.array([entry.key_sum for entry in entries], np.float32).reshape(count, key_dim)
    numbers = np.array([(e.weight, e.medoid_id, e.first_id, e.last_id) for e in entries], np.int64).reshape(count, 4)
    seconds = np.array([(e.start_s, e.end_s, e.mean_time_s) for e in entries], np.float64).reshape(count, 3)
    weights = numbers[:, 0].astype(np.float32)
    keys /= weights[:, None]
    ids = np.ascontiguousarray(numbers[:, 1:].T)  # [3, N]
    arrays = {
        "times_s": np.ascontiguousarray(seconds[:, :2]),
        "weights": weights,
        "frame_ids": ids[0],
        "first_frame_ids": ids[1],
        "last_frame_ids": ids[2],
        "mean_times_s": np.ascontiguousarray(seconds[:, 2]),
        "keys": keys,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
