"""Models that outlive a session, so that choosing another source does not load them again.

Comes in: the functions that load them. Goes out: the encoder and the LMM, lent to one session at a time, whose threads
use them and give them back when they close.
"""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from app import loading
from app.encoder import Encoded, Encoder, Layout
from app.language.lmm import LMM, Question, Reply

if TYPE_CHECKING:
    from memory import Snapshot

__all__ = ["KeptModels"]

T = TypeVar("T")


class KeptModels:
    """`Session(config, encoder=models.encoder, lmm=models.lmm)`. Two sessions at once get two copies; one is kept."""

    def __init__(
        self,
        load_encoder: Callable[[], Encoder] = loading.load_encoder,
        load_lmm: Callable[[], LMM] = loading.load_lmm,
    ) -> None:
        self._encoders: _Shelf[Encoder] = _Shelf(load_encoder)
        self._lmms: _Shelf[LMM] = _Shelf(load_lmm)

    def encoder(self) -> Encoder:
        """Called by the perceive thread of a session."""
        return _LentEncoder(self._encoders.take(), self._encoders)

    def lmm(self) -> LMM:
        """Called by the answer thread of a session."""
        return _LentLMM(self._lmms.take(), self._lmms)

    def close(self) -> None:
        """Closes what is kept; what is lent is closed when it comes back. May be called twice."""
        self._encoders.close()
        self._lmms.close()


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


def _close(part: object) -> None:
    close = getattr(part, "close", None)
    if close is not None:
        close()
