"""One language model for all sessions of a program, which answer one question at a time with it.

Comes in: the function that loads it. Goes out: an LMM to each session, whose answer thread waits for its turn. On a
laptop two answers at once take longer than one after the other, and a second model takes its memory again.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.language.lmm import LMM, Question, Reply

if TYPE_CHECKING:
    from memory import Snapshot

__all__ = ["SharedLMM"]

_TURN_S = 0.05  # how often one who waits looks whether it still should


class SharedLMM:
    """`lend()` is what a Session is given as its `lmm`. Loaded at the first, closed when the last has given it back."""

    def __init__(self, load: Callable[[], LMM]) -> None:
        self._load = load
        self._lmm: LMM | None = None
        self._num_lent = 0
        self._lock = threading.Lock()  # guards loading and counting
        self.turn = threading.Lock()  # held by who uses the model

    def lend(self) -> LMM:
        """Called by an answer thread. Raises what loading raises."""
        with self._lock:
            if self._lmm is None:
                self._lmm = self._load()
            self._num_lent += 1
            return _Lent(self._lmm, self)

    def give_back(self) -> None:
        with self._lock:
            self._num_lent -= 1
            if self._num_lent:
                return
            lmm, self._lmm = self._lmm, None
        if lmm is not None:
            lmm.close()


class _Lent:
    def __init__(self, lmm: LMM, owner: SharedLMM) -> None:
        self._lmm: LMM | None = lmm
        self._owner = owner
        self.name = lmm.name

    def stream(
        self, question: Question, snapshot: "Snapshot", is_cancelled: Callable[[], bool]
    ) -> Iterator[str | Reply]:
        assert self._lmm is not None
        while not self._owner.turn.acquire(timeout=_TURN_S):
            if is_cancelled():
                return
        try:
            pieces = self._lmm.stream(question, snapshot, is_cancelled)
            try:
                yield from pieces
            finally:
                with contextlib.suppress(AttributeError):  # one that is no generator holds nothing
                    pieces.close()  # type: ignore[attr-defined]
        finally:
            self._owner.turn.release()

    def close(self) -> None:
        lmm, self._lmm = self._lmm, None
        if lmm is not None:
            self._owner.give_back()
