"""Which frames are worth keeping, by time alone: at most `fps` a second, evenly spread.

In: the times of the frames in order. Out: a yes or no for each. Owned by the one thread that asks.
"""

import math

__all__ = ["FrameSampler"]

# A camera's frames come a little early or late: a frame this near to its moment counts as being on time.
_TOLERANCE_PERIODS = 0.1
_MAX_TOLERANCE_S = 0.02


class FrameSampler:
    """Divides stream time into periods of 1 / fps and accepts the first frame of each."""

    def __init__(self, fps: float | None):
        """fps: most frames a second to accept; None accepts every frame."""
        if fps is not None and not (math.isfinite(fps) and fps > 0.0):
            raise ValueError(f"fps must be a number > 0 or None, got {fps}")
        self._fps = fps
        self._tolerance_periods = 0.0 if fps is None else min(_TOLERANCE_PERIODS, _MAX_TOLERANCE_S * fps)
        self._last_period: int | None = None

    def accept(self, time_s: float) -> bool:
        """True if the frame at `time_s` is to be kept. A time before the last one starts over (a new stream)."""
        if self._fps is None:
            return True
        period = math.floor(time_s * self._fps + self._tolerance_periods)
        if period == self._last_period:
            return False
        self._last_period = period
        return True

    def reset(self) -> None:
        """Forget what was accepted: the next frame is."""
        self._last_period = None
