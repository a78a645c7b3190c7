"""The listen thread: writes down what was spoken into the microphones of all pages, one utterance after the other.

Comes in: Utterances, through a bounded channel. Goes out: their words, or a sentence why there are none. It opens the
recogniser itself when the first utterance comes; a model that is not there is fetched then. A recogniser that fails
harms nothing else. One thread of the whole program, since an utterance belongs to no stream.
"""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from app.errors import AfterglowError, SessionClosedError, TooManyQuestionsError
from app.handoff import Handoff, Signal
from app.worker import StopSignal, Worker

if TYPE_CHECKING:
    from app.hearing import Recogniser

__all__ = ["ListenWorker", "ListeningState", "Utterance"]

_log = logging.getLogger(__name__)
_POLL_S = 0.2
MAX_WAITING = 8

ListeningState = Literal["idle", "opening", "ready", "failed"]


class Utterance:
    """What was spoken, on its way to its words."""

    def __init__(self, pcm: bytes, rate_hz: int) -> None:
        """pcm: 16-bit little-endian mono."""
        self.pcm, self.rate_hz = pcm, rate_hz
        self.text: str | None = None
        self.problem: str | None = None  # why there are no words, a sentence
        self._done = threading.Event()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def wait(self, timeout_s: float) -> bool:
        return self._done.wait(timeout_s)

    def end(self, *, text: str | None = None, problem: str | None = None) -> None:
        """Has no effect on one that has ended."""
        if not self.is_done:
            self.text, self.problem, self.pcm = text, problem, b""
            self._done.set()


class ListenWorker(Worker):
    """Owns the recogniser."""

    def __init__(self, open_recogniser: "Callable[[], Recogniser]") -> None:
        super().__init__("listen", StopSignal())
        self._open_recogniser = open_recogniser
        self._channel: Handoff[Utterance] = Handoff(MAX_WAITING)
        self._recogniser: Recogniser | None = None
        self._current: Utterance | None = None
        self._is_wanted = False
        self.state: ListeningState = "idle"

    # Any thread

    def put(self, utterance: Utterance) -> None:
        """Writes it down in its turn; never waits. Raises TooManyQuestionsError or SessionClosedError."""
        if not self._channel.put(utterance, 0.0):
            if self._stop.is_set():
                raise SessionClosedError("Afterglow is ending.")
            raise TooManyQuestionsError("Too many spoken questions wait already; ask again in a moment.")

    def prepare(self) -> None:
        """Opens the recogniser soon: somebody has switched a microphone on."""
        self._is_wanted = True

    def stop(self) -> None:
        """Tells the thread to leave, without waiting; no one waits for words that will not come."""
        self._stop.set()
        self._channel.finish()
        for utterance in self._channel.drain():
            utterance.end(problem="Afterglow is ending.")

    # The listen thread

    def step(self) -> bool:
        utterance = self._channel.take(_POLL_S)
        if utterance is Signal.NOTHING and self._is_wanted and self.state == "idle":
            self._require()
        if isinstance(utterance, Signal):
            return utterance is Signal.NOTHING
        self._current = utterance
        self._write_down(utterance)
        self._current = None
        return True

    def close(self) -> None:
        self.stop()
        if self._current is not None:
            self._current.end(problem="Afterglow is ending.")
        self._drop()

    def _write_down(self, utterance: Utterance) -> None:
        from app.hearing import HearingError, read_utterance

        try:
            audio = read_utterance(utterance.pcm, utterance.rate_hz)  # first: silence needs no model
        except HearingError as error:
            utterance.end(problem=str(error))
            return
        problem = self._require()
        if self._recogniser is None:
            utterance.end(problem=problem)
            return
        try:
            heard = self._recogniser.recognise(audio)
        except HearingError as error:
            utterance.end(problem=str(error))
        except Exception as error:  # the recogniser must not take the program with it; it is opened anew next time
            utterance.end(problem=self._failed(error))
        else:
            _log.debug("heard %.1f s of speech, confidence %.2f", heard.speech_s, heard.confidence)
            utterance.end(text=heard.text)

    def _require(self) -> str | None:
        """Opens the recogniser if it is not; why it could not be, a sentence."""
        if self._recogniser is not None:
            return None
        self.state = "opening"
        try:
            self._recogniser = self._open_recogniser()
        except Exception as error:  # as above: no network, a full disk, a missing library
            return self._failed(error)
        self.state = "ready"
        return None

    def _failed(self, error: Exception) -> str:
        from app.install.errors import SetupError

        sentence = " ".join(str(error).split())
        is_told = isinstance(error, AfterglowError | SetupError) and bool(sentence)
        _log.warning("listening: %s", sentence or type(error).__name__, exc_info=not is_told)
        self._drop()
        self.state = "failed"
        reason = sentence if is_told else f"it failed ({type(error).__name__})"
        return f"Spoken questions cannot be written down: {reason} Please type the question."

    def _drop(self) -> None:
        recogniser, self._recogniser = self._recogniser, None
        self.state = "idle"
        close = getattr(recogniser, "close", None)
        if close is not None:
            close()
