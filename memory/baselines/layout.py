"""What the layouts for comparison share: the interface, a held frame or group of frames, and the making of snapshots.

Comes in: frames as numpy arrays or CPU tensors. Goes out: Snapshots with eager tensors. One thread.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.ledger import LedgerRecorder
from memory.snapshot import Snapshot, Tier

__all__ = [
    "Floats",
    "Held",
    "Layout",
    "budget_frames",
    "held_frame",
    "long_frames",
    "make_snapshot",
    "pooled_grid",
    "tier_of",
]

Floats = torch.Tensor | np.ndarray


class Layout(Protocol):
    """Writes like a StreamMemory and publishes Snapshots like one."""

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> object: ...

    def snapshot(self) -> Snapshot: ...

    def close(self) -> None: ...


class Held(NamedTuple):
    """A frame, or a group of frames as one."""

    tokens: np.ndarray  # float32 [P, D], mean
    key: np.ndarray  # float32 [key_dim], mean
    weight: float
    start_s: float
    end_s: float
    mean_time_s: float
    frame_id: int
    first_id: int
    last_id: int


def held_frame(tokens: Floats, key: Floats, time_s: float, frame_id: int) -> Held:
    """One frame, copied unless nobody can write into it; the key normalised as StreamMemory does."""
    if isinstance(tokens, np.ndarray) and tokens.dtype == np.float32 and not tokens.flags.writeable:
        own = tokens
    else:
        own = np.array(tokens, np.float32)
    own_key = np.array(key, np.float32)
    length = float(np.linalg.norm(own_key.astype(np.float64)))
    own_key = own_key if length == 0.0 else own_key / np.float32(length)
    return Held(own, own_key, 1.0, time_s, time_s, time_s, frame_id, frame_id, frame_id)


def budget_frames(config: MemoryConfig) -> int:
    """Whole frames that the tokens of a StreamMemory of this configuration, traces and themes too, would hold."""
    return config.max_visual_tokens // config.num_tokens


def long_frames(config: MemoryConfig) -> int:
    """What is left of them beside the newest frames."""
    return budget_frames(config) - config.spatial_capacity


def pooled_grid(tokens: np.ndarray) -> np.ndarray:
    """[P, D] of a square grid -> [P / 4, D]: means of 2 x 2 cells."""
    side = int(len(tokens) ** 0.5)
    if side * side != len(tokens) or side % 2:
        raise ValueError(f"expected a square grid of even side, got {len(tokens)} tokens")
    cells = tokens.reshape(side // 2, 2, side // 2, 2, -1)
    pooled: np.ndarray = cells.mean(axis=(1, 3)).reshape(len(tokens) // 4, -1)
    return pooled


def tier_of(held: Sequence[Held], num_tokens: int, config: MemoryConfig) -> Tier:
    """A tier in the order given."""
    count = len(held)
    tokens = np.array([one.tokens for one in held], np.float32).reshape(count, num_tokens, config.token_dim)
    keys = np.array([one.key for one in held], np.float32).reshape(count, config.key_dim)
    return Tier(
        times_s=torch.tensor([(one.start_s, one.end_s) for one in held], dtype=torch.float64).reshape(-1, 2),
        weights=torch.tensor([one.weight for one in held], dtype=torch.float32),
        tokens=torch.from_numpy(tokens),
        frame_ids=torch.tensor([one.frame_id for one in held], dtype=torch.int64),
        first_frame_ids=torch.tensor([one.first_id for one in held], dtype=torch.int64),
        last_frame_ids=torch.tensor([one.last_id for one in held], dtype=torch.int64),
        mean_times_s=torch.tensor([one.mean_time_s for one in held], dtype=torch.float64),
        keys=torch.from_numpy(keys),
    )


def make_snapshot(
    config: MemoryConfig, num_seen: int, t_now_s: float, spatial: Tier, temporal: Tier, abstract: Tier | None = None
) -> Snapshot:
    """With the ledger that can be written from what is held: none of these layouts keeps one of its own."""
    recorder = LedgerRecorder(config.num_evidence_channels, config.max_spans_per_channel)
    rows = [(tier.mean_times_s[row].item(), tier, row) for tier in (temporal, spatial) for row in range(len(tier))]
    told: set[int] = set()
    for time_s, tier, row in sorted(rows, key=lambda one: one[0]):
        frame_id = int(tier.frame_ids[row])
        if tier is spatial or frame_id not in told:
            scale = config.num_tokens / tier.tokens.shape[1]  # a pooled grid shows the evidence of several cells as one
            evidence = tier.tokens[row].sum(dim=0).numpy()[: config.num_evidence_channels] * np.float32(scale)
            recorder.update(evidence, time_s, frame_id)
            told.add(frame_id)
    snapshot = Snapshot(
        version=num_seen,
        t_now_s=t_now_s,
        frames_seen=num_seen,
        spatial=spatial,
        temporal=temporal,
        ledger=recorder.publish().ledger(),
    )
    return snapshot if abstract is None else replace(snapshot, abstract=abstract)
