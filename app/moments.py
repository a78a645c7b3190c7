"""What a person may do with single moments of a session: look at them, pin them, forget them.

Comes in: spans of stream time, from any thread. Goes out: what there is of them, pins, and receipts of what was erased.
Whatever changes memory, pictures or disk is done by the perceive thread between two frames, which owns all three; when
that thread has ended, by whoever asks.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.errors import MomentError, NothingSeenError
from app.frame_store import KeptFrame
from app.keeping import Keeper
from app.perceiving import PerceiveWorker
from app.recording.keep_status import KeptErasure

if TYPE_CHECKING:
    from memory import MemoryConfig, MemoryStats, Pin, Snapshot, StreamMemory

__all__ = ["Forgotten", "Moments"]

T = TypeVar("T")

_TIMEOUT_S = 10.0  # for the frame that is being encoded, and those errands that came before
_MAX_SPAN_S = 1e9
_SAME_FRAME_S = 1e-3


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was erased of a span, both ends included. `kept`: on the disk; None: nothing is kept there."""

    start_s: float
    end_s: float
    num_frames: int  # that the memory no longer stands for; those outside of the span too whose slot went with it
    num_slots: int
    num_traces: int
    num_spans: int  # of the ledger, deleted or cut
    num_notes: int
    num_pictures: int  # small ones, of this session
    kept: KeptErasure | None = None


class Moments:
    """Of one session; any thread. What needs the memory raises NothingSeenError before there is one."""

    def __init__(self, perceive: PerceiveWorker, keeper: Keeper | None, drop_answers: Callable[[], None]) -> None:
        """drop_answers: cancels what is being answered from an older state of the memory, and lets the LMM forget."""
        self._perceive, self._keeper, self._drop_answers = perceive, keeper, drop_answers

    # Looking

    @property
    def is_there(self) -> bool:
        """There is a memory to look at."""
        return self._perceive.memory is not None

    def snapshot(self) -> "Snapshot":
        return self._memory.snapshot()

    def memory_stats(self) -> "MemoryStats":
        return self._memory.stats()

    @property
    def memory_config(self) -> "MemoryConfig":
        return self._memory.config

    @property
    def pictures_size(self) -> tuple[int, int]:
        """How many small pictures are kept, and their bytes."""
        return len(self._perceive.frames), self._perceive.frames.num_bytes

    @property
    def has_video(self) -> bool:
        return self._keeper is not None and self._keeper.config.keeps_video

    def frames(self, start_s: float, end_s: float, max_frames: int) -> list[KeptFrame]:
        """Kept frames of a span in order of time, evenly left out beyond max_frames. Raises RecordingError."""
        found = {one.frame_id: one for one in self._perceive.frames.between(start_s, end_s)}
        if self._keeper is not None:
            found |= {one.frame_id: one for one in self._keeper.pictures_between(start_s, end_s)}
        frames = sorted(found.values(), key=lambda one: one.time_s)
        if len(frames) <= max_frames:
            return frames
        step = (len(frames) - 1) / max(max_frames - 1, 1)
        return [frames[round(place * step)] for place in range(max_frames)]

    def find(self, frame_id: int) -> KeptFrame | None:
        """That very frame; None: there is no picture of it. Raises RecordingError."""
        found = self._perceive.frames.find(frame_id)
        return found if found is not None or self._keeper is None else self._keeper.find_picture(frame_id)

    def nearest(self, time_s: float) -> KeptFrame | None:
        """The kept frame nearest to a moment; None: nothing is kept."""
        near = self._perceive.frames.nearest(time_s)
        if self._keeper is not None and (near is None or abs(near.time_s - time_s) > _SAME_FRAME_S):
            reach_s = 1.0 + self._keeper.config.picture_period_s
            around = self._keeper.pictures_between(time_s - reach_s, time_s + reach_s)
            candidates = [*around, *([near] if near is not None else [])]
            near = min(candidates, key=lambda one: abs(one.time_s - time_s), default=None)
        return near

    def clip(self, start_s: float, end_s: float) -> bytes | None:
        """An MP4 of the video that was recorded around a span; None: none is kept of it. Reads the disk: not for the
        event loop. Raises RecordingError."""
        if self._keeper is None or not self.has_video:
            return None
        from app.recording.exporting import write_clip

        with tempfile.TemporaryDirectory(prefix="afterglow-clip-") as folder:
            path = Path(folder) / "clip.mp4"
            span = write_clip(self._keeper.folder.video, start_s, end_s, path)
            return None if span is None else path.read_bytes()

    # Changing

    def pin(self, start_s: float, end_s: float, label: str) -> "Pin":
        """Keeps a span. Raises MomentError with a sentence."""
        span = _checked(start_s, end_s)

        def pin() -> "Pin":
            made = self._memory.pin(*span, label)
            if self._keeper is not None:
                self._keeper.pin(*span, label)
            return made

        return self._do(pin)

    def unpin(self, start_s: float, end_s: float) -> int:
        """Takes off every pin that touches the span; how many. Raises MomentError."""
        span = _checked(start_s, end_s)

        def unpin() -> int:
            num_removed = self._memory.unpin(*span)
            if self._keeper is not None:
                self._keeper.unpin(*span)
            return num_removed

        return self._do(unpin)

    def forget(self, start_s: float, end_s: float) -> Forgotten:
        """Erases a span from memory, pictures and disk; frames of it that are still on their way are not let in.

        What is being answered at this moment is cancelled: it was read from an older state. Raises MomentError,
        RecordingError.
        """
        span = _checked(start_s, end_s)
        forgotten = self._do(lambda: self._forget(*span))
        self._drop_answers()
        return forgotten

    def _forget(self, start_s: float, end_s: float) -> Forgotten:
        receipt = self._memory.forget(start_s, end_s)
        num_pictures = self._perceive.forget_frames(start_s, end_s)
        return Forgotten(
            start_s=start_s,
            end_s=end_s,
            num_frames=receipt.frames_forgotten,
            num_slots=receipt.num_slots,
            num_traces=receipt.num_traces,
            num_spans=receipt.num_spans,
            num_notes=receipt.num_notes,
            num_pictures=num_pictures,
            kept=None if self._keeper is None else self._keeper.forget(start_s, end_s),
        )

    def _do(self, function: Callable[[], T]) -> T:
        """As an errand, with the memory's own refusals as sentences."""
        from memory import StreamMemoryError
        from memory.archive import ArchiveError

        if self._perceive.memory is None:
            raise NothingSeenError("Nothing has been seen yet.")
        try:
            return self._perceive.errands.do(function, _TIMEOUT_S)
        except (StreamMemoryError, ArchiveError) as error:
            text = str(error)
            raise MomentError(f"{text[:1].upper()}{text[1:]}.") from error

    @property
    def _memory(self) -> "StreamMemory":
        memory = self._perceive.memory
        if memory is None:
            raise NothingSeenError("Nothing has been seen yet.")
        return memory


def _checked(start_s: float, end_s: float) -> tuple[float, float]:
    """Raises MomentError for what is no span of stream time."""
    is_span = all(isinstance(one, int | float) and math.isfinite(one) for one in (start_s, end_s))
    if not is_span or not 0 <= start_s <= end_s <= _MAX_SPAN_S:
        raise MomentError(f"A moment goes from an earlier to a later time, got {start_s!r} to {end_s!r}.")
    return float(start_s), float(end_s)
