"""The one listen thread of the program, started when somebody first wants to speak.

Comes in: utterances of all pages. Goes out: the same, to the thread. Lives on the page's event loop.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from app import loading
from app.errors import SessionClosedError
from app.listening import ListeningState, ListenWorker, Utterance
from app.web.background import in_background

if TYPE_CHECKING:
    from app.hearing import Recogniser

__all__ = ["Hearing"]

_JOIN_S = 3.0


class Hearing:
    """`prepare` and `put` start the thread; `close` ends it."""

    def __init__(self, open_recogniser: "Callable[[], Recogniser]" = loading.load_recogniser) -> None:
        self._open_recogniser = open_recogniser
        self._worker: ListenWorker | None = None
        self._is_closed = False

    @property
    def state(self) -> ListeningState:
        return "idle" if self._worker is None else self._worker.state

    def prepare(self) -> None:
        """Somebody has switched a microphone on: the recogniser is opened, and fetched if need be."""
        if not self._is_closed:
            self._started().prepare()

    def put(self, utterance: Utterance) -> None:
        """Raises TooManyQuestionsError or SessionClosedError."""
        if self._is_closed:
            raise SessionClosedError("Afterglow is ending.")
        self._started().put(utterance)

    async def close(self) -> None:
        """Ends the thread, within a few seconds."""
        self._is_closed = True
        worker = self._worker
        if worker is not None:
            worker.stop()
            await in_background("listen-end", lambda: worker.join(_JOIN_S))

    def _started(self) -> ListenWorker:
        if self._worker is None:
            self._worker = ListenWorker(self._open_recogniser)
            self._worker.launch(lambda worker: None)
        return self._worker
