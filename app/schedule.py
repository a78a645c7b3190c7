"""Questions that wait for their time in the stream.

Comes in: answers with the stream time at which they are to be asked. Goes out: those whose time has come, in order.
Any thread adds; the perceive thread takes.
"""

import heapq
import itertools
import threading

from app.answer import Answer

__all__ = ["Schedule"]


class Schedule:
    """Bounded. Equal times keep the order in which they were added."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: list[tuple[float, int, Answer]] = []
        self._numbers = itertools.count()
        self._is_finished = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_full(self) -> bool:
        return len(self._entries) >= self._capacity

    def add(self, at_s: float, answer: Answer) -> bool:
        """False: full, or no frame will come any more."""
        with self._lock:
            if self._is_finished or self.is_full:
                return False
            heapq.heappush(self._entries, (at_s, next(self._numbers), answer))
            return True

    def due_before(self, time_s: float) -> list[Answer]:
        """Takes the questions whose time lies before the frame at `time_s`, which they must not see."""
        with self._lock:
            due = []
            while self._entries and self._entries[0][0] < time_s:
                due.append(heapq.heappop(self._entries)[2])
            return due

    def finish(self) -> list[tuple[float, Answer]]:
        """Takes all that is left: the stream is over. May be called twice."""
        with self._lock:
            self._is_finished = True
            left = [(at_s, answer) for at_s, _, answer in sorted(self._entries)]
            self._entries.clear()
            return left
