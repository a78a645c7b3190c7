"""The speak thread: turns answers into audio while they are being written, one after the other.

Comes in: SpokenAnswers, through a bounded channel. Goes out: blocks of audio, into the sink of each. It opens the voice
itself, when the first one comes. A voice that fails ends what it was speaking, never the session: the answer stays
written, and the status tells why it was not heard.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import SessionClosedError, TooManyQuestionsError
from app.handoff import Handoff, Signal
from app.spoken import SpokenAnswer
from app.status import SpeechStatus
from app.torch_threads import compute_alone
from app.worker import StopSignal, Worker

if TYPE_CHECKING:
    import numpy as np

    from app.speech import Speaker

__all__ = ["SpeakWorker", "SpeechConfig"]

_log = logging.getLogger(__name__)
_POLL_S = 0.2
_PIECE_S = 0.05  # how often a cancel is looked for while the answer is thought about


@dataclass(frozen=True, kw_only=True)
class SpeechConfig:
    """How answers are spoken. voice: default, hibari, flashspeech, or a recording to speak like."""

    voice: str = "default"
    speed: float = 1.0
    steps: int = 1
    seed: int = 0
    max_waiting: int = 8  # spoken answers in the channel
    queue_s: float = 30.0  # seconds of audio between the speak thread and a player
    stall_s: float = 10.0  # a player that takes nothing for so long is given up

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.0:
            raise ValueError(f"speed must be in 0.5..2, got {self.speed}")
        if self.steps not in (1, 2):
            raise ValueError(f"steps must be 1 or 2, got {self.steps}")
        if self.max_waiting < 1:
            raise ValueError(f"max_waiting must be >= 1, got {self.max_waiting}")
        for name in ("queue_s", "stall_s"):
            if not 0.5 <= getattr(self, name) <= 600:
                raise ValueError(f"{name} must be in 0.5..600, got {getattr(self, name)}")


class SpeakWorker(Worker):
    """Owns the voice."""

    def __init__(
        self,
        config: SpeechConfig,
        open_voice: "Callable[[str], Speaker]",
        *,
        stop: StopSignal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """open_voice: opens a voice by its name; called by this thread."""
        super().__init__("speak", stop)
        self._config, self._open_voice, self._clock = config, open_voice, clock
        self._channel: Handoff[SpokenAnswer] = Handoff(config.max_waiting)
        self._current: SpokenAnswer | None = None
        self._speaker: Speaker | None = None
        self._problem: str | None = None
        self._is_wanted = self._is_opening = False
        self._last_first_audio_ms: float | None = None

    # Any thread

    def put(self, spoken: SpokenAnswer) -> None:
        """Speaks it in its turn; never waits. Raises TooManyQuestionsError, or SessionClosedError."""
        if self._channel.put(spoken, 0.0):
            return
        if self._stop.is_set():
            raise self._stop.cause or SessionClosedError("The session was closed; nothing is spoken any more.")
        raise TooManyQuestionsError(f"{self._config.max_waiting} answers wait to be spoken already.")

    def prepare(self) -> None:
        """Opens the voice soon, so that the first answer need not wait for it."""
        self._is_wanted = True

    def abandon(self, reason: str) -> None:
        """No one may wait for what will not be spoken. May be called twice, from any thread."""
        self._channel.finish()
        current = self._current
        for spoken in ([] if current is None else [current]) + self._channel.drain():
            spoken.end(problem=reason)

    @property
    def status(self) -> SpeechStatus:
        speaker, current = self._speaker, self._current
        return SpeechStatus(
            voice=None if speaker is None else speaker.name,
            is_opening=self._is_opening,
            is_speaking=current is not None and not current.is_cancelled,
            waiting=len(self._channel),
            last_first_audio_ms=self._last_first_audio_ms,
            problem=self._problem,
        )

    # The speak thread

    def step(self) -> bool:
        spoken = self._channel.take(_POLL_S)
        if spoken is Signal.NOTHING and self._is_wanted and self._problem is None:
            self._require_voice()
        if isinstance(spoken, Signal):
            return spoken is Signal.NOTHING
        self._current = spoken
        self._speak(spoken)
        self._current = None
        return True

    def close(self) -> None:
        self.abandon("The session was closed before this answer was spoken.")
        self._current = None
        self._drop_voice()

    def _speak(self, spoken: SpokenAnswer) -> None:
        """Whatever becomes of it, it is ended, and the next one can be spoken."""
        if spoken.is_cancelled:
            spoken.end()
            return
        speaker = self._require_voice()
        if speaker is None:
            spoken.end(problem=self._problem)
            return
        problem = self._problem_of(spoken, speaker)
        if problem is None and self._stop.is_set():
            problem = "The session was closed while this answer was being spoken."
        spoken.end(voice=speaker.name, problem=problem)
        self._last_first_audio_ms = spoken.result(0.0).first_audio_ms

    def _problem_of(self, spoken: SpokenAnswer, speaker: "Speaker") -> str | None:
        """Speaks it; why it was not spoken to its end, or None."""
        from app.speech import SinkError, SpeakOptions, SpeechTextError, SpokenReply, speak

        options = SpeakOptions(speed=self._config.speed, steps=self._config.steps, seed=self._config.seed)
        reply = SpokenReply()
        spoken.begin(reply)
        try:
            speak(speaker, self._pieces(spoken), _Handing(spoken), options, lambda: self._is_over(spoken), reply)
        except SpeechTextError as error:  # no words in it; an answer that failed has none
            return str(error)
        except SinkError as error:  # this listener's own trouble
            _log.warning("an answer was not spoken to its end: %s", error)
            return str(error)
        except Exception as error:  # the voice must not take the session with it; it is opened anew for the next answer
            self._fail_voice(error)
            return self._problem
        return None

    def _pieces(self, spoken: SpokenAnswer) -> Iterator[str]:
        """The text as it comes; ends early when nobody wants to hear it."""
        position = 0
        while not self._is_over(spoken):
            is_done = spoken.words.is_done  # looked at before the pieces, so that none is missed
            pieces = spoken.words.next_pieces(position, _PIECE_S)
            position += len(pieces)
            yield from pieces
            if is_done and not pieces:
                return

    def _is_over(self, spoken: SpokenAnswer) -> bool:
        return spoken.is_cancelled or self._stop.is_set()

    def _require_voice(self) -> "Speaker | None":
        """The voice, opened. None: it could not be, and `problem` says why."""
        if self._speaker is None:
            started_s, self._is_opening = self._clock(), True
            try:
                compute_alone()  # else the answer's next token waits for this thread's helpers
                self._speaker = self._open_voice(self._config.voice)
                self._problem = None
                _log.info("voice %s ready after %.1f s", self._speaker.name, self._clock() - started_s)
            except Exception as error:  # as above: the session goes on without a voice
                self._fail_voice(error)
            self._is_opening = False
        return self._speaker

    def _fail_voice(self, error: Exception) -> None:
        from app.speech import SpeechError

        sentence = " ".join(str(error).split())
        if not (isinstance(error, SpeechError) and sentence):
            sentence = f"The voice failed ({type(error).__name__}); answers are written only."
        _log.warning("speech: %s", sentence, exc_info=not isinstance(error, SpeechError))
        self._problem = sentence
        self._drop_voice()

    def _drop_voice(self) -> None:
        speaker, self._speaker = self._speaker, None
        close = getattr(speaker, "close", None)
        if close is not None:
            close()


class _Handing:
    """The sink of one spoken answer, as the clauses see it."""

    def __init__(self, spoken: SpokenAnswer) -> None:
        self._spoken = spoken

    def write(self, audio: "np.ndarray", is_cancelled: Callable[[], bool] = lambda: False) -> None:
        self._spoken.write(audio, is_cancelled)

    def cancel(self) -> float:
        return self._spoken.cancel()

    def close(self) -> None:
        """Its owner closes the real one."""
