"""The sources that the program itself watches, by name, for whoever asks over HTTP; pages have sessions of their own.

Comes in: names and choices. Goes out: their Watches. Lives on the page's event loop.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from app.errors import AfterglowError
from app.web.choices import Choice, EndableSource
from app.web.watching import Watch

__all__ = ["Cameras", "UnknownCameraError"]

_CLOSE_S = 3.0


class UnknownCameraError(AfterglowError):
    """There is no camera of that name."""


class Cameras:
    """`start` begins to watch, `close` ends it; `find` in between."""

    def __init__(
        self,
        choices: Mapping[str, Choice],
        make_source: Callable[[Choice], EndableSource],
        make_watch: Callable[[int, EndableSource], Watch],
    ) -> None:
        """Both functions raise a SourceOpenError or an AfterglowError with a sentence.

        The numbers of their watches are negative: those of what pages watch by themselves are positive.
        """
        self._watches = {
            name: make_watch(-number, make_source(choice)) for number, (name, choice) in enumerate(choices.items(), 1)
        }
        self._starting: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[tuple[str, Watch]]:
        return iter(self._watches.items())

    def __len__(self) -> int:
        return len(self._watches)

    def find(self, name: str | None) -> Watch:
        """The camera of that name; without a name the only one. Raises UnknownCameraError."""
        if not self._watches:
            raise UnknownCameraError("No camera is watched: start Afterglow with `serve --source ADDRESS`.")
        if name is None and len(self._watches) == 1:
            return next(iter(self._watches.values()))
        if name is None or name not in self._watches:
            known = ", ".join(self._watches)
            raise UnknownCameraError(f"Name one of the cameras that are watched: {known}.")
        return self._watches[name]

    def start(self) -> None:
        """Starts them all; returns at once. What cannot be started says so in its status."""
        for watch in self._watches.values():
            task = asyncio.get_running_loop().create_task(watch.start())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def close(self) -> None:
        """Closes them all; returns within a few seconds."""
        closing = [asyncio.ensure_future(watch.close()) for watch in self._watches.values()]
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_S)
