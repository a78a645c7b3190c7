"""One question about a recording, answered in a thread of its own from what was saved of it.

Comes in: an opened recording and a question whose times were placed. Goes out: pieces of text with the clock's times,
then the `answer` object. `run` belongs to one thread; the rest to any.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from app.language.lmm import LMM, Evidence
from app.recording.stored import StoredRecording, Understood
from app.recording.told import told_fields

__all__ = ["StoredQuestion"]

_POLL_S = 0.05


class StoredQuestion:
    """`pieces` grow while `run` works."""

    def __init__(
        self,
        recording: StoredRecording,
        question: str,
        understood: Understood,
        lend_lmm: Callable[[], LMM] | None,
    ) -> None:
        self.pieces: list[str] = []
        self._recording, self._question, self._understood, self._lend_lmm = recording, question, understood, lend_lmm
        self._is_cancelled = threading.Event()

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._is_cancelled.set()

    def run(self) -> dict[str, Any]:
        """The `answer` object. Raises what kept the question from being answered."""
        from app.recording.stored_session import StoredSession

        recording = self._recording
        with contextlib.closing(recording), StoredSession(recording, lmm=self._lend_lmm) as session:
            answer = session.ask(self._understood.question, self._understood.spans)
            telling, position = recording.telling(), 0
            while True:
                is_done = answer.is_done  # before the pieces are read: none may come between
                pieces = answer.next_pieces(position, _POLL_S)
                position += len(pieces)
                told = telling.feed("".join(pieces)) + (telling.finish() if is_done and not pieces else "")
                if told:
                    self.pieces.append(told)
                if is_done and not pieces:
                    break
                if self._is_cancelled.is_set():
                    answer.cancel()
            name = recording.folder.name
            return told_fields(
                answer.result(0.0), self._question, self._understood, recording, name, self._picture_id_of
            )

    def _picture_id_of(self, one: Evidence) -> int | None:
        picture = self._recording.picture_of(one)
        return None if picture is None else picture.frame_id
