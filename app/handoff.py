"""What carries things from one thread to another: bounded, and never silent about what it lost.

Comes in: items, from any thread. Goes out: the same items in order, to one taking thread.
A lock is held only while references are swapped.
"""

import threading
from collections import deque
from enum import Enum
from typing import Generic, TypeVar

__all__ = ["Handoff", "Signal"]

T = TypeVar("T")


class Signal(Enum):
    """What a taker gets in place of an item."""

    NOTHING = "nothing came within the time-out"
    FINISHED = "nothing will come any more"


class Handoff(Generic[T]):
    """Room for `capacity` items. `put` waits for room and loses nothing; `put_newest` never waits, the newest wins."""

    def __init__(self, capacity: int = 1) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be >= 1, got {capacity}")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._is_finished = False
        self._num_dropped = 0

    @property
    def num_dropped(self) -> int:
        """Items that a newer one replaced before anybody took them."""
        return self._num_dropped

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_finished(self) -> bool:
        """Nothing more can be put."""
        return self._is_finished

    def waiting(self) -> tuple[T, ...]:
        """What nobody has taken yet, the oldest first; it goes on waiting."""
        with self._changed:
            return tuple(self._items)

    def put(self, item: T, timeout_s: float) -> bool:
        """Adds the item. False: no room within the time-out, or finished; the item stays the caller's."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._capacity or self._is_finished, timeout_s)
            if self._is_finished or len(self._items) >= self._capacity:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def put_newest(self, item: T) -> bool:
        """Replaces whatever waits by the item, and counts the loss. False: finished."""
        with self._changed:
            if self._is_finished:
                return False
            self._num_dropped += len(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> T | Signal:
        """The oldest item, or why there is none. What was put before finish() still comes out."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_finished, timeout_s)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            return Signal.FINISHED if self._is_finished else Signal.NOTHING

    def finish(self) -> None:
        """Nothing more can be put; wakes everyone. May be called twice, from any thread."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def drain(self) -> list[T]:
        """Takes all that is left, for a taker that stops before the end."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
            return items
