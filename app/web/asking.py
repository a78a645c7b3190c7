"""A question of a program on its way: from a camera that is watched, or from a recording, as server-sent events.

Comes in: a question with or without times of the clock. Goes out: pieces of text as they come, then the `answer`
object, or why there is none. Who hangs up cancels. The page's event loop.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.answer import Answer
from app.answer_fields import answer_fields
from app.errors import NothingSeenError
from app.recording.asked import AskedByClock, Understood
from app.recording.told import told_fields
from app.session import Conversation, Session
from app.web.background import in_background
from app.web.recordings import LIMITS
from app.web.stored_question import StoredQuestion
from app.web.watching import sentence_of

__all__ = ["LiveAsking", "RecordedAsking", "event_stream"]

_TICK_S = 0.02
_SAVED_S = 150.0  # a memory is saved every minute


class LiveAsking:
    """Of a camera that is watched. By the clock where it is kept, or where an interval is named."""

    def __init__(
        self,
        session: Session,
        name: str,
        question: str,
        said_from: str | None,
        said_to: str | None,
        is_kept: bool,
    ) -> None:
        """Raises what keeps it from being understood."""
        self._session, self._name, self._question = session, name, question
        self._asked: AskedByClock | None = None
        self._understood = Understood(question=question, spans=(), note=None)
        if is_kept or said_from is not None or said_to is not None:
            self._asked = _asked_by_clock(session)
            self._understood = self._asked.understood(question, said_from, said_to)
        self._answer: Answer | None = None
        self._telling = None if self._asked is None else self._asked.telling()
        self._num_told = 0

    @property
    def is_on_disk(self) -> bool:
        """True if all that it asks about is so long ago that the saved memory and the archive have it, which together
        know it better than the memory of the session."""
        spans = self._understood.spans
        return self._asked is not None and bool(spans) and spans[-1][1] < self._asked.last_s - _SAVED_S

    def put(self) -> "LiveAsking":
        """To the session. Raises what keeps it from being asked."""
        self._answer = self._session.ask(self._understood.question, conversation=Conversation())
        return self

    def news(self) -> tuple[str, bool]:
        """What can be told now, and whether that is all."""
        assert self._answer is not None
        is_done = self._answer.is_done  # before the pieces are read: none may come between
        pieces = self._answer.next_pieces(self._num_told, 0.0)
        self._num_told += len(pieces)
        text = "".join(pieces)
        if self._telling is not None:
            text = self._telling.feed(text) + (self._telling.finish() if is_done else "")
        return text, is_done

    def result(self) -> dict[str, Any]:
        """The `answer` object. Raises what kept the question from being answered."""
        assert self._answer is not None
        result = self._answer.result(0.0)
        if self._asked is None:
            return answer_fields(result, result.note)
        # The session gives the picture of that very frame, or of the one nearest to it.
        return told_fields(result, self._question, self._understood, self._asked, self._name, lambda one: one.frame_id)

    def end(self) -> None:
        """Nobody listens any more; no effect on an answer that is whole."""
        if self._answer is not None:
            self._answer.cancel()


class RecordedAsking:
    """Of a recording. Its thread begins at the first look."""

    def __init__(self, question: StoredQuestion, reading: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        self._question, self._reading, self._num_told = question, reading, 0
        self._task: asyncio.Future[dict[str, Any]] | None = None

    def news(self) -> tuple[str, bool]:
        if self._task is None:
            self._task = asyncio.ensure_future(self._reading(in_background("answer-recording", self._question.run)))
        is_done = self._task.done()
        pieces = self._question.pieces[self._num_told :]
        self._num_told += len(pieces)
        return "".join(pieces), is_done

    def result(self) -> dict[str, Any]:
        assert self._task is not None
        return self._task.result()

    def end(self) -> None:
        self._question.cancel()
        if self._task is not None and not self._task.done():
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody asks for it


def event_stream(asking: LiveAsking | RecordedAsking, request: Request) -> Response:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(asking, request), media_type="text/event-stream", headers=headers)


async def _events(asking: LiveAsking | RecordedAsking, request: Request) -> AsyncIterator[str]:
    try:
        while True:
            text, is_done = asking.news()
            if text:
                yield _event("piece", {"type": "piece", "text": text})
            if is_done:
                break
            if await request.is_disconnected():
                return
            await asyncio.sleep(_TICK_S)
        try:
            fields = asking.result()
        except Exception as error:  # this one answer failed, and whoever asked is told why
            yield _event("error", {"type": "error", "message": sentence_of(error)})
        else:
            yield _event("answer", fields)
    finally:
        asking.end()


def _event(kind: str, fields: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(fields)}\n\n"


def _asked_by_clock(session: Session) -> AskedByClock:
    """Raises NothingSeenError before the first frame is remembered."""
    clock, remembered_s = session.clock_log(), session.status().remembered_time_s
    if not clock.pieces or remembered_s is None:
        raise NothingSeenError("Nothing has been seen yet: wait for the first picture, then ask again.")
    gaps = session.moments.snapshot().gaps
    return AskedByClock(clock, remembered_s, gaps, now_s=time.time, limits=LIMITS)
