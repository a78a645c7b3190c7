"""One question on its way to its answer: who asked holds an `Answer`, the answer thread fills it.

Comes in: pieces of text and one outcome, from the answer thread. Goes out: the same pieces, to any reader.
An `Answer` that a session accepted is always completed: with a result, or with the reason why there is none.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.language.lmm import Evidence
from app.status import FrameCounts, MemoryCounts

if TYPE_CHECKING:
    from memory import Snapshot

__all__ = ["Answer", "AnswerResult", "Conversation", "Moment"]

_WAIT_S = 0.5  # how often a waiting reader looks again, should a wake-up be missed


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What a question sees: one snapshot, and how things stood when it was taken."""

    snapshot: "Snapshot"
    frames: FrameCounts
    memory: MemoryCounts
    note: str | None = None  # a sentence that belongs to the answer, such as that the stream ended before --at

    @property
    def asked_at_s(self) -> float:
        """Stream time of the newest frame that the question sees."""
        return self.snapshot.t_now_s


@dataclass(frozen=True, kw_only=True)
class AnswerResult:
    """An answer, with what it rests on and what it cost."""

    question: str
    text: str
    asked_at_s: float  # stream time of the newest frame that was used
    evidence: tuple[Evidence, ...] = ()
    was_cancelled: bool = False  # `text` is then what there was until that moment
    ttft_ms: float | None = None  # from the question to the first piece of text; None: there was none
    total_ms: float = 0.0
    num_prompt_tokens: int = 0
    num_tokens: int = 0
    frames: FrameCounts = field(default_factory=FrameCounts)
    memory: MemoryCounts = field(default_factory=MemoryCounts)
    note: str | None = None


class Conversation:
    """What one asker and the assistant have said: what a follow-up is understood by. The answer thread alone adds."""

    def __init__(self) -> None:
        self._turns: tuple[tuple[str, str], ...] = ()

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """(question, answer) pairs, the oldest first."""
        return self._turns

    def add(self, question: str, text: str, max_turns: int) -> None:
        """Keeps the newest `max_turns` pairs."""
        self._turns = (*self._turns, (question, text))[-max_turns:] if max_turns else ()

    def forget(self) -> None:
        """What was said may speak of a moment that was forgotten: nothing of it is told to the LMM any more."""
        self._turns = ()


class Answer:
    """Iterate for pieces of text as they come, `result()` for the whole, `cancel()` to stop it."""

    def __init__(
        self,
        question: str,
        *,
        moment: Moment | None = None,
        conversation: Conversation | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.question = question
        self.conversation = conversation or Conversation()
        self._clock = clock
        self._moment = moment
        self._asked_clock_s = clock()
        self._first_piece_clock_s: float | None = None
        self._changed = threading.Condition()
        self._pieces: list[str] = []  # bounded by the limit on an answer's length
        self._num_chars = 0
        self._result: AnswerResult | None = None
        self._failure: Exception | None = None
        self._cancelled = threading.Event()

    # For whoever asked

    def __iter__(self) -> Iterator[str]:
        """All pieces from the first one on; ends with the answer. Raises what kept the answer from being completed."""
        position = 0
        while True:
            with self._changed:
                while position >= len(self._pieces) and not self.is_done:
                    self._changed.wait(_WAIT_S)
                pieces = self._pieces[position:]
            if not pieces:
                break
            position += len(pieces)
            yield from pieces
        if self._failure is not None:
            raise self._failure

    def result(self, timeout_s: float) -> AnswerResult:
        """The whole answer. Raises TimeoutError (the answer goes on), or what kept it from being completed."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.is_done, timeout_s):
                raise TimeoutError(f"the answer was not complete after {timeout_s:g} s")
        if self._result is None:
            assert self._failure is not None
            raise self._failure
        return self._result

    def next_pieces(self, position: int, timeout_s: float) -> tuple[str, ...]:
        """The pieces from `position` on, for who must not wait long. Empty: none yet, or none will come (`is_done`)."""
        with self._changed:
            self._changed.wait_for(lambda: position < len(self._pieces) or self.is_done, timeout_s)
            return tuple(self._pieces[position:])

    def cancel(self) -> None:
        """Drops this answer; what has been said stays. The LMM notices at its next decode step. May be called twice."""
        self._cancelled.set()

    @property
    def is_done(self) -> bool:
        return self._result is not None or self._failure is not None

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def asked_at_s(self) -> float | None:
        """Stream time of the newest frame that the question sees; None while it waits for its time."""
        return None if self._moment is None else self._moment.asked_at_s

    # For the session and its answer thread

    @property
    def moment(self) -> Moment:
        assert self._moment is not None, "the question has no moment yet"
        return self._moment

    def set_moment(self, moment: Moment) -> None:
        """The time of a scheduled question has come: from here on it waits for its answer."""
        self._moment = moment
        self._asked_clock_s = self._clock()

    def push(self, piece: str) -> None:
        """Adds a piece of text."""
        with self._changed:
            if self._first_piece_clock_s is None:
                self._first_piece_clock_s = self._clock()
            self._pieces.append(piece)
            self._num_chars += len(piece)
            self._changed.notify_all()

    def complete(
        self, text: str, *, evidence: tuple[Evidence, ...] = (), num_prompt_tokens: int = 0, num_tokens: int = 0
    ) -> None:
        """The answer is whole, or was cancelled and this is what there is."""
        moment = self._moment
        result = AnswerResult(
            question=self.question,
            text=text,
            asked_at_s=0.0 if moment is None else moment.asked_at_s,
            evidence=evidence,
            was_cancelled=self.is_cancelled,
            ttft_ms=self.ttft_ms,
            total_ms=(self._clock() - self._asked_clock_s) * 1e3,
            num_prompt_tokens=num_prompt_tokens,
            num_tokens=num_tokens,
            frames=FrameCounts() if moment is None else moment.frames,
            memory=MemoryCounts() if moment is None else moment.memory,
            note=None if moment is None else moment.note,
        )
        self._end(result, None)

    def fail(self, failure: Exception) -> None:
        """There will be no answer. Has no effect on one that is complete."""
        self._end(None, failure)

    @property
    def text_so_far(self) -> str:
        with self._changed:
            return "".join(self._pieces)

    @property
    def ttft_ms(self) -> float | None:
        """From the question to the first piece of text; None before there is one."""
        first_s = self._first_piece_clock_s
        return None if first_s is None else (first_s - self._asked_clock_s) * 1e3

    @property
    def num_chars(self) -> int:
        return self._num_chars

    def _end(self, result: AnswerResult | None, failure: Exception | None) -> None:
        with self._changed:
            if not self.is_done:
                self._result, self._failure = result, failure
            self._changed.notify_all()
