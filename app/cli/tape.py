"""The WAV file into which a command speaks its answers, one after the other.

Comes in: answers of a session, or whole texts. Goes out: one file, and for each answer what became of it. The main
thread owns the file; while a session's speak thread writes into it, the main thread waits.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from app.answer_fields import rounded
from app.cli.speech_options import SpeakTo
from app.errors import SpeechFileError

if TYPE_CHECKING:
    from app.answer import Answer
    from app.session import Session
    from app.speech import Speaker, WavSink
    from app.spoken import SpokenAnswer

__all__ = ["Tape", "open_tape"]

_POLL_S = 0.1
_PAUSE_S = 0.6  # between two answers


@contextlib.contextmanager
def open_tape(speak_to: SpeakTo | None) -> "Iterator[Tape | None]":
    """Raises SpeechFileError at once when the file cannot be written; what was spoken stays when the command fails."""
    if speak_to is None:
        yield None
        return
    path = speak_to.path
    try:
        path.open("wb").close()  # before anything that takes long
    except OSError as error:
        raise SpeechFileError(f"{path} cannot be written: {error.strerror or error}.") from error
    tape = Tape(speak_to)
    try:
        yield tape
    finally:
        tape.close()
        if not tape.has_sound:
            path.unlink(missing_ok=True)


class Tape:
    """Made when the first answer is spoken."""

    def __init__(self, speak_to: SpeakTo) -> None:
        self._speak_to = speak_to
        self._sink: WavSink | None = None
        self._voice: Speaker | None = None
        self._start_s = 0.0

    @property
    def has_sound(self) -> bool:
        return self._sink is not None and self._sink.position_s > 0

    def speak(self, session: "Session", answer: "Answer") -> "SpokenAnswer":
        """Begins to speak an answer that is being written; `finish` must follow before the next."""
        return session.speak(answer, self._next())

    def finish(self, spoken: "SpokenAnswer", check: Callable[[], None]) -> dict[str, Any]:
        """Waits until it is spoken; `check` may raise meanwhile. The `speech` fields of its answer."""
        while True:
            with contextlib.suppress(TimeoutError):
                result = spoken.result(_POLL_S)
                break
            check()
        fields: dict[str, Any] = {
            "file": str(self._speak_to.path),
            "start_s": rounded(self._start_s),
            "seconds": rounded(result.seconds),
            "first_audio_ms": rounded(result.first_audio_ms, 1),
            "voice": result.voice,
        }
        return fields if result.problem is None else {**fields, "problem": result.problem}

    def speak_text(self, text: str) -> dict[str, Any]:
        """Speaks a whole answer, in this thread. The same fields; first_audio_ms counts from the whole answer."""
        from app.speech import SpeakOptions, SpeechError, SpokenReply, open_voice, speak

        sink, reply, problem = self._next(), SpokenReply(), {}
        options = SpeakOptions(speed=self._speak_to.speed, steps=self._speak_to.steps)
        try:
            self._voice = self._voice or open_voice(self._speak_to.voice)
            speak(self._voice, [text], sink, options, reply=reply)
        except SpeechError as error:  # the answer stays written
            problem = {"problem": str(error)}
        return {
            "file": str(self._speak_to.path),
            "start_s": rounded(self._start_s),
            "seconds": rounded(reply.audio_s),
            "first_audio_ms": None if reply.first_audio_s is None else rounded(reply.first_audio_s * 1e3, 1),
            "voice": None if self._voice is None else self._voice.name,
            **problem,
        }

    def close(self) -> None:
        """Completes the file. May be called twice."""
        if self._sink is not None:
            self._sink.close()

    def _next(self) -> "WavSink":
        """The file, at the place where the next answer begins."""
        import numpy as np

        from app.speech import SAMPLE_RATE, WavSink

        if self._sink is None:
            self._sink = WavSink(self._speak_to.path, SAMPLE_RATE)
        elif self._sink.position_s > 0:
            self._sink.write(np.zeros(round(_PAUSE_S * SAMPLE_RATE), np.float32))
        self._start_s = self._sink.position_s
        return self._sink
