"""Time for sources: passed in, so that tests need no waiting. Used by the reading thread only."""

import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    def monotonic_s(self) -> float:
        """For durations."""

    def wall_s(self) -> float:
        """Epoch seconds."""

    def wait(self, duration_s: float) -> object:
        """Let so much time pass, or less when woken."""


class SystemClock:
    """The machine's clock. `wait` may be the `wait` of a stop event, so that pacing ends at once when it is set."""

    def __init__(self, wait: Callable[[float], object] = time.sleep):
        self._wait = wait

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_s(self) -> float:
        return time.time()

    def wait(self, duration_s: float) -> None:
        if duration_s > 0:
            self._wait(duration_s)
