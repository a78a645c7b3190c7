"""Where audio goes: a WAV file, or a bounded queue from which a player takes blocks at its own pace.

`write` is called by the speaking thread, `take` and `cancel` of the queue by any other.
"""

import threading
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from app.speech.audio import pcm16
from app.speech.errors import SinkError
from app.speech.mel import SAMPLE_RATE
from app.speech.speaker import never

__all__ = ["CallbackSink", "PlayerQueue", "Sink", "WavSink"]

_POLL_S = 0.02


class Sink(Protocol):
    """Takes blocks of mono float32 audio, in order."""

    def write(self, audio: np.ndarray, is_cancelled: Callable[[], bool] = never) -> None:
        """Raises SinkError when the audio cannot be handed on; returns early when cancelled."""
        ...

    def cancel(self) -> float:
        """Drops what was not handed on yet. Returns the position reached, in seconds; any thread."""
        ...

    def close(self) -> None:
        """All audio was written. May be called twice."""
        ...


class WavSink:
    """A 16-bit mono WAV file. A run that fails leaves what was written, with a valid header."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path, self._sample_rate, self._num_samples = path, sample_rate, 0
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise SinkError(f"{path} cannot be written: {_reason(error)}.") from error
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - closed in close()
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(sample_rate)

    def write(self, audio: np.ndarray, is_cancelled: Callable[[], bool] = never) -> None:
        """See Sink.write."""
        try:
            self._file.writeframes(pcm16(audio))
            self._num_samples += len(audio)
        except OSError as error:
            raise SinkError(f"{self._path} cannot be written any further: {_reason(error)}.") from error

    @property
    def position_s(self) -> float:
        """Seconds written."""
        return self._num_samples / self._sample_rate

    def cancel(self) -> float:
        """See Sink.cancel: what was written stays."""
        return self.position_s

    def close(self) -> None:
        """Completes the header."""
        try:
            self._file.close()
            self._raw.close()
        except OSError as error:
            raise SinkError(f"{self._path} could not be completed: {_reason(error)}.") from error


class CallbackSink:
    """Hands 16-bit PCM to a function, for those who have a player of their own."""

    def __init__(self, play: Callable[[bytes], None], sample_rate: int = SAMPLE_RATE) -> None:
        self._play, self._sample_rate, self._num_samples = play, sample_rate, 0

    def write(self, audio: np.ndarray, is_cancelled: Callable[[], bool] = never) -> None:
        """See Sink.write."""
        self._play(pcm16(audio))
        self._num_samples += len(audio)

    def cancel(self) -> float:
        """See Sink.cancel: the function has all of it already."""
        return self._num_samples / self._sample_rate

    def close(self) -> None:
        """Nothing to complete."""


class PlayerQueue:
    """At most max_s seconds of audio between the speaking thread and a player. `cancel` silences it at once."""

    def __init__(self, sample_rate: int = SAMPLE_RATE, max_s: float = 4.0, stall_s: float = 10.0) -> None:
        self.sample_rate = sample_rate
        self._sample_rate, self._max_samples, self._stall_s = sample_rate, round(max_s * sample_rate), stall_s
        self._blocks: deque[np.ndarray] = deque()
        self._changed = threading.Condition()
        self._waiting = self._taken = 0  # samples
        self._is_closed = self._is_cancelled = False

    @property
    def position_s(self) -> float:
        """Seconds that the player has taken."""
        with self._changed:
            return self._taken / self._sample_rate

    def write(self, audio: np.ndarray, is_cancelled: Callable[[], bool] = never) -> None:
        """Waits for room. Raises SinkError when the player takes nothing for stall_s seconds."""
        waited_s = 0.0
        with self._changed:
            taken = self._taken
            while self._waiting and self._waiting + len(audio) > self._max_samples:
                if self._is_cancelled or is_cancelled():
                    return
                self._changed.wait(_POLL_S)
                waited_s = 0.0 if self._taken != taken else waited_s + _POLL_S
                taken = self._taken
                if waited_s >= self._stall_s:
                    raise SinkError(f"The player took no audio for {self._stall_s:g} s; speaking was given up.")
            if not self._is_cancelled:
                self._blocks.append(audio)
                self._waiting += len(audio)
                self._changed.notify_all()

    def take(self, num_samples: int) -> np.ndarray:
        """Up to num_samples that are ready now; empty when there are none (silence is for the player to fill in)."""
        with self._changed:
            parts: list[np.ndarray] = []
            missing = num_samples
            while missing and self._blocks:
                block = self._blocks.popleft()
                if len(block) > missing:
                    self._blocks.appendleft(block[missing:])
                    block = block[:missing]
                parts.append(block)
                missing -= len(block)
            found = np.concatenate(parts) if parts else np.zeros(0, np.float32)
            self._waiting -= len(found)
            self._taken += len(found)
            self._changed.notify_all()
            return found

    def cancel(self) -> float:
        """Drops all that was not taken; later writes are dropped too. Returns the position reached, in seconds."""
        with self._changed:
            self._is_cancelled = True
            self._blocks.clear()
            self._waiting = 0
            self._changed.notify_all()
            return self._taken / self._sample_rate

    def close(self) -> None:
        """Nothing more will be written."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Closed or cancelled, and everything taken."""
        with self._changed:
            return (self._is_closed or self._is_cancelled) and not self._blocks


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
