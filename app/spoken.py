"""One text on its way to be heard: who asked holds a `SpokenAnswer`, the speak thread fills it.

Comes in: an Answer that is still being written (or a whole text) and a sink. Goes out: audio in the sink, and what was
heard of it. A `SpokenAnswer` that a session accepted is always completed; speech that fails is told in `problem`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # speech brings torch with it
    import numpy as np

    from app.speech import Sink, SpokenReply

__all__ = ["PieceSource", "SpokenAnswer", "SpokenResult", "WholeText"]


class PieceSource(Protocol):
    """Text that is being written; an Answer is one."""

    @property
    def is_done(self) -> bool: ...

    @property
    def is_cancelled(self) -> bool: ...

    def next_pieces(self, position: int, timeout_s: float) -> tuple[str, ...]: ...


class WholeText:
    """A text that is written already, such as an answer that is to be heard again."""

    is_done, is_cancelled = True, False

    def __init__(self, text: str) -> None:
        self._pieces = (text,)

    def next_pieces(self, position: int, timeout_s: float) -> tuple[str, ...]:
        return self._pieces[position:]


@dataclass(frozen=True, kw_only=True)
class SpokenResult:
    """What became of it at the sink."""

    seconds: float = 0.0  # of audio that the sink took
    is_whole: bool = False  # the sink took all of it
    first_audio_ms: float | None = None  # from the wish to the first block in the sink
    clause_ms: float | None = None  # of these, from the complete first clause
    voice: str | None = None
    problem: str | None = None  # why it was not spoken, or not to its end; a sentence


class SpokenAnswer:
    """`cancel()` silences it, `result()` waits until the sink has it all, `text_until()` tells what was heard."""

    def __init__(self, words: PieceSource, sink: "Sink", *, clock: Callable[[], float] = time.monotonic) -> None:
        self.words = words
        self._clock, self._asked_s = clock, clock()
        self._first_block_s: float | None = None
        self._sink = sink
        self._reply: SpokenReply | None = None
        self._result: SpokenResult | None = None
        self._cancelled = threading.Event()
        self._changed = threading.Condition()

    # For whoever listens

    def cancel(self) -> float:
        """Silences the sink at once, also after all is in it. Returns the position reached there, in seconds."""
        self._cancelled.set()
        return self._sink.cancel()

    def result(self, timeout_s: float) -> SpokenResult:
        """Raises TimeoutError while it is being spoken."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._result is not None, timeout_s):
                raise TimeoutError(f"the answer was not spoken after {timeout_s:g} s")
        assert self._result is not None
        return self._result

    def text_until(self, position_s: float) -> str:
        """The words that had been heard when a player stopped there. Exact to a word or two; final once `is_done`."""
        return "" if self._reply is None else self._reply.text_until(position_s)

    @property
    def is_done(self) -> bool:
        return self._result is not None

    @property
    def is_cancelled(self) -> bool:
        """By whoever listens, or by whoever stopped the answer itself."""
        return self._cancelled.is_set() or self.words.is_cancelled

    # For the session and its speak thread; each is a sink's part or an end

    def write(self, audio: "np.ndarray", is_cancelled: Callable[[], bool]) -> None:
        """Hands a block on, and notes when the first one arrived."""
        self._sink.write(audio, is_cancelled)
        if self._first_block_s is None:
            self._first_block_s = self._clock()

    def begin(self, reply: "SpokenReply") -> None:
        self._reply = reply

    def end(self, voice: str | None = None, problem: str | None = None) -> None:
        """Has no effect on one that has ended."""
        reply, first_s = self._reply, self._first_block_s
        clause_s = None if reply is None else reply.first_audio_s
        if self.is_cancelled:
            self.cancel()
        with self._changed:
            if self._result is None:
                self._result = SpokenResult(
                    seconds=0.0 if reply is None else reply.audio_s,
                    is_whole=reply is not None and reply.is_complete,
                    first_audio_ms=None if first_s is None else (first_s - self._asked_s) * 1e3,
                    clause_ms=None if clause_s is None else clause_s * 1e3,
                    voice=voice,
                    problem=problem,
                )
            self._changed.notify_all()
