"""One question of the page and its answer, from the moment it is sent until the answer is whole.

Comes in: text, and a Session that may not have seen anything yet. Goes out: an Answer, or a sentence why there is none;
and news for the page, as plain dictionaries. Lives on the page's event loop; nothing here waits.
"""

import time
from collections.abc import Callable
from typing import Any

from app.errors import NothingSeenError
from app.language.embedded.times import format_time
from app.recording.clock_words import ClockTelling
from app.session import Answer, AnswerResult, Conversation, Session
from app.spoken import PieceSource
from app.web.sentences import split_answer
from app.web.spoken_times import SpokenTimes
from app.web.wall_clock import place_times, speech_of_time, words_of_time
from app.web.watching import Watch, sentence_of

__all__ = ["Exchange", "News"]

News = dict[str, Any]
_MAX_HOLD_S = 120.0  # as long as models may take to load


class Exchange:
    """`advance` brings it forward; `news` tells what a page has not been told yet.

    Once it is over only its text is kept: the watch and what the question saw of the memory are let go.
    """

    def __init__(
        self,
        number: int,
        question: str,
        watch: Watch,
        conversation: Conversation,
        listen: Callable[[PieceSource], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """question: clean already. listen: gets the words while they are being made, for who wants to hear."""
        self._listen = listen
        self.number, self.question, self._conversation = number, question, conversation
        self.was_cancelled = False
        self._watch: Watch | None = watch
        self._answer: Answer | None = None
        self._end: News | None = None  # the last message about it
        self._watch_number = watch.number
        self._span: tuple[float, float] | None = None  # of stream time that its answer speaks of
        self._words_of: Callable[[float], str] = format_time  # of a stream time; of a live source by the clock
        self._speech_of: Callable[[float], str] = format_time  # the same to be heard
        self._speech: str | None = None
        self._placed_note: str | None = None
        self._clock = clock
        self._sent_s = clock()

    @property
    def is_over(self) -> bool:
        return self._end is not None

    @property
    def is_asked(self) -> bool:
        """The session has it, or there is nothing more to do."""
        return self._answer is not None or self.is_over

    def advance(self) -> None:
        """Asks the session, and notices the end. A question that came before the first picture is held until then."""
        if self._answer is not None:
            if self._answer.is_done:
                self._finish(self._answer)
        elif not self.is_over and self._watch is not None:
            self._ask(self._watch)

    def cancel(self) -> None:
        """The user wants no more of it; what was said stays."""
        self.was_cancelled = True
        if self._answer is not None:
            self._answer.cancel()

    def erase(self, watch_number: int, start_s: float, end_s: float) -> bool:
        """True if it spoke of the span, or may have: of its answer nothing is left then."""
        if watch_number != self._watch_number:
            return False
        if self.is_over and (self._span is None or self._span[1] < start_s or self._span[0] > end_s):
            return False
        self.cancel()
        self._let_go({"type": "erased", "id": self.number, "message": "Erased, with the moment that it spoke of."})
        self._span = self._speech = None
        return True

    def news(self, num_told: int) -> tuple[list[News], int]:
        """What follows after the first `num_told` characters, and how many are told then.

        The last message holds the whole text; `is_over` tells that this was it.
        """
        if self._end is not None:
            return [self._end], num_told
        text = "" if self._answer is None else "".join(self._answer.next_pieces(0, 0.0))
        text = ClockTelling(self._words_of).feed(text)[num_told:]
        news: list[News] = [{"type": "piece", "id": self.number, "text": text}] if text else []
        return news, num_told + len(text)

    @property
    def text(self) -> str | None:
        """What was answered, or why nothing was; None while it is being made."""
        return None if self._end is None else str(self._end.get("text") or self._end.get("message") or "")

    @property
    def speech(self) -> str | None:
        """The same to be spoken."""
        return self.text if self._speech is None else self._speech

    def opening(self) -> News:
        """How a page shows it first."""
        return {"type": "asked", "id": self.number, "question": self.question}

    def _ask(self, watch: Watch) -> None:
        if self.was_cancelled or watch.problem is not None:
            self._fail(watch.problem if watch.problem is not None else "Stopped.")
            return
        try:
            placed = place_times(self.question, watch)
            self._answer = watch.session.ask(placed.question, conversation=self._conversation)
            self._words_of, self._placed_note = words_of_time(watch), placed.note
            self._speech_of = speech_of_time(watch)
            if self._listen is not None:
                self._listen(SpokenTimes(self._answer, self._speech_of))
        except NothingSeenError as error:
            if not _may_still_see(watch.session) or self._clock() - self._sent_s > _MAX_HOLD_S:
                self._fail(sentence_of(error))
        except Exception as error:  # a failed or closed session: the page says why
            self._fail(sentence_of(error))

    def _finish(self, answer: Answer) -> None:
        try:
            result = answer.result(0.0)
        except Exception as error:  # this one answer failed
            self._fail(sentence_of(error))
            return
        times_s = [time_s for one in result.evidence for time_s in (one.start_s, one.end_s)] or [result.asked_at_s]
        self._span = min(times_s), max(times_s)
        facts = {**_facts(result), "text": self._told(result.text), "note": self._note(result)}
        sentences = [[self._told(one.text), list(one.evidence)] for one in split_answer(result.text, result.evidence)]
        self._speech = ClockTelling(self._speech_of).whole(result.text)
        evidence = _evidence(result, self._watch_number)
        about = {"type": "answer", "id": self.number, "watch": self._watch_number}
        self._let_go({**about, **facts, "sentences": sentences, "evidence": evidence})

    def _told(self, text: str) -> str:
        return ClockTelling(self._words_of).whole(text)

    def _note(self, result: AnswerResult) -> str | None:
        return " ".join(note for note in (self._placed_note, result.note) if note) or None

    def _fail(self, sentence: str) -> None:
        self._let_go({"type": "failed", "id": self.number, "message": sentence})

    def _let_go(self, end: News) -> None:
        self._end, self._answer, self._watch, self._listen = end, None, None, None


def _evidence(result: AnswerResult, watch_number: int) -> list[News]:
    return [
        {
            "start_s": evidence.start_s,
            "end_s": evidence.end_s,
            "watch": watch_number,
            "picture": f"{watch_number}/{int(evidence.frame_id)}.jpg",
        }
        for evidence in result.evidence
    ]


def _facts(result: AnswerResult) -> News:
    return {
        "asked_at_s": result.asked_at_s,
        "was_cancelled": result.was_cancelled,
        "ttft_ms": result.ttft_ms,
        "total_ms": result.total_ms,
    }


def _may_still_see(session: Session) -> bool:
    return session.status().state in ("new", "starting", "running")
