"""The sources that the program itself watches, by name, for all pages and for whoever asks over HTTP.

Comes in: names and the configurations of their sessions. Goes out: their Watches. One that fails is started anew after
a while. Lives on the page's event loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping

from app.config import AssistantConfig
from app.errors import AfterglowError
from app.web.watching import Watch, sentence_of
from vision import VisionError

__all__ = ["Cameras", "UnknownCameraError"]

_log = logging.getLogger(__name__)
_CLOSE_S = 3.0
_SAVE_S = 1.0  # beyond what a session has for closing, where it saves what it keeps
_AGAIN_S = 30.0  # before a camera whose session failed is started anew

MakeCamera = Callable[[int, AssistantConfig], Watch]


class UnknownCameraError(AfterglowError):
    """There is no camera of that name."""


class Cameras:
    """`start` begins to watch, `close` ends it; `find` and `renew` in between."""

    def __init__(
        self,
        configs: Mapping[str, AssistantConfig],
        make_watch: MakeCamera,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """make_watch raises a SourceOpenError or an AfterglowError with a sentence.

        The numbers of their watches are negative: those of what pages watch by themselves are positive.
        """
        self._configs, self._make_watch, self._clock = dict(configs), make_watch, clock
        self._num_made = 0
        self._watches = {name: self._make(config) for name, config in self._configs.items()}
        self._failed_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[tuple[str, Watch]]:
        return iter(self._watches.items())

    def __len__(self) -> int:
        return len(self._watches)

    def __contains__(self, name: str) -> bool:
        return name in self._watches

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._watches)

    def keeps(self, name: str) -> bool:
        """True if this camera is recorded."""
        return self._configs[name].keep is not None

    def name_of(self, watch: Watch) -> str | None:
        return next((name for name, one in self._watches.items() if one is watch), None)

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
            self._begin(watch.start())

    def renew(self) -> list[tuple[Watch, Watch]]:
        """Starts those anew that failed some time ago: (before, after) for each, so that pages can follow."""
        renewed = []
        for name, watch in list(self._watches.items()):
            if watch.problem is None and watch.session.status().state != "failed":
                self._failed_s.pop(name, None)
            elif self._clock() - self._failed_s.setdefault(name, self._clock()) >= _AGAIN_S:
                after = self._try_anew(name, watch)
                if after is not None:
                    renewed.append((watch, after))
        return renewed

    async def close(self) -> None:
        """Closes them all; returns within a few seconds, or when all that is kept is saved."""
        closing = [asyncio.ensure_future(watch.close()) for watch in self._watches.values()]
        for task in self._tasks:
            task.cancel()
        if closing:
            kept_s = [one.close_timeout_s + _SAVE_S for one in self._configs.values() if one.keep is not None]
            await asyncio.wait(closing, timeout=max([_CLOSE_S, *kept_s]))

    def _try_anew(self, name: str, watch: Watch) -> Watch | None:
        self._failed_s[name] = self._clock()
        try:
            after = self._make(self._configs[name])
        except (AfterglowError, VisionError) as error:  # it is told, and tried again
            watch.problem = sentence_of(error)
            return None
        _log.info("%s is started anew", name)
        self._watches[name] = after
        self._failed_s.pop(name)
        self._begin(_close_then_start(watch, after))
        return after

    def _make(self, config: AssistantConfig) -> Watch:
        self._num_made += 1
        return self._make_watch(-self._num_made, config)

    def _begin(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close_then_start(before: Watch, after: Watch) -> None:
    await before.close()
    await after.start()
