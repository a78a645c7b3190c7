"""How long to wait before a lost camera is tried again.

In: what went wrong, and random numbers. Out: pauses that double up to a limit, each a little off, for ever. Used by the
reading thread only.
"""

from collections.abc import Callable

from vision.sources.connection import ConnectionConfig

__all__ = ["Backoff"]


class Backoff:
    """random: gives numbers in 0..1; a fixed one makes the pauses predictable."""

    def __init__(self, config: ConnectionConfig, random: Callable[[], float]):
        self._config, self._random = config, random
        self._next_s = config.first_delay_s

    def delay_s(self, *, is_refused: bool) -> float:
        """The pause before the next try."""
        pause_s = self._config.refused_delay_s
        if not is_refused:
            pause_s = self._next_s
            self._next_s = min(2 * self._next_s, self._config.max_delay_s)
        return pause_s * (1 + self._config.jitter * (2 * self._random() - 1))

    def lost_after(self, healthy_s: float) -> None:
        """A connection that had given pictures for so long is gone."""
        if healthy_s >= self._config.healthy_after_s:
            self._next_s = self._config.first_delay_s
