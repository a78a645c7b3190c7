"""The spatial tier: the last N frames at full detail, whatever they show; never thinned for the sake of older ones.

Comes in: the entry of each frame. Goes out: the N newest, oldest first. Changed under the memory's lock alone.
"""

from collections.abc import Sequence

from memory.entry import Entry
from memory.intervals import Interval

__all__ = ["SpatialTier"]


class SpatialTier:
    """A ring of N places made once. The frames in it are immutable, so snapshots share them without a copy."""

    def __init__(self, capacity: int) -> None:
        self._places: list[Entry | None] = [None] * capacity
        self._num_written = 0

    def push(self, frame: Entry) -> None:
        self._places[self._num_written % len(self._places)] = frame
        self._num_written += 1

    def forget(self, interval: Interval) -> int:
        """Drops the frames of the interval; how many."""
        frames = self.publish()
        kept = [frame for frame in frames if not frame.is_of(interval)]
        self.restore(kept)
        return len(frames) - len(kept)

    def restore(self, frames: Sequence[Entry]) -> None:
        """Holds these frames, oldest first, and no others."""
        self._places = [*frames, *[None] * (len(self._places) - len(frames))]
        self._num_written = len(frames)

    def publish(self) -> tuple[Entry, ...]:
        """The frames held, oldest first, newest last."""
        head = self._num_written % len(self._places)
        return tuple(frame for frame in (*self._places[head:], *self._places[:head]) if frame is not None)
