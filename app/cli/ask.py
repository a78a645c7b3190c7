"""`ask`: plays a source up to a time or its end, then answers the questions in order, all about that moment.

Comes in: checked options. Goes out: answers to the Output, each flushed when it is complete, and the exit code.
The main thread; the session's threads do the work.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from app.cli.output import Output, clock_time
from app.cli.parsing import LIVE_WATCH_S, AskOptions
from app.cli.tape import Tape, open_tape
from app.errors import NothingSeenError

if TYPE_CHECKING:
    from app.config import AssistantConfig
    from app.session import Answer, AnswerResult, Session

__all__ = ["MakeSession", "ask", "config_of"]

MakeSession = Callable[["AssistantConfig"], "Session"]

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_PROGRESS_S = 1.0
_CLOSE_TIMEOUT_S = 2.0
_SAME_MOMENT_S = 0.25  # the last frame of a stream lies a little before its end


class Deadline:
    """The time-out of the whole command."""

    def __init__(self, timeout_s: float | None) -> None:
        self.timeout_s = timeout_s
        self._started_s = time.monotonic()

    def check(self, doing: str) -> None:
        """Raises TimeoutError with a sentence when the time is over."""
        if self.timeout_s is not None and time.monotonic() - self._started_s > self.timeout_s:
            raise TimeoutError(f"Gave up after --timeout {self.timeout_s:g} s, {doing}.")


def ask(options: AskOptions, output: Output, make_session: MakeSession | None = None) -> int:
    """Returns 0 when all questions are answered; raises what prevented it."""
    with open_tape(options.speak_to) as tape:
        return _ask(options, output, make_session or _make_real_session, tape)


def _ask(options: AskOptions, output: Output, make_session: MakeSession, tape: Tape | None) -> int:
    deadline = Deadline(options.timeout_s)
    session = make_session(config_of(options))
    try:
        _start(session, deadline)
        _play(session, output, deadline)
        note = _moment_note(session, options)
        if note is not None:
            output.note(note)
        for number, question in enumerate(options.questions):
            output.question(number, question, len(options.questions))
            answer = session.ask(question)
            spoken = None if tape is None else tape.speak(session, answer)
            result = _answer(answer, number, output, deadline)
            speech = None
            if tape is not None and spoken is not None:
                speech = tape.finish(spoken, lambda: deadline.check("before the answer was spoken"))
            output.answer(number, result, note or result.note, speech)
    except BaseException:
        _close(session, logging.DEBUG)  # the user is told why it ended, not what followed from that
        raise
    _close(session, logging.WARNING)
    return 0


def config_of(options: AskOptions) -> "AssistantConfig":
    """The configuration of the session that `ask` runs."""
    from app.capturing import CaptureConfig
    from app.config import AssistantConfig
    from app.perceiving import PerceiveConfig
    from app.speaking import SpeechConfig
    from vision.sources import SourceConfig

    speed = cast(Literal["realtime", "max"], options.speed)
    # More than is encoded, so that the very last frame is known; less than all, since making pictures costs time.
    max_fps = max(2 * options.fps, 4.0) if speed == "max" else None
    to = options.speak_to
    return AssistantConfig(
        source=options.source,
        speech=None if to is None else SpeechConfig(voice=to.voice, speed=to.speed, steps=to.steps),
        capture=CaptureConfig(
            reading=options.reading.applied(SourceConfig(speed=speed, max_fps=max_fps)),
            stop_at_s=options.at_s,
            max_live_s=LIVE_WATCH_S,
        ),
        perceive=PerceiveConfig(fps=options.fps),
        start_timeout_s=min(options.timeout_s or 120.0, 120.0),
        close_timeout_s=_CLOSE_TIMEOUT_S,
    )


def _make_real_session(config: "AssistantConfig") -> "Session":
    from app.session import Session

    return Session(config)


def _start(session: "Session", deadline: Deadline) -> None:
    try:
        session.start()
    except TimeoutError:
        deadline.check("while the source and the models were being opened")
        raise


def _play(session: "Session", output: Output, deadline: Deadline) -> None:
    """Waits until the stream is over and remembered."""
    told_s = time.monotonic()
    while not session.wait_until_ended(_POLL_S):
        deadline.check(f"when the source had reached {clock_time(session.status().remembered_time_s or 0.0)}")
        if time.monotonic() - told_s >= _PROGRESS_S:
            told_s = time.monotonic()
            output.progress(session.status())
    output.progress(session.status())


def _moment_note(session: "Session", options: AskOptions) -> str | None:
    """A sentence about the moment of the questions, if it is not simply the one that was asked for."""
    status = session.status()
    if status.frames_encoded == 0:
        reason = f" {status.failure}" if status.failure else ""
        raise NothingSeenError(f"The source ended before anything was seen.{reason}")
    newest_s = status.newest_time_s or 0.0
    if status.state == "source_lost":
        return f"The source was lost at {clock_time(newest_s)}; the answer is about what was seen until then."
    if options.at_s is not None and newest_s < options.at_s - _SAME_MOMENT_S and not status.is_live:
        return f"The source ended at {newest_s:.1f} s, before --at {options.at_s:g}: the answer is about its end."
    if options.at_s is None and status.is_live and newest_s >= LIVE_WATCH_S - 1.0:
        return f"A live source has no end: it was watched for {LIVE_WATCH_S:g} s; --at SECONDS sets another time."
    return None


def _answer(answer: "Answer", number: int, output: Output, deadline: Deadline) -> "AnswerResult":
    """Shows the pieces as they come."""
    position = 0
    while True:
        is_done = answer.is_done  # looked at before the pieces, so that none is missed
        pieces = answer.next_pieces(position, _POLL_S)
        position += len(pieces)
        for piece in pieces:
            output.piece(number, piece)
        if is_done and not pieces:
            return answer.result(0.0)
        if not is_done and not pieces:
            deadline.check("before the answer was complete")


def _close(session: "Session", log_level: int) -> None:
    """What was answered stays answered: a failure to close is logged, not raised."""
    try:
        session.close()
    except Exception as error:
        _log.log(log_level, "while closing: %s", error)
