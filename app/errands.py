"""What others want done by the thread that owns a thing, between two of its steps.

Comes in: functions, from any thread, each of which waits for its result. Goes out: the results. Bounded; when the owner
has ended, whoever asks does the errand itself, one at a time.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from app.handoff import Handoff, Signal

__all__ = ["Errands"]

T = TypeVar("T")


class Errands:
    """The owner calls `run` often and `close` at its end; anybody else calls `do`."""

    def __init__(self, capacity: int = 8) -> None:
        self._waiting: Handoff[tuple[Future[Any], Callable[[], Any]]] = Handoff(capacity)
        self._doing = threading.Lock()  # held by who does an errand after the owner's end

    def do(self, function: Callable[[], T], timeout_s: float) -> T:
        """What the function returns, or raises. Raises TimeoutError when the owner did not come to it: it is not done
        then, nor will be."""
        result: Future[T] = Future()
        if not self._waiting.put((result, function), timeout_s):
            if not self._waiting.is_finished:
                raise TimeoutError("Too much is waiting to be done to the memory: try again in a moment.")
            with self._doing:
                return function()
        try:
            return result.result(timeout_s)
        except FutureTimeoutError:
            if result.done() and not result.cancelled():  # it was the function itself that raised it
                raise
            if result.cancel():
                raise TimeoutError("The memory is busy: try again in a moment.") from None
            return result.result()  # begun already: it ends soon

    def run(self) -> None:
        """Does all that waits. The owner alone."""
        while not isinstance(errand := self._waiting.take(0.0), Signal):
            result, function = errand
            if not result.set_running_or_notify_cancel():
                continue
            try:
                value = function()
            except Exception as error:  # whoever asked gets it
                result.set_exception(error)
            else:
                result.set_result(value)

    def close(self) -> None:
        """The owner's last: does what waits; from here on others do it themselves."""
        self._waiting.finish()
        self.run()
