"""Where questions are put: at once, or for a time that the stream has yet to reach.

Comes in: clean questions, from any thread. Goes out: Answers with their moment, through one bounded channel, to the
answer thread. The perceive thread takes the moment of a scheduled question, right before the first frame past its time.
"""

import math
import time
from collections.abc import Callable

from app.answer import Answer, Conversation, Moment
from app.answering import AnswerConfig
from app.errors import NothingSeenError, QuestionError, SessionClosedError, TooManyQuestionsError
from app.handoff import Handoff
from app.schedule import Schedule
from app.worker import StopSignal

__all__ = ["QuestionDesk"]

_POLL_S = 0.1
_SAME_MOMENT_S = 0.25  # the last frame of a stream lies a little before its end


class QuestionDesk:
    """Owns the channel of questions and the schedule; both bounded."""

    def __init__(
        self,
        config: AnswerConfig,
        take_moment: Callable[[str | None], Moment],
        *,
        stop: StopSignal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """take_moment: one snapshot and a note for the answer; raises NothingSeenError before the first frame."""
        self.channel: Handoff[Answer] = Handoff(config.max_waiting)
        self._config, self._take_moment, self._stop, self._clock = config, take_moment, stop, clock
        self._schedule = Schedule(config.max_scheduled)

    @property
    def num_waiting(self) -> int:
        return len(self.channel) + len(self._schedule)

    def ask(self, question: str, conversation: Conversation) -> Answer:
        """Asks about the present moment. Waits a little for room in the channel."""
        answer = Answer(question, moment=self._take_moment(None), conversation=conversation, clock=self._clock)
        self._put(answer)
        return answer

    def ask_at(self, question: str, conversation: Conversation, at_s: float, newest_s: float | None) -> Answer:
        """Asks when the stream passes `at_s`. newest_s: what it has reached; None: nothing yet."""
        if not (math.isfinite(at_s) and at_s >= 0):
            raise QuestionError(f"The time of a question must be a number of seconds >= 0, got {at_s}.")
        if newest_s is not None and newest_s > at_s:
            raise QuestionError(
                f"The stream is past {at_s:g} s already, and the memory does not go back: "
                "ask now, and name the time in the question."
            )
        answer = Answer(question, conversation=conversation, clock=self._clock)
        if not self._schedule.add(at_s, answer):
            if self._schedule.is_full:
                raise TooManyQuestionsError(f"{self._config.max_scheduled} questions wait for their time already.")
            self._ask_after_end(answer, at_s)
        return answer

    def ask_due(self, time_s: float, *, can_wait: bool) -> None:
        """What was to be asked before the frame at `time_s`. can_wait: the stream may stand still for room."""
        for answer in self._schedule.due_before(time_s):
            self._ask_scheduled(answer, None, can_wait)

    def ask_left_over(self) -> None:
        """The stream is over: what still waits for its time is asked at the end."""
        for at_s, answer in self._schedule.finish():
            try:
                note = _early_end_note(self._take_moment(None).asked_at_s, at_s)
            except NothingSeenError as error:
                answer.fail(error)
                continue
            self._ask_scheduled(answer, note, can_wait=True)

    def close(self) -> None:
        """No one may wait for an answer that will not come. May be called twice, from any thread."""
        self.channel.finish()
        for answer in [answer for _, answer in self._schedule.finish()] + self.channel.drain():
            answer.fail(self._reason())

    def _put(self, answer: Answer) -> None:
        if not self.channel.put(answer, self._config.put_timeout_s):
            if self._stop.is_set():
                raise self._reason()
            raise TooManyQuestionsError(
                f"{self._config.max_waiting} questions are waiting already; ask again when one is answered."
            )

    def _ask_after_end(self, answer: Answer, at_s: float) -> None:
        if self._stop.is_set():
            raise self._reason()
        moment = self._take_moment(None)
        answer.set_moment(self._take_moment(_early_end_note(moment.asked_at_s, at_s)))
        self._put(answer)

    def _ask_scheduled(self, answer: Answer, note: str | None, can_wait: bool) -> None:
        try:
            answer.set_moment(self._take_moment(note))
        except NothingSeenError as error:
            answer.fail(error)
            return
        while not self.channel.put(answer, _POLL_S if can_wait else 0.0):
            if self._stop.is_set():
                answer.fail(self._reason())
                return
            if not can_wait:
                answer.fail(TooManyQuestionsError("Too many questions were waiting at that time."))
                return

    def _reason(self) -> Exception:
        return self._stop.cause or SessionClosedError("The session was closed before this question was answered.")


def _early_end_note(ended_at_s: float, at_s: float) -> str | None:
    """A sentence if the stream ended well before the time of the question."""
    if at_s - ended_at_s <= _SAME_MOMENT_S:
        return None
    return f"The stream ended at {ended_at_s:.1f} s, before {at_s:g} s: this is the answer at its end."
