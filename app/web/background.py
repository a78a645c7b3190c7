"""What would hold up the page's event loop, done in a thread of its own.

Comes in: a function that may take long (a session that starts or closes). Goes out: its result, awaited on the loop.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, TypeVar

from app.worker import StopSignal, Worker

__all__ = ["in_background"]

T = TypeVar("T")


class _Job(Worker, Generic[T]):
    """One call of one function."""

    def __init__(self, name: str, function: Callable[[], T]) -> None:
        super().__init__(name, StopSignal())
        self.results: list[T] = []
        self._function = function

    def step(self) -> bool:
        self.results.append(self._function())
        return False


async def in_background(name: str, function: Callable[[], T]) -> T:
    """Calls the function in a new thread; returns what it returns, raises what it raises.

    When the caller is cancelled the function goes on, and nobody hears how it ended.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    job = _Job(name, function)

    def tell(worker: Worker) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if ended.done() else ended.set_result(None))

    job.launch(tell)
    await ended
    if job.failure is not None:
        raise job.failure
    return job.results[0]
