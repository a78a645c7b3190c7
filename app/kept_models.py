"""Models that outlive a session, so that choosing another source does not load them again.

Comes in: the functions that load them. Goes out: the encoder, the LMM and a voice, lent to one session at
a time, whose threads use them and give them back when they close.
"""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from app import loading
from app.encoder import Encoded, Encoder, Layout
from app.language.lmm import LMM, Question, Reply

if TYPE_CHECKING:
    from app.speech import Speaker, SpeakOptions
    from memory import Snapshot

__all__ = ["KeptModels"]

T = TypeVar("T")


class KeptModels:
    """`Session(config, encoder=models.encoder, lmm=models.lmm)`. Two sessions at once get two copies; one is kept."""

    def __init__(
        self,
        load_encoder: Callable[[], Encoder] = loading.load_encoder,
        load_lmm: Callable[[], LMM] = loading.load_lmm,
        load_speaker: "Callable[[str], Speaker]" = loading.load_speaker,
    ) -> None:
        self._encoders: _Shelf[Encoder] = _Shelf(load_encoder)
        self._lmms: _Shelf[LMM] = _Shelf(load_lmm)
        self._load_speaker = load_speaker
        self._speakers: dict[str, _Shelf[Speaker]] = {}  # by the name of the voice

    def encoder(self) -> Encoder:
        """Called by the perceive thread of a session."""
        return _LentEncoder(self._encoders.take(), self._encoders)

    def lmm(self) -> LMM:
        """Called by the answer thread of a session."""
        return _LentLMM(self._lmms.take(), self._lmms)

    def speaker(self, voice: str) -> "Speaker":
        """Called by the speak thread of a session. Raises what opening the voice raises."""
        shelf = self._speakers.setdefault(voice, _Shelf(lambda: self._load_speaker(voice)))
        return _LentSpeaker(shelf.take(), shelf)

    def close(self) -> None:
        """Closes what is kept; what is lent is closed when it comes back. May be called twice."""
        self._encoders.close()
        self._lmms.close()
        for shelf in self._speakers.values():
            shelf.close()


class _Shelf(Generic[T]):
    """Keeps at most one unused part."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._kept: list[T] = []
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self) -> T:
        with self._lock:
            if self._kept:
                return self._kept.pop()
        return self._load()

    def give_back(self, part: T) -> None:
        with self._lock:
            if not self._is_closed and not self._kept:
                self._kept.append(part)
                return
        _close(part)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            parts, self._kept = self._kept, []
        for part in parts:
            _close(part)


class _LentEncoder:
    def __init__(self, encoder: Encoder, shelf: _Shelf[Encoder]) -> None:
        self._encoder: Encoder | None = encoder
        self._shelf = shelf
        self.layout: Layout = encoder.layout
        reset = getattr(encoder, "reset", None)  # another stream: its first frame has none before it
        if reset is not None:
            reset()

    def encode(self, image: np.ndarray) -> Encoded:
        assert self._encoder is not None
        return self._encoder.encode(image)

    def close(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            self._shelf.give_back(encoder)


class _LentLMM:
    def __init__(self, lmm: LMM, shelf: _Shelf[LMM]) -> None:
        self._lmm: LMM | None = lmm
        self._shelf = shelf
        self.name = lmm.name

    def stream(
        self, question: Question, snapshot: "Snapshot", is_cancelled: Callable[[], bool]
    ) -> Iterator[str | Reply]:
        assert self._lmm is not None
        return self._lmm.stream(question, snapshot, is_cancelled)

    def forget(self) -> None:
        forget = getattr(self._lmm, "forget", None)
        if forget is not None:
            forget()

    def close(self) -> None:
        lmm, self._lmm = self._lmm, None
        if lmm is not None:
            self._shelf.give_back(lmm)


class _LentSpeaker:
    def __init__(self, speaker: "Speaker", shelf: "_Shelf[Speaker]") -> None:
        self._speaker: Speaker | None = speaker
        self._shelf = shelf
        self.name, self.sample_rate = speaker.name, speaker.sample_rate

    def synthesise(
        self, text: str, options: "SpeakOptions", is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[np.ndarray]:
        assert self._speaker is not None
        return self._speaker.synthesise(text, options, is_cancelled)

    def close(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker is not None:
            self._shelf.give_back(speaker)


def _close(part: object) -> None:
    close = getattr(part, "close", None)
    if close is not None:
        close()
