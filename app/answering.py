"""The answer thread: the sole user of the LMM. Takes questions in order and fills their answers.

Comes in: Answers with their moment, through a bounded channel. Goes out: pieces of text and a result, into each Answer.
It loads the LMM itself. Earlier questions and their answers are kept here, bounded, for follow-ups.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.answer import Answer
from app.errors import AnswerError, SessionClosedError
from app.handoff import Handoff, Signal
from app.language.lmm import LMM, Question, Reply
from app.worker import StopSignal, Worker

__all__ = ["AnswerConfig", "AnswerWorker"]

_log = logging.getLogger(__name__)
_POLL_S = 0.2


@dataclass(frozen=True, kw_only=True)
class AnswerConfig:
    """What is kept and allowed around questions."""

    max_waiting: int = 8  # questions in the channel
    max_scheduled: int = 256  # questions that wait for their time in the stream
    put_timeout_s: float = 2.0  # how long asking may wait for room in the channel
    max_history: int = 6  # (question, answer) pairs told to the LMM
    max_answer_chars: int = 4000  # an answer is cut there

    def __post_init__(self) -> None:
        for name in ("max_waiting", "max_scheduled", "max_answer_chars"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if self.max_history < 0:
            raise ValueError(f"max_history must be >= 0, got {self.max_history}")
        if not 0 <= self.put_timeout_s <= 60:
            raise ValueError(f"put_timeout_s must be in 0..60, got {self.put_timeout_s}")


class AnswerWorker(Worker):
    """Owns the LMM."""

    def __init__(
        self,
        questions: Handoff[Answer],
        load_lmm: Callable[[], LMM],
        config: AnswerConfig,
        *,
        stop: StopSignal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("answer", stop)
        self.lmm_name: str | None = None
        self.last_ttft_ms: float | None = None
        self.last_tokens_per_s: float | None = None
        self.current: Answer | None = None  # the one being answered
        self._questions, self._load_lmm, self._config, self._clock = questions, load_lmm, config, clock
        self._lmm: LMM | None = None
        self._is_to_forget = threading.Event()

    def open(self) -> None:
        started_s = self._clock()
        self._lmm = self._load_lmm()
        self.lmm_name = self._lmm.name
        _log.info("%s ready after %.1f s", self.lmm_name, self._clock() - started_s)

    def step(self) -> bool:
        answer = self._questions.take(_POLL_S)
        if self._is_to_forget.is_set():
            self._forget()
        if isinstance(answer, Signal):
            return answer is Signal.NOTHING
        self.current = answer
        self._answer(answer)
        self.current = None
        return True

    def forget(self) -> None:
        """What the LMM keeps of earlier prompts goes before the next question is read. Any thread; returns at once."""
        self._is_to_forget.set()

    def close(self) -> None:
        """Leaves no one waiting: what is still queued fails with the reason."""
        self._questions.finish()
        reason = self._reason("The session was closed before this question was answered.")
        unanswered = self._questions.drain()
        if self.current is not None:
            unanswered.append(self.current)
        for answer in unanswered:
            answer.fail(reason)
        self.current = None
        lmm, self._lmm = self._lmm, None
        if lmm is not None:
            lmm.close()

    def _forget(self) -> None:
        self._is_to_forget.clear()
        forget = getattr(self._lmm, "forget", None)  # a model that keeps nothing has none
        if forget is not None:
            forget()

    def _answer(self, answer: Answer) -> None:
        if answer.is_cancelled:
            answer.complete("")
            return
        try:
            reply = self._stream(answer)
        except AnswerError as error:
            answer.fail(error)
            return
        if reply is not None or answer.is_cancelled or self._is_cut(answer):
            self._complete(answer, reply)
        elif self._stop.is_set():
            answer.fail(self._reason("The session was closed while this question was being answered."))
        else:
            answer.fail(AnswerError("The language model stopped without completing its answer. Please ask again."))

    def _stream(self, answer: Answer) -> Reply | None:
        """Feeds the answer from the LMM. None: it ended without a reply."""
        assert self._lmm is not None
        moment = answer.moment
        question = Question(text=answer.question, asked_at_s=moment.asked_at_s, history=answer.conversation.turns)
        pieces = self._lmm.stream(question, moment.snapshot, lambda: self._is_over(answer))
        for piece in pieces:
            if isinstance(piece, Reply):
                return piece
            if answer.is_cancelled or self._stop.is_set():
                break  # nothing is said after a cancel
            answer.push(piece)
            self.last_ttft_ms = answer.ttft_ms
            if self._is_cut(answer):
                _log.warning("an answer was cut at %d characters", answer.num_chars)
                break
        close = getattr(pieces, "close", None)  # a generator gives back what it holds now, not when it is collected
        if close is not None:
            close()
        return None

    def _note_speed(self, answer: Answer, num_tokens: int) -> None:
        """Over the whole answer, from the question on: what a grammar leaves no choice about costs no time, so that the
        time between two tokens says little."""
        total_ms = answer.result(0.0).total_ms
        if num_tokens and total_ms > 0:
            self.last_tokens_per_s = num_tokens / total_ms * 1e3

    def _is_over(self, answer: Answer) -> bool:
        return answer.is_cancelled or self._stop.is_set()

    def _is_cut(self, answer: Answer) -> bool:
        return answer.num_chars >= self._config.max_answer_chars

    def _reason(self, sentence: str) -> Exception:
        return self._stop.cause or SessionClosedError(sentence)

    def _complete(self, answer: Answer, reply: Reply | None) -> None:
        text = answer.text_so_far if reply is None or answer.is_cancelled else reply.text
        if reply is None:
            answer.complete(text)
        else:
            answer.complete(
                text,
                evidence=reply.evidence,
                num_prompt_tokens=reply.num_prompt_tokens,
                num_tokens=reply.num_tokens,
            )
            self._note_speed(answer, reply.num_tokens)
        if not answer.is_cancelled:
            answer.conversation.add(answer.question, text, self._config.max_history)
