"""From the time stamps of a container to stream time, and from stream time to the moment at which a frame is due.

Used by the reading thread only.
"""

from vision.sources.clock import Clock

__all__ = ["ArrivalTimes", "Pacer", "StreamTimes"]

# A frame this near to its moment is due: no clock waits more exactly.
_EARLY_S = 1e-3

_MAX_STEP_BACK_S = 1.0
_MAX_STEP_FORWARD_S = 3600.0
_FALLBACK_FPS = 25.0


class StreamTimes:
    """Stream time of each picture in turn: 0.0 for the first, never decreasing, whatever the container says.

    A missing time stamp is filled in from the frame rate. A jump by more than an hour, or back by more than a second,
    is a new time base (a clip glued to another, a counter that wrapped): time goes on one frame later.
    """

    def __init__(self, fps: float | None):
        usable = fps is not None and 0.01 <= fps <= 1000.0
        self._period_s = 1.0 / (fps if usable and fps is not None else _FALLBACK_FPS)
        self._offset_s: float | None = None
        self._last_s: float | None = None

    @property
    def last_s(self) -> float | None:
        """The newest time given out."""
        return self._last_s

    def stamp(self, pts_s: float | None) -> float:
        """pts_s: the time that the container gives the picture, on its own clock."""
        expected_s = 0.0 if self._last_s is None else self._last_s + self._period_s
        if pts_s is None:
            time_s = expected_s
        else:
            if self._offset_s is None:
                self._offset_s = expected_s - pts_s
            time_s = pts_s + self._offset_s
            step_s = time_s - (self._last_s or 0.0)
            if not -_MAX_STEP_BACK_S <= step_s <= _MAX_STEP_FORWARD_S:
                self._offset_s = expected_s - pts_s
                time_s = expected_s
        self._last_s = max(time_s, self._last_s or 0.0)
        return self._last_s


class ArrivalTimes:
    """Stream time of a live source: when each picture came. A camera's own time stamps restart and drift."""

    def __init__(self) -> None:
        self._first_s: float | None = None
        self.newest_s: float | None = None
        """Monotonic time of the newest picture."""

    def stamp(self, now_s: float) -> float:
        if self._first_s is None:
            self._first_s = now_s
        self.newest_s = max(now_s, self.newest_s or now_s)
        return self.newest_s - self._first_s

    @property
    def last_s(self) -> float | None:
        """The newest stream time given out."""
        return None if self.newest_s is None or self._first_s is None else self.newest_s - self._first_s


class Pacer:
    """When frames of a finite source are due in real time, and which come too late to be worth showing.

    A live camera loses the frames that nobody takes; a file played in real time does the same. But one that cannot be
    decoded as fast as it plays must not fall silent: every so often a frame is given out however late it is.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        tolerance_s: float = 0.1,
        max_silence_s: float = 0.5,
        restart_after_s: float | None = None,
    ):
        """restart_after_s: a frame that is later than this was not late but held up: the pace starts anew with it."""
        self._restart_after_s = restart_after_s
        self._clock, self._tolerance_s, self._max_silence_s = clock, tolerance_s, max_silence_s
        self._start_s: float | None = None
        self._last_given_s: float | None = None

    def is_lost(self, time_s: float) -> bool:
        """True if the frame of this stream time is to be skipped."""
        if self._last_given_s is None or self._remaining_s(time_s) >= -self._tolerance_s:
            return False
        return self._clock.monotonic_s() - self._last_given_s < self._max_silence_s

    def wait_until_due(self, time_s: float, deadline_s: float) -> bool:
        """Wait for the frame's moment, but not past the deadline, and once only: the clock may be woken to stop."""
        remaining_s = self._remaining_s(time_s)
        if remaining_s > 0:
            self._clock.wait(min(remaining_s, max(0.0, deadline_s - self._clock.monotonic_s())))
            remaining_s = self._remaining_s(time_s)
        return remaining_s <= _EARLY_S

    def given(self) -> None:
        """A frame is handed out now."""
        self._last_given_s = self._clock.monotonic_s()

    def _remaining_s(self, time_s: float) -> float:
        """Until the frame is due; negative if it is late. The first frame is due when it is asked for."""
        now_s = self._clock.monotonic_s()
        if self._start_s is None or (
            self._restart_after_s is not None and now_s - self._start_s - time_s > self._restart_after_s
        ):
            self._start_s = now_s - time_s
        return self._start_s + time_s - now_s
