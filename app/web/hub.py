"""All open pages of this program: bounded, and each closed some time after its tab has gone.

Comes in: pages that connect and leave. Goes out: their PageSessions. Lives on the page's event loop.
"""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.config import AssistantConfig
from app.errors import AfterglowError
from app.speaking import SpeechConfig
from app.web.cameras import Cameras, UnknownCameraError
from app.web.choices import Choice, EndableSource, make_camera_source, make_source
from app.web.hearing import Hearing
from app.web.page_session import PageSession
from app.web.warming import WarmUp
from app.web.watching import MakeSession, Watch, sentence_of
from vision.sources import OWNER, SourceAccess

if TYPE_CHECKING:  # the memory brings torch with it
    from memory import MemoryConfig

__all__ = ["Hub", "PageLimitError"]

MAX_WATCHES = 4
MAX_PAGES = 16
GRACE_S = 30.0  # how long a page that lost its connection is waited for
_CLOSE_S = 3.0


class PageLimitError(AfterglowError):
    """Too many pages are open."""


class Hub:
    """`connect` gives a page its session, `disconnect` takes note that it has gone."""

    def __init__(
        self,
        config: AssistantConfig,
        make_session: MakeSession,
        *,
        warm_up: WarmUp | None = None,
        access: SourceAccess = OWNER,
        hearing: Hearing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        answer = dataclasses.replace(config.answer, put_timeout_s=0.0)  # the event loop may not be kept waiting
        self.config = dataclasses.replace(config, answer=answer, speech=config.speech or SpeechConfig())
        self.hearing = hearing or Hearing()
        self._access = access
        self._make_session, self._warm_up, self._clock = make_session, warm_up, clock
        self._pages: dict[str, PageSession] = {}
        self.cameras: Cameras | None = None  # what the program watches; where it is one, every new page sees it at once
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def num_pages(self) -> int:
        return len(self._pages)

    @property
    def models_loading(self) -> bool:
        return self._warm_up is not None and self._warm_up.is_loading

    @property
    def models_problem(self) -> str | None:
        """Why the models could not be loaded, a sentence."""
        failure = None if self._warm_up is None else self._warm_up.failure
        return None if failure is None else sentence_of(failure)

    def make_source(self, choice: Choice) -> EndableSource:
        """Raises SourceOpenError with a sentence, also for what pages may not open."""
        return make_source(choice, self.config.capture, self._access)

    def make_camera(self, number: int, config: AssistantConfig) -> Watch:
        """A watch that belongs to the program, not to a page. Raises SourceOpenError with a sentence."""
        source = make_camera_source(config)
        config = dataclasses.replace(config, answer=self.config.answer, speech=self.config.speech)
        return Watch(number, self._make_session(config, source), source, is_shared=True)

    def connect(self, key: str | None) -> PageSession:
        """The page's session: its own one if it comes back in time, else a new one. Raises PageLimitError."""
        page = self._pages.get(key or "")
        if page is not None and page.detached_s is not None:
            page.detached_s = None
            return page
        if len(self._pages) >= MAX_PAGES:
            self._drop_longest_gone(lambda page: True)
        if len(self._pages) >= MAX_PAGES:
            raise PageLimitError(
                f"{MAX_PAGES} pages of Afterglow are open already. Close one, then load this one again."
            )
        page = PageSession(self.make_source, self._make_watch, self.hearing)
        if self.cameras is not None and len(self.cameras) == 1:
            page.join(self.cameras.find(None))
        self._pages[page.key] = page
        return page

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Of what the program watches, for all to see."""
        return () if self.cameras is None else self.cameras.names

    def camera_name(self, watch: Watch | None) -> str | None:
        return None if self.cameras is None or watch is None else self.cameras.name_of(watch)

    def shared(self, name: object) -> Watch:
        """The camera of that name. Raises UnknownCameraError."""
        if self.cameras is None or not isinstance(name, str):
            raise UnknownCameraError("Choose one of the cameras that are watched.")
        return self.cameras.find(name)

    def follow(self, before: Watch, after: Watch) -> None:
        """A camera was started anew: pages that look on at it see the new one."""
        for page in self._pages.values():
            if page.watch is before:
                page.watch = after

    def disconnect(self, page: PageSession) -> None:
        """Its tab has gone, or its connection was lost."""
        page.detached_s = self._clock()
        page.speech.silence()
        page.listening.drop()

    def drop_gone(self) -> None:
        """Closes the sessions of pages that did not come back in time."""
        now_s = self._clock()
        for page in list(self._pages.values()):
            if page.detached_s is not None and now_s - page.detached_s >= GRACE_S:
                self._drop(page)

    def frame_jpeg(self, key: str, watch_number: int, frame_id: int) -> bytes | None:
        """A picture for the page that has this key."""
        page = self._pages.get(key)
        return None if page is None else page.frame_jpeg(watch_number, frame_id)

    async def clip(self, key: str, watch_number: int, start_s: float, end_s: float) -> bytes | None:
        """An MP4 for the page that has this key. Raises RecordingError."""
        page = self._pages.get(key)
        return None if page is None else await page.clip(watch_number, start_s, end_s)

    def erase(self, watch: Watch, start_s: float, end_s: float) -> int:
        """A span of what is watched was forgotten: so are the answers about it, on every page that shares it."""
        watch.pictures.forget()
        return sum(page.erase(watch, start_s, end_s) for page in self._pages.values() if _knows(page, watch))

    async def close(self) -> None:
        """Closes every session; returns within a few seconds."""
        for page in list(self._pages.values()):
            self._drop(page)
        hearing = asyncio.get_running_loop().create_task(self.hearing.close())
        await asyncio.wait({*self._closing, hearing}, timeout=_CLOSE_S)

    def _make_watch(self, number: int, source: EndableSource, memory: "MemoryConfig | None") -> Watch:
        if self._num_watches() >= MAX_WATCHES:
            self._drop_longest_gone(_is_watching)
        if self._num_watches() >= MAX_WATCHES:
            raise PageLimitError(f"{MAX_WATCHES} pages watch something already. Close one of them, then start again.")
        config = dataclasses.replace(self.config, memory=memory or self.config.memory)
        return Watch(number, self._make_session(config, source), source)

    def _num_watches(self) -> int:
        return sum(map(_is_watching, self._pages.values()))

    def _drop_longest_gone(self, is_wanted: Callable[[PageSession], bool]) -> None:
        gone = [page for page in self._pages.values() if page.detached_s is not None and is_wanted(page)]
        if gone:
            self._drop(min(gone, key=lambda page: page.detached_s or 0.0))

    def _drop(self, page: PageSession) -> None:
        self._pages.pop(page.key, None)
        task = asyncio.get_running_loop().create_task(page.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _knows(page: PageSession, watch: Watch) -> bool:
    """Numbers of watches are one page's own, but for those of shared ones."""
    return watch.is_shared or page.watch is watch


def _is_watching(page: PageSession) -> bool:
    return page.watch is not None and page.watch.problem is None and not page.watch.is_shared
