"""Questions about a recording: one saved memory and an answer thread, without a stream.

Comes in: questions whose times were placed (see stored.py). Goes out: Answers, as a Session gives them. The thread that
made it asks and closes; the answer thread loads and uses the language model.
"""

import time
from collections.abc import Callable, Iterable
from typing import Self

from app import loading
from app.answer import Answer, Conversation, Moment
from app.answering import AnswerConfig, AnswerWorker
from app.errors import SessionClosedError, ShutdownError, TooManyQuestionsError
from app.handoff import Handoff
from app.language.lmm import LMM
from app.recording.stored import StoredRecording
from app.status import FrameCounts, MemoryCounts
from app.worker import StopSignal, Worker

__all__ = ["StoredSession"]

_START_TIMEOUT_S, _CLOSE_TIMEOUT_S, _POLL_S = 120.0, 5.0, 0.05


class StoredSession:
    """`with StoredSession(recording) as session: session.ask(...)`."""

    def __init__(
        self,
        recording: StoredRecording,
        *,
        lmm: Callable[[], LMM] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        config = AnswerConfig()
        self._recording, self._clock, self._put_timeout_s = recording, clock, config.put_timeout_s
        self._stop = StopSignal()
        self._channel: Handoff[Answer] = Handoff(config.max_waiting)
        self._worker = AnswerWorker(self._channel, lmm or loading.load_lmm, config, stop=self._stop, clock=clock)
        self._conversation = Conversation()

    def start(self) -> None:
        """Loads the language model. Raises what kept it from being loaded."""
        self._worker.launch(self._on_exit)
        end_s = time.monotonic() + _START_TIMEOUT_S
        while not self._worker.ready.wait(_POLL_S):  # short waits: Ctrl-C is heard
            if time.monotonic() > end_s:
                raise TimeoutError(f"The language model was not ready after {_START_TIMEOUT_S:g} s.")
        if self._worker.failure is not None:
            raise self._worker.failure

    def ask(self, question: str, spans: Iterable[tuple[float, float]] = ()) -> Answer:
        """A question with stream times in it. spans: which, so that the archive is looked at again for them.

        Raises TooManyQuestionsError, RecordingError, or what made the thread fail.
        """
        if self._stop.is_set():
            raise self._stop.cause or SessionClosedError("The session was closed; nothing can be asked any more.")
        snapshot, stats = self._recording.refined_snapshot(spans), self._recording.memory.stats()
        moment = Moment(
            snapshot=snapshot,
            frames=FrameCounts(seen=snapshot.frames_seen, encoded=snapshot.frames_seen),
            memory=MemoryCounts(version=stats.version, tokens=stats.tokens, bytes=stats.bytes),
        )
        answer = Answer(question, moment=moment, conversation=self._conversation, clock=self._clock)
        if not self._channel.put(answer, self._put_timeout_s):
            raise TooManyQuestionsError("Too many questions are waiting: ask again when one is answered.")
        return answer

    def close(self) -> None:
        """May be called twice. Raises ShutdownError if the thread does not end."""
        self._stop.set()
        self._channel.finish()
        if not self._worker.join(_CLOSE_TIMEOUT_S):
            raise ShutdownError(f"After {_CLOSE_TIMEOUT_S:g} s the answer thread still ran.")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _on_exit(self, worker: Worker) -> None:
        self._channel.finish()
