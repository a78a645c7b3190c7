"""What one open page has: the source it watches and the conversation about it. It outlives a lost connection a little.

Comes in: the user's wishes. Goes out: exchanges and status. Lives on the page's event loop, which alone touches it.
"""

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.errors import NothingSeenError, TooManyQuestionsError
from app.questions import clean_question
from app.session import Conversation
from app.spoken import PieceSource
from app.web.choices import Choice, EndableSource
from app.web.clips import ClipShelf
from app.web.exchanges import Exchange
from app.web.hearing import Hearing
from app.web.page_listening import PageListening
from app.web.page_speech import PageSpeech
from app.web.rates import RateLimit
from app.web.watching import Watch

if TYPE_CHECKING:  # the memory brings torch with it
    from memory import MemoryConfig

__all__ = ["MakeSource", "MakeWatch", "PageSession"]

MAX_EXCHANGES = 100  # kept for a page that is loaded again
MAX_UNANSWERED = 8
MAX_QUESTIONS, QUESTIONS_PERIOD_S = 30, 60.0

MakeSource = Callable[[Choice], EndableSource]
MakeWatch = Callable[[int, EndableSource, "MemoryConfig | None"], Watch]


class PageSession:
    """`key` names it; only the page that has it can come back to it or see its pictures."""

    def __init__(self, make_source: MakeSource, make_watch: MakeWatch, hearing: Hearing | None = None) -> None:
        """Both raise a SourceOpenError or an AfterglowError with a sentence."""
        self.key = secrets.token_urlsafe(18)
        self.watch: Watch | None = None
        self.exchanges: deque[Exchange] = deque(maxlen=MAX_EXCHANGES)
        self.detached_s: float | None = None  # since when no page is connected; None while one is
        self._make_source, self._make_watch = make_source, make_watch
        self._num_watched = self._num_asked = 0
        self._switching = asyncio.Lock()
        self._num_wishes = 0  # starts and stops so far: the last one counts, also while another is being carried out
        self._is_closed = False
        self._conversation = Conversation()  # about what is watched now
        self.speech = PageSpeech()
        self.listening = PageListening(hearing or Hearing())
        self._limit = RateLimit(MAX_QUESTIONS, QUESTIONS_PERIOD_S)
        self._erased: list[int] = []
        self.clips = ClipShelf()
        self.memory: MemoryConfig | None = None  # of what is started next; None: the default sizes

    @property
    def is_switching(self) -> bool:
        """One source is being closed, or the next is about to be opened."""
        return self._switching.locked()

    def start(self, choice: Choice) -> Coroutine[Any, Any, None]:
        """Ends what is watched and watches the choice, unless another wish follows before its turn comes.

        The wish counts from this call on, not from when it is awaited. Raises a sentence if it cannot even be tried.
        """
        self._num_wishes += 1
        return self._start(choice, self._num_wishes)

    async def _start(self, choice: Choice, wish: int) -> None:
        source = self._make_source(choice)  # first: a slip of the pen does not end what is watched
        async with self._switching:
            await self._close_watch()
            if self._is_closed or wish != self._num_wishes:
                return
            self._num_watched += 1
            self._conversation = Conversation()
            self.watch = watch = self._make_watch(self._num_watched, source, self.memory)
        await watch.start()

    def join(self, watch: Watch) -> None:
        """Looks on at what the program itself watches, which goes on when this page leaves."""
        self.watch = watch
        self._conversation = Conversation()

    async def look_on(self, watch: Watch) -> None:
        """Ends what is watched and looks on at what the program watches."""
        self._num_wishes += 1
        wish = self._num_wishes
        async with self._switching:
            if self._is_closed or self.watch is watch:
                return
            await self._close_watch()
            if wish == self._num_wishes:
                self.join(watch)

    async def stop(self) -> None:
        """Ends the stream. What was seen can still be asked about, unless nothing was."""
        self._num_wishes += 1
        watch = self.watch
        if watch is None:
            return
        if watch.is_shared:
            self.watch = None
            return
        if watch.session.status().state in ("new", "starting"):
            async with self._switching:
                if self.watch is watch:
                    await self._close_watch()
        else:
            watch.end()

    def ask(self, text: str) -> Exchange:
        """Puts a question. Raises an AfterglowError with a sentence."""
        question = clean_question(text)
        if self.watch is None and self.is_switching:
            raise NothingSeenError("One source is giving way to the next. Ask again in a moment.")
        if self.watch is None:
            raise NothingSeenError("There is nothing to ask about yet: choose what to watch first.")
        if sum(not exchange.is_over for exchange in self.exchanges) >= MAX_UNANSWERED:
            raise TooManyQuestionsError(
                f"{MAX_UNANSWERED} questions are waiting already; ask again when one is answered."
            )
        wait_s = self._limit.take("")
        if wait_s > 0:
            raise TooManyQuestionsError(f"That were many questions: ask again in {math.ceil(wait_s)} s.")
        self._num_asked += 1
        self.speech.silence()  # who asks anew does not want to hear the end of the last answer
        listen = self._listener(self._num_asked, self.watch) if self.speech.is_on else None
        exchange = Exchange(self._num_asked, question, self.watch, self._conversation, listen)
        self.exchanges.append(exchange)
        self.advance()
        return exchange

    def _listener(self, number: int, watch: Watch) -> Callable[[PieceSource], None]:
        return lambda words: self.speech.speak(words, watch.session, number)

    def erase(self, watch: Watch, start_s: float, end_s: float) -> int:
        """Erases the answers that speak of a span, or may yet; how many. What was said is no context any more."""
        gone = [exchange.number for exchange in self.exchanges if exchange.erase(watch.number, start_s, end_s)]
        self._erased += gone
        if gone:
            self.speech.silence()
        self.clips.clear()
        if watch is self.watch:
            self._conversation.forget()
        return len(gone)

    def take_erased(self) -> list[int]:
        """Numbers of exchanges of which the page must be told anew."""
        gone, self._erased = self._erased, []
        return gone

    def cancel(self) -> None:
        """Stops the answer that is being made, and what is being heard."""
        self.speech.silence()
        for exchange in self.exchanges:
            if not exchange.is_over and not exchange.was_cancelled:
                exchange.cancel()
                return

    def advance(self) -> None:
        """Asks what was held back, in order."""
        self.speech.follow(None if self.watch is None else self.watch.session)
        for exchange in self.exchanges:
            exchange.advance()
            if not exchange.is_asked:
                return

    def frame_jpeg(self, watch_number: int, frame_id: int) -> bytes | None:
        """A picture of what this page watches now."""
        watch = self.watch
        if watch is None or watch.number != watch_number:
            return None
        return watch.session.frame_jpeg(frame_id)

    async def clip(self, watch_number: int, start_s: float, end_s: float) -> bytes | None:
        """An MP4 of what this page watches now; None: there is none. Raises RecordingError."""
        watch = self.watch
        if watch is None or watch.number != watch_number:
            return None
        return await self.clips.get(watch, start_s, end_s)

    async def close(self) -> None:
        """Stops everything. May be called twice."""
        self._is_closed = True
        async with self._switching:
            await self._close_watch()

    async def _close_watch(self) -> None:
        watch, self.watch = self.watch, None
        if watch is not None and not watch.is_shared:
            await watch.close()
