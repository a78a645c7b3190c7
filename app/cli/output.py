"""How `ask` shows what it does: text for people, or one JSON object a line for programs.

Comes in: progress, pieces of an answer, answers, notes, errors. Goes out: results on stdout, flushed at once, and all
else on stderr. The main thread.
"""

import contextlib
import io
import json
import os
from typing import Any, TextIO

from app.answer import AnswerResult
from app.answer_fields import answer_fields, frame_fields, rounded
from app.status import SessionStatus

__all__ = ["JsonOutput", "Output", "TextOutput", "make_output", "spoken_line"]


def make_output(stdout: TextIO, stderr: TextIO, *, is_json: bool) -> "Output":
    """What a terminal cannot show is replaced, so that it cannot end the command."""
    for stream in (stdout, stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return JsonOutput(stdout, stderr) if is_json else TextOutput(stdout, stderr)


class Output:
    """The shared part. Raises BrokenPipeError when whoever reads stdout has gone."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout, self._stderr = stdout, stderr

    def progress(self, status: SessionStatus) -> None:
        """How far the stream is; called about once a second."""

    def note(self, sentence: str) -> None:
        """Something the user should know; goes beside the results."""
        self._tell(sentence)

    def question(self, number: int, question: str, count: int) -> None:
        """One of `count` questions is being asked now; numbers start at 0."""

    def piece(self, number: int, text: str) -> None:
        """A piece of an answer."""

    def answer(self, number: int, result: AnswerResult, note: str | None, speech: dict[str, Any] | None = None) -> None:
        """A complete answer; `speech`: what became of it as sound."""

    def result(self, fields: dict[str, Any], text: str) -> None:
        """A result of another kind: `fields` for programs, lines of `text` for people."""
        self._write(f"{text}\n")

    def error(self, sentence: str, exit_code: int) -> None:
        """The command ends here."""
        self._tell(sentence)

    def abandon(self) -> None:
        """Nobody reads stdout any more: what Python would still flush at its end goes nowhere."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stdout.fileno())
            os.close(nowhere)

    def _write(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()

    def _tell(self, sentence: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._stderr.write(f"{sentence}\n")
            self._stderr.flush()


class JsonOutput(Output):
    """Objects of type status, token, answer and error."""

    def progress(self, status: SessionStatus) -> None:
        self._object(
            {
                "type": "status",
                "state": status.state,
                "time_s": rounded(status.remembered_time_s),
                "frames": frame_fields(status.frames),
            }
        )

    def piece(self, number: int, text: str) -> None:
        self._object({"type": "token", "question_index": number, "text": text})

    def answer(self, number: int, result: AnswerResult, note: str | None, speech: dict[str, Any] | None = None) -> None:
        fields = answer_fields(result, note)
        self._object(fields if speech is None else {**fields, "speech": speech})

    def result(self, fields: dict[str, Any], text: str) -> None:
        self._object(fields)

    def error(self, sentence: str, exit_code: int) -> None:
        super().error(sentence, exit_code)
        self._object({"type": "error", "exit_code": exit_code, "message": sentence})

    def _object(self, fields: dict[str, Any]) -> None:
        self._write(json.dumps(fields) + "\n")


class TextOutput(Output):
    """The answer as it comes, then a line with its evidence; the progress on one line of the terminal."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._is_line_open = False  # an answer has begun and its line is not ended
        self._has_progress = False

    def progress(self, status: SessionStatus) -> None:
        if self._stderr.isatty():
            self._has_progress = True
            self._stderr.write(f"\r\x1b[KWatching {clock_time(status.remembered_time_s or 0.0)}")
            self._stderr.flush()

    def question(self, number: int, question: str, count: int) -> None:
        self._clear_progress()
        if count > 1:
            gap = "\n" if number else ""
            self._write(f"{gap}{question}\n")

    def piece(self, number: int, text: str) -> None:
        self._is_line_open = True
        self._write(text)

    def answer(self, number: int, result: AnswerResult, note: str | None, speech: dict[str, Any] | None = None) -> None:
        end = "\n" if self._is_line_open else f"{result.text}\n"
        self._is_line_open = False
        self._write(f"{end}{evidence_line(result)}\n")
        if speech is not None:
            self.note(spoken_line(speech))

    def note(self, sentence: str) -> None:
        self._clear_progress()
        super().note(sentence)

    def error(self, sentence: str, exit_code: int) -> None:
        self._clear_progress()
        if self._is_line_open:  # what was said of an answer stays readable
            self._is_line_open = False
            self._write("\n")
        super().error(sentence, exit_code)

    def _clear_progress(self) -> None:
        if self._has_progress:
            self._has_progress = False
            self._stderr.write("\r\x1b[K")
            self._stderr.flush()


def evidence_line(result: AnswerResult) -> str:
    """Such as: Seen at 0:12-0:15 (frame 372); newest frame 0:41"""
    newest = f"newest frame {clock_time(result.asked_at_s)}"
    if not result.evidence:
        return f"No single moment to show; {newest}"
    spans = [f"{_span(one.start_s, one.end_s)} (frame {one.frame_id})" for one in result.evidence]
    return f"Seen at {', '.join(spans)}; {newest}"


def spoken_line(speech: dict[str, Any]) -> str:
    """Such as: Spoken into answers.wav: 2.4 s from 0.0 s on, by the voice hibari."""
    if "problem" in speech:
        return f"The answer was not spoken to its end: {speech['problem']}"
    return (
        f"Spoken into {speech['file']}: {speech['seconds']:.1f} s from {speech['start_s']:.1f} s on, by the voice "
        + (f"{speech['voice']}.")
    )


def clock_time(time_s: float) -> str:
    """Such as 0:41 or 1:02:03; whole seconds, as a player shows them."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _span(start_s: float, end_s: float) -> str:
    start, end = clock_time(start_s), clock_time(end_s)
    return start if start == end else f"{start}-{end}"
