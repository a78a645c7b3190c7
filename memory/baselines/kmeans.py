"""k-means over all frames at once, made anew for each question: what no memory that must forget can do.

Comes in: frames. Goes out: Snapshots. One thread. Unbounded.
"""

import numpy as np

from memory.baselines.clustering import lloyd, plus_plus_seeds
from memory.baselines.layout import Floats, Held, held_frame, long_frames, make_snapshot, tier_of
from memory.config import MemoryConfig
from memory.snapshot import Snapshot

__all__ = ["OfflineKMeans"]


class OfflineKMeans:
    """The newest frames, and K clusters of the keys of all frames. `seed` fixes the draw of the first centroids."""

    def __init__(self, config: MemoryConfig, seed: int = 0) -> None:
        self.config, self._seed = config, seed
        self._frames: list[Held] = []

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> None:
        self._frames.append(held_frame(tokens, key, time_s, frame_id))

    def close(self) -> None:
        """Nothing is held open."""

    def snapshot(self) -> Snapshot:
        config, frames = self.config, self._frames
        clusters = self._clusters()
        slots = [self._slot(np.flatnonzero(clusters == number)) for number in np.unique(clusters)]
        slots.sort(key=lambda slot: slot.start_s)
        t_now_s = frames[-1].end_s if frames else 0.0
        recent = tier_of(frames[-config.spatial_capacity :], config.num_tokens, config)
        return make_snapshot(config, len(frames), t_now_s, recent, tier_of(slots, config.num_tokens, config))

    def _clusters(self) -> np.ndarray:
        """The cluster of each frame, [T]."""
        num_clusters = long_frames(self.config)
        if len(self._frames) <= num_clusters:
            return np.arange(len(self._frames))
        rng = np.random.default_rng(self._seed)
        keys = np.array([frame.key for frame in self._frames])
        seeds = plus_plus_seeds(keys, num_clusters, rng)
        weights = np.ones(len(keys), np.float32)
        return lloyd(keys, weights, seeds, max_iterations=25, tolerance=1e-4, rng=rng)[0]

    def _slot(self, members: np.ndarray) -> Held:
        held = [self._frames[member] for member in members.tolist()]
        key = np.mean([frame.key for frame in held], axis=0)
        medoid = min(held, key=lambda frame: float(((frame.key - key) ** 2).sum()))
        return Held(
            tokens=np.mean([frame.tokens for frame in held], axis=0),
            key=key,
            weight=float(len(held)),
            start_s=held[0].start_s,
            end_s=held[-1].end_s,
            mean_time_s=float(np.mean([frame.mean_time_s for frame in held])),
            frame_id=medoid.frame_id,
            first_id=held[0].first_id,
            last_id=held[-1].last_id,
        )
