"""What one page asks about single moments: show them, pin them, forget them.

Comes in: messages of the page, which may hold anything. Goes out: a message in return, or an AfterglowError with a
sentence. A page reaches what it watches, nothing else; what a shared camera remembers is changed only from this
machine. The page's event loop; whatever reads a disk or waits for the memory is done in a thread of its own.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, TypeVar

from app.errors import MomentError, TooManyQuestionsError
from app.web.background import in_background
from app.web.hub import Hub
from app.web.page_session import PageSession
from app.web.receipts import forgotten_sentences, pinned_sentence, unpinned_sentence
from app.web.wall_clock import words_of_time
from app.web.watching import Watch

__all__ = ["MOMENT_MESSAGES", "MomentDesk"]

MOMENT_MESSAGES = frozenset({"look", "pin", "unpin", "forget"})
AROUND_S = 5.0  # of a clip, to either side
MAX_CLIP_FRAMES = 64
MAX_LABEL_CHARS = 80
_EXACT_S = 0.26  # a picture so near to a moment is of that moment: frames are encoded twice a second

T = TypeVar("T")


class MomentDesk:
    """Of one connection. One thing at a time."""

    def __init__(self, hub: Hub, page: PageSession, *, is_local: bool) -> None:
        """is_local: the page is open on this machine."""
        self._hub, self._page, self._is_local = hub, page, is_local
        self._busy = asyncio.Lock()

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The reply to one of MOMENT_MESSAGES."""
        if self._busy.locked():
            raise TooManyQuestionsError("One moment: what was asked before is still being done.")
        async with self._busy:
            watch = self._watch(message)
            kind = message["type"]
            if kind == "look":
                return await self._look(watch, _number(message, "time_s"), _frame_id(message))
            self._require_permission(watch)
            if kind == "forget":
                return await self._forget(watch, *_span(message))
            if kind == "pin":
                return await self._pin(watch, *_span(message), _label(message))
            return await self._unpin(watch, *_span(message))

    def may_change(self, watch: Watch) -> bool:
        """What a page watches by itself is its own; what all pages share is changed from this machine alone."""
        return self._is_local or not watch.is_shared

    def _watch(self, message: dict[str, Any]) -> Watch:
        watch = self._page.watch
        if watch is None or message.get("watch") != watch.number or isinstance(message.get("watch"), bool):
            raise MomentError("That belongs to something that is not watched any more.")
        return watch

    def _require_permission(self, watch: Watch) -> None:
        if not self.may_change(watch):
            raise MomentError(
                "This camera is shared, and this page is open on another machine: "
                "pin and forget on the machine that runs Afterglow."
            )

    async def _look(self, watch: Watch, asked_s: float, frame_id: int | None) -> dict[str, Any]:
        """The frame of that number where one was named and is kept, else the one nearest to the time."""
        moments = watch.session.moments

        def look() -> dict[str, Any]:
            named = None if frame_id is None else moments.find(frame_id)
            time_s = asked_s if named is None else named.time_s
            start_s, end_s = max(time_s - AROUND_S, 0.0), time_s + AROUND_S
            near = named or moments.nearest(time_s)
            frames = moments.frames(start_s, end_s, MAX_CLIP_FRAMES)
            return {
                "type": "moment",
                "watch": watch.number,
                "time_s": time_s,
                "asked_s": asked_s,
                "frame": None if near is None else [near.frame_id, near.time_s],
                "is_exact": near is not None and abs(near.time_s - time_s) <= _EXACT_S,
                "frames": [[one.frame_id, round(one.time_s, 3)] for one in frames],
                "has_video": moments.has_video,
                "start_s": start_s,
                "end_s": end_s,
            }

        return await _done(look)

    async def _pin(self, watch: Watch, start_s: float, end_s: float, label: str) -> dict[str, Any]:
        await _done(lambda: watch.session.moments.pin(start_s, end_s, label))
        return _receipt("pin", pinned_sentence(start_s, end_s, label, words_of_time(watch)))

    async def _unpin(self, watch: Watch, start_s: float, end_s: float) -> dict[str, Any]:
        num_removed = await _done(lambda: watch.session.moments.unpin(start_s, end_s))
        return _receipt("unpin", unpinned_sentence(num_removed))

    async def _forget(self, watch: Watch, start_s: float, end_s: float) -> dict[str, Any]:
        forgotten = await _done(lambda: watch.session.moments.forget(start_s, end_s))
        num_answers = self._hub.erase(watch, start_s, end_s)
        return _receipt("forget", forgotten_sentences(forgotten, num_answers, words_of_time(watch)))


async def _done(function: Callable[[], T]) -> T:
    return await in_background("page-moment", function)


def _receipt(kind: str, sentence: str) -> dict[str, Any]:
    return {"type": "receipt", "kind": kind, "message": sentence}


def _number(message: dict[str, Any], name: str) -> float:
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e9:
        raise MomentError("A moment is a number of seconds of the stream.")
    return max(float(value), 0.0)


def _frame_id(message: dict[str, Any]) -> int | None:
    value = message.get("frame")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63):
        raise MomentError("A frame has a whole number.")
    return value


def _span(message: dict[str, Any]) -> tuple[float, float]:
    start_s, end_s = _number(message, "start_s"), _number(message, "end_s")
    return min(start_s, end_s), max(start_s, end_s)


def _label(message: dict[str, Any]) -> str:
    """One line, without what steers a terminal."""
    label = message.get("label", "")
    if not isinstance(label, str) or len(label) > MAX_LABEL_CHARS:
        raise MomentError(f"A label is a text of {MAX_LABEL_CHARS} characters at most.")
    return " ".join("".join(one if one.isprintable() else " " for one in label).split())
