"""Whether anybody looks closely at a camera. While nobody does its key pictures may do, at a small part of the work.

Comes in: that somebody asked or looked, from any thread; when frames came, from the capture thread. Goes out: whether
the camera may be read idly, to the capture thread.
"""

import time
from collections.abc import Callable

__all__ = ["Attention"]

_LASTS_S = 15.0  # so long after the last look
_IDLE_FPS = 1.0  # a memory that wants more pictures a second gets all of them
_SLACK = 1.3  # key pictures may come by so much more seldom than the memory wants pictures
_TRY_AGAIN_S = 600.0  # a camera whose key pictures are too far apart is read in full for so long


class Attention:
    """fps: how many pictures a second the memory wants at most."""

    def __init__(self, fps: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._fps, self._clock = fps, clock
        self._looked_s = self._newest_s = clock()
        self._full_until_s = self._newest_s
        self._was_idle = False

    def look(self) -> None:
        """Somebody asks, or sees the picture. Any thread."""
        self._looked_s = self._clock()

    def is_idle(self) -> bool:
        """The capture thread asks this before each read."""
        now_s = self._clock()
        is_watched = now_s - self._looked_s < _LASTS_S or self._fps > _IDLE_FPS
        if self._was_idle and now_s - self._newest_s > _SLACK / self._fps:
            self._full_until_s = now_s + _TRY_AGAIN_S
        is_idle = not is_watched and now_s >= self._full_until_s
        if is_idle and not self._was_idle:
            self._newest_s = now_s  # how long key pictures take is measured from here on
        self._was_idle = is_idle
        return is_idle

    def frame(self) -> None:
        """A frame came. The capture thread."""
        self._newest_s = self._clock()
