"""Layouts without clustering: the last frames, the last events, frames evenly spread over the stream.

Comes in: frames. Goes out: Snapshots. One thread. The first two are bounded; UniformFrames keeps every frame and
thins only what it shows, the best that even spreading can do.
"""

from memory.baselines.layout import Floats, Held, budget_frames, held_frame, long_frames, make_snapshot, tier_of
from memory.config import MemoryConfig
from memory.snapshot import Snapshot

__all__ = ["Fifo", "LastFrames", "UniformFrames"]


class _Frames:
    """Common to the three: what was seen so far, and the snapshot of two lists."""

    def __init__(self, config: MemoryConfig) -> None:
        self.config = config
        self._num_seen, self._t_now_s = 0, 0.0

    def write(self, tokens: Floats, key: Floats, time_s: float, frame_id: int) -> None:
        self._num_seen, self._t_now_s = self._num_seen + 1, time_s
        self._keep(held_frame(tokens, key, time_s, frame_id))

    def close(self) -> None:
        """Nothing is held open."""

    def _keep(self, frame: Held) -> None:
        raise NotImplementedError

    def _snapshot(self, spatial: list[Held], temporal: list[Held]) -> Snapshot:
        num_tokens = self.config.num_tokens
        tiers = (tier_of(held, num_tokens, self.config) for held in (spatial, temporal))
        return make_snapshot(self.config, self._num_seen, self._t_now_s, *tiers)


class LastFrames(_Frames):
    """The whole budget for the newest frames."""

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__(config)
        self._frames: list[Held] = []

    def _keep(self, frame: Held) -> None:
        self._frames = [*self._frames[-budget_frames(self.config) + 1 :], frame]

    def snapshot(self) -> Snapshot:
        return self._snapshot(self._frames, [])


class Fifo(_Frames):
    """The newest frames, and the newest events: a frame unlike the last kept one begins an event, the oldest goes."""

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__(config)
        self._recent: list[Held] = []
        self._events: list[Held] = []

    def _keep(self, frame: Held) -> None:
        self._recent = [*self._recent, frame][-self.config.spatial_capacity :]
        last = self._events[-1] if self._events else None
        if last is not None and float(last.key @ frame.key) > self.config.duplicate_similarity:
            middle_s = (last.start_s + frame.end_s) / 2
            self._events[-1] = last._replace(
                weight=last.weight + 1, end_s=frame.end_s, mean_time_s=middle_s, last_id=frame.last_id
            )
        else:
            self._events = [*self._events, frame][-long_frames(self.config) :]

    def snapshot(self) -> Snapshot:
        return self._snapshot(self._recent, self._events)


class UniformFrames(_Frames):
    """The newest frames, and frames at even steps over the whole stream. Unbounded: it keeps all to choose from."""

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__(config)
        self._frames: list[Held] = []

    def _keep(self, frame: Held) -> None:
        self._frames.append(frame)

    def snapshot(self) -> Snapshot:
        count = min(long_frames(self.config), len(self._frames))
        steps = [step * len(self._frames) // count for step in range(count)]
        spread = [self._frames[step] for step in steps]
        return self._snapshot(self._frames[-self.config.spatial_capacity :], spread)
