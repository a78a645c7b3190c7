"""One source being watched: a Session, the source that feeds it, and how far it has come.

Comes in: a choice. Goes out: a running Session, or a sentence. Lives on the page's event loop; what takes long is done
in a thread of its own.
"""

import logging
from collections.abc import Callable

from app.config import AssistantConfig
from app.errors import AfterglowError, SessionClosedError
from app.session import Session
from app.web.background import in_background
from app.web.choices import EndableSource
from app.web.pictures import LivePictures
from vision import VisionError
from vision.sources import PushedSource, Source

__all__ = ["MakeSession", "Watch", "sentence_of"]

_log = logging.getLogger(__name__)

MakeSession = Callable[[AssistantConfig, Source], Session]


class Watch:
    """Started once, ended at most once, closed at last."""

    def __init__(self, number: int, session: Session, source: EndableSource, *, is_shared: bool = False) -> None:
        """number: counts what one page has watched; part of the addresses of its pictures. Shared: no page ends it."""
        self.number, self.is_shared = number, is_shared
        self.session = session
        self.pictures = LivePictures()
        self.was_ended_by_user = False
        self.problem: str | None = None  # why it could not be started, a sentence
        self.is_closing = False
        self.known_wall_offset_s: float | None = None  # kept by wall_clock.py
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def takes_pictures(self) -> bool:
        return isinstance(self._source, PushedSource)

    async def start(self) -> None:
        """Returns when frames come in, or when `problem` says why not."""
        try:
            await in_background("page-start", self.session.start)
        except SessionClosedError:
            if not self.is_closing:
                self.problem = "The session was closed while it was starting."
        except Exception as error:  # whatever a source or a model does wrong, the page goes on and says so
            self.problem = sentence_of(error)
            _log.info("could not watch %s: %s", self.name, self.problem)

    def push(self, jpeg: bytes) -> None:
        """A picture of the browser's camera. Raises PictureError for what is none."""
        if isinstance(self._source, PushedSource):
            self._source.put(jpeg)

    def end(self) -> None:
        """The user has seen enough; questions are still answered."""
        self.was_ended_by_user = True
        self._source.finish()

    async def close(self) -> None:
        """Stops the threads; returns within the session's closing time. May be called twice."""
        self.is_closing = True
        self._source.finish()
        try:
            await in_background("page-close", self.session.close)
        except Exception as error:  # it is over anyway; what made it fail was shown in its status
            _log.debug("closing %s: %s", self.name, error)


def sentence_of(error: Exception) -> str:
    """One line for the user."""
    text = " ".join(str(error).split())
    if isinstance(error, AfterglowError | VisionError | TimeoutError) and text:
        return text
    _log.error("something failed inside", exc_info=error)
    return f"Something failed inside ({type(error).__name__}). The terminal that runs Afterglow shows where."
