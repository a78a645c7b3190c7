"""The memory of Flash-VStream as its 2024 release runs it in streaming, one frame at a time.

Comes in: frames. Goes out: Snapshots. One thread. From the released code of H. Zhang et al., "Flash-VStream",
arXiv 2406.08085 (IVGSZ/Flash-VStream, commit 8f6bde2, Apache-2.0), written anew from a description of what it does:
- temporal: k-means over the K slots and the new frame, from K of these K + 1 points drawn at random; the weights are
  never handed on, so each slot counts as one frame; the order of the slots is that of the draw;
- abstract: M <- 0.8 M + 0.2 softmax(...) e; the softmax over a single frame is 1, so all entries go to the newest
  frame;
- retrieved: the places of the heaviest slots, taken as places in the list of all frames;
- spatial: the newest frames. All frames are kept for the retrieval.
Sizes keep the released proportions: 25 slots at a quarter of the tokens, 25 abstract tokens, 3 retrieved frames and the
newest one.
"""

import numpy as np
import torch

from memory.baselines.layout import Floats, Held, budget_frames, held_frame, make_snapshot, pooled_grid, tier_of
from memory.baselines.lineage import clustered
from memory.config import MemoryConfig
from memory.snapshot import Snapshot, Tier

__all__ = ["StarMemory"]

RELEASED_FRAMES = 681 / 64  # the released budget in whole frames
UPDATE_RATIO = 0.2


class StarMemory:
    """`seed` fixes the draws. With `republishes_bank` each write copies all frames so far, as the released one does."""

    def __init__(self, config: MemoryConfig, seed: int = 0, *, republishes_bank: bool = False) -> None:
        scale = budget_frames(config) / RELEASED_FRAMES
        self.config = config
        self.num_slots, self.num_abstract = max(2, int(25 * scale)), max(2, int(25 * scale))
        self.num_retrieved, self.num_newest = max(1, int(3 * scale)), max(1, int(scale))
        self._rng = np.random.default_rng(seed)
        self._slots: list[Held] = []
        self._abstract = np.empty((0, config.token_dim), np.float32)
        self._bank: list[Held] = []
        self._copied_bank = np.empty((0, config.num_tokens, config.token_dim), np.float32)
        self._republishes_bank = republishes_bank

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> None:
        frame = held_frame(tokens, key, time_s, frame_id)
        self._bank.append(frame)
        if self._republishes_bank:
            self._copied_bank = np.concatenate([self._copied_bank, frame.tokens[None]])
        self._remember(frame._replace(tokens=pooled_grid(frame.tokens)))
        summary = frame.tokens.mean(axis=0)
        if len(self._abstract) < self.num_abstract:
            self._abstract = np.concatenate([self._abstract, summary[None]])
        else:
            self._abstract = (1 - UPDATE_RATIO) * self._abstract + UPDATE_RATIO * summary

    def close(self) -> None:
        """Nothing is held open."""

    @property
    def retrieved_ids(self) -> list[int]:
        """Ids of the frames that the retrieval brings back now."""
        return [frame.frame_id for frame in self._retrieved()]

    def snapshot(self) -> Snapshot:
        config = self.config
        newest = self._bank[-self.num_newest :]
        return make_snapshot(
            config,
            len(self._bank),
            self._bank[-1].end_s if self._bank else 0.0,
            tier_of([*self._retrieved(), *newest], config.num_tokens, config),
            tier_of(self._slots, config.num_tokens // 4, config),
            self._abstract_tier(),
        )

    def _remember(self, frame: Held) -> None:
        points = [*self._slots, frame]
        if len(points) > self.num_slots:
            weights = np.ones(len(points), np.float32)
            seeds = self._rng.permutation(len(points))[: self.num_slots]
            points, _ = clustered(points, weights, seeds, self._rng)
        self._slots = points

    def _retrieved(self) -> list[Held]:
        heaviest = sorted(range(len(self._slots)), key=lambda place: -self._slots[place].weight)
        return [self._bank[place] for place in sorted(heaviest[: self.num_retrieved])]

    def _abstract_tier(self) -> Tier:
        count = len(self._abstract)
        ends_s = [self._bank[0].start_s, self._bank[-1].end_s] if self._bank else [0.0, 0.0]
        ids = torch.full((count,), self._bank[-1].frame_id if self._bank else 0)
        return Tier(
            times_s=torch.tensor(ends_s, dtype=torch.float64).repeat(count, 1),
            weights=torch.full((count,), len(self._bank) / max(count, 1)),
            tokens=torch.from_numpy(self._abstract)[:, None],
            frame_ids=ids,
            first_frame_ids=ids,
            last_frame_ids=ids,
        )
