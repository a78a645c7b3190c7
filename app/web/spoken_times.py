"""An answer as it is heard: the times of a live source by the clock on the wall, as its text on the page has them.

Comes in: text that is being written, in stream time. Goes out: the same to be spoken. The speak thread reads it.
"""

from collections.abc import Callable

from app.recording.clock_words import ClockTelling
from app.spoken import PieceSource

__all__ = ["SpokenTimes"]


class SpokenTimes:
    """A PieceSource around another one; for one reader."""

    def __init__(self, words: PieceSource, speech_of: Callable[[float], str]) -> None:
        """speech_of: from a stream time to what is said in its place."""
        self._words, self._telling = words, ClockTelling(speech_of)
        self._num_taken = 0
        self._told: list[str] = []
        self._is_finished = False

    @property
    def is_done(self) -> bool:
        return self._is_finished

    @property
    def is_cancelled(self) -> bool:
        return self._words.is_cancelled

    def next_pieces(self, position: int, timeout_s: float) -> tuple[str, ...]:
        """A time that is cut in two is held back until its rest has come."""
        is_done = self._words.is_done  # looked at before the pieces, so that none is missed
        pieces = self._words.next_pieces(self._num_taken, timeout_s)
        self._num_taken += len(pieces)
        self._told += [text for text in map(self._telling.feed, pieces) if text]
        if is_done and not pieces and not self._is_finished:
            self._is_finished = True
            self._told += [text for text in [self._telling.finish()] if text]
        return tuple(self._told[position:])
