"""Layouts of one token budget as the embedded language model can read them: with a grid and with a ledger.

Comes in: frames of the detector streams. Goes out: for each layout a Snapshot that app/language/embedded reads. One
thread. How each is read:
- ours: as the assistant runs it, with the ledger that it kept frame by frame;
- ours_ledger_of_traces, ours_ledger_of_slots: the same memory, its ledger put aside and written anew from the traces or
  from the slots and newest frames alone: what the tiers know without it;
- all others: the ledger that can be written from the entries they hold; none of them keeps one;
- flash_vstream_*: likewise, each pooled cell spread over the four that it was pooled from, its evidence divided.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from memory import MemoryConfig, Snapshot, StreamMemory, Tier
from memory.baselines import Fifo, FlashMemory, LastFrames, Layout, OfflineKMeans, StarMemory, UniformFrames
from memory.baselines.layout import make_snapshot

__all__ = ["LAYOUTS", "OURS", "ReadableLayouts"]

OURS = "ours"
LAYOUTS: dict[str, Callable[[MemoryConfig], Layout]] = {
    OURS: StreamMemory,
    "ours_ledger_of_traces": StreamMemory,
    "ours_ledger_of_slots": StreamMemory,
    "last_frames": LastFrames,
    "fifo": Fifo,
    "uniform": UniformFrames,
    "offline_kmeans": OfflineKMeans,
    "flash_vstream_2024": StarMemory,
    "flash_vstream_2025": FlashMemory,
}


class ReadableLayouts:
    """Writes every frame to each of the layouts named; the three of ours share one memory."""

    def __init__(self, names: list[str], config: MemoryConfig) -> None:
        unknown = sorted(set(names) - set(LAYOUTS))
        if unknown:
            raise ValueError(f"unknown layouts {unknown}; known are {', '.join(LAYOUTS)}")
        self._config, self._names = config, names
        self.ours = StreamMemory(config)
        self._others = {name: LAYOUTS[name](config) for name in names if not name.startswith(OURS)}

    def write(self, tokens: np.ndarray, key: np.ndarray, time_s: float, frame_id: int) -> None:
        for layout in (self.ours, *self._others.values()):
            layout.write(tokens, key, time_s, frame_id)

    def snapshots(self) -> dict[str, Snapshot]:
        """Of each layout named, ready to be read."""
        ours = self.ours.snapshot()
        found = {}
        for name in self._names:
            if name in self._others:
                found[name] = self._with_whole_grids(self._others[name].snapshot())
            elif name == OURS:
                found[name] = ours
            else:
                found[name] = self._with_ledger_of(ours, ours.traces if name.endswith("traces") else ours.temporal)
        return found

    def close(self) -> None:
        for layout in (self.ours, *self._others.values()):
            layout.close()

    def _with_ledger_of(self, snapshot: Snapshot, tier: Tier) -> Snapshot:
        made = make_snapshot(self._config, snapshot.frames_seen, snapshot.t_now_s, snapshot.spatial, tier)
        return replace(snapshot, ledger=made.ledger)

    def _with_whole_grids(self, snapshot: Snapshot) -> Snapshot:
        spatial, temporal = (whole_grid(tier, self._config) for tier in (snapshot.spatial, snapshot.temporal))
        return replace(snapshot, spatial=spatial, temporal=temporal)


def whole_grid(tier: Tier, config: MemoryConfig) -> Tier:
    """A tier of [N, P / 4, D] as [N, P, D]: each pooled cell stands in the places of its four. Others as they are.

    A pooled cell holds the mean of four, so its copies add up to what the four held.
    """
    num_tokens = config.num_tokens
    count, pooled = tier.tokens.shape[:2]
    if count == 0 or pooled == num_tokens:
        return tier
    side = int(pooled**0.5)
    if 4 * side * side != num_tokens:
        raise ValueError(f"expected grids of {num_tokens} or {num_tokens // 4} tokens, got {pooled}")
    grid = tier.tokens.reshape(count, side, side, config.token_dim)
    spread = grid.repeat_interleave(2, dim=1).repeat_interleave(
        2, dim=2
    )  # [N, side, side, D] -> [N, 2 side, 2 side, D]
    return replace(tier, tokens=spread.reshape(count, num_tokens, config.token_dim))
