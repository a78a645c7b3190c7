"""The memory of Flash-VStream as its 2025 release runs it in streaming, one frame at a time.

Comes in: frames. Goes out: Snapshots. One thread. From the released code of H. Zhang et al., "Flash-VStream",
arXiv 2506.23825 (IVGSZ/Flash-VStream, commit 8f6bde2, Apache-2.0), written anew from a description of what it does:
- synopsis (temporal): weighted k-means over the K slots and the new frame, from K distinct points drawn at random; the
  weights are handed on; the time of a slot is overwritten by the mean of the slot numbers in it, which gives the order;
- detail (spatial): for the heaviest slots the nearest of all frames so far, at full grid, in order of weight, with
  repeats. There is no tier for the newest frame. All frames are kept.
Sizes keep the released proportions: 60 slots at a quarter of the tokens, 30 frames.
"""

import numpy as np

from memory.baselines.layout import Floats, Held, budget_frames, held_frame, make_snapshot, pooled_grid, tier_of
from memory.baselines.lineage import clustered
from memory.config import MemoryConfig
from memory.snapshot import Snapshot

__all__ = ["FlashMemory"]

RELEASED_FRAMES = 45  # the released budget in whole frames


class FlashMemory:
    """`seed` fixes the draws. With `republishes_bank` each write copies all frames so far, as the released one does."""

    def __init__(self, config: MemoryConfig, seed: int = 0, *, republishes_bank: bool = False) -> None:
        scale = budget_frames(config) / RELEASED_FRAMES
        self.config = config
        self.num_slots, self.num_details = max(2, int(60 * scale)), max(1, int(30 * scale))
        self._rng = np.random.default_rng(seed)
        self._slots: list[Held] = []  # mean_time_s is the time that the rule ends up with
        self._bank: list[Held] = []
        self._low_bank: list[np.ndarray] = []
        self._copied_banks = [np.empty((0, count, config.token_dim), np.float32) for count in self._grids()]
        self._republishes_bank = republishes_bank

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> None:
        frame = held_frame(tokens, key, time_s, frame_id)
        low = pooled_grid(frame.tokens)
        self._bank.append(frame)
        self._low_bank.append(low.ravel())
        if self._republishes_bank:
            grown = zip(self._copied_banks, (frame.tokens, low), strict=True)
            self._copied_banks = [np.concatenate([bank, new[None]]) for bank, new in grown]
        self._remember(frame._replace(tokens=low))
        if self._republishes_bank:
            self._details()  # the released writer looks for the key frames at every step

    def close(self) -> None:
        """Nothing is held open."""

    def snapshot(self) -> Snapshot:
        config = self.config
        full, low = self._grids()
        return make_snapshot(
            config,
            len(self._bank),
            self._bank[-1].end_s if self._bank else 0.0,
            tier_of(self._details(), full, config),
            tier_of(self._slots, low, config),
        )

    def _grids(self) -> tuple[int, int]:
        return self.config.num_tokens, self.config.num_tokens // 4

    def _remember(self, frame: Held) -> None:
        points = [*self._slots, frame]
        if len(points) > self.num_slots:
            weights = np.array([point.weight for point in points], np.float32)
            distinct = np.unique(np.array([point.tokens.ravel() for point in points]), axis=0, return_index=True)[1]
            seeds = self._rng.permutation(distinct)[: self.num_slots]
            points, members_of = clustered(points, weights, seeds, self._rng)
            places = [float(members.mean()) if members.size else 0.0 for members in members_of]
            order = sorted(range(len(points)), key=places.__getitem__)
            points = [points[place]._replace(mean_time_s=places[place]) for place in order]
        self._slots = points

    def _details(self) -> list[Held]:
        bank = np.array(self._low_bank)
        heaviest = sorted(self._slots, key=lambda slot: -slot.weight)[: self.num_details]
        return [self._bank[int(((bank - slot.tokens.ravel()) ** 2).sum(axis=1).argmin())] for slot in heaviest]
