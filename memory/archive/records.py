"""What the archive tells its callers: frames, hits, events, pins, receipts and sizes. Frozen; any thread."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.gaps import GAP_KINDS as MEMORY_GAP_KINDS

__all__ = [
    "GAP_KINDS",
    "ArchiveStats",
    "Event",
    "FrameRow",
    "Hit",
    "PinnedInterval",
    "Receipt",
    "Recovery",
    "StoredFrame",
]

# Rows that tell of what was not seen or is no longer there. They show no content: forget() leaves them in place.
GAP_KINDS = (*MEMORY_GAP_KINDS, "lost", "damaged")


@dataclass(frozen=True, kw_only=True)
class FrameRow:
    """Which frame is kept, and when it was seen."""

    frame_id: int
    time_s: float  # stream time
    wall_time_s: float  # epoch seconds


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredFrame(FrameRow):
    """One kept frame, as it was put."""

    jpeg: bytes
    key: NDArray[np.float32]  # [key_dim], L2-normalised, rounded to float16
    evidence: NDArray[np.float32]  # [evidence_dim], rounded to float16


@dataclass(frozen=True, kw_only=True, eq=False)
class Hit(FrameRow):
    """One frame that a search found; the score is exact, the higher the better."""

    score: float
    key: NDArray[np.float32]  # [key_dim]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that is known about an interval: a gap (a kind of GAP_KINDS), or a text (any other kind)."""

    kind: str
    start_s: float
    end_s: float
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class PinnedInterval:
    """Frames from start_s to end_s, both included, are exempt from eviction."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What forget() erased. `is_complete` is False while a reader still holds old pages: sync() and close() go on."""

    start_s: float
    end_s: float
    num_frames: int
    num_bytes: int  # of frames and vectors
    num_texts: int
    num_pins: int
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What opening found after an end without close(). All zero after a clean end."""

    truncated_bytes: int = 0  # written and never entered into the index: the torn end of the last segment
    num_lost: int = 0  # frames of the index whose bytes are gone or spoilt
    num_orphans: int = 0  # files that belong to no segment


@dataclass(frozen=True, kw_only=True)
class ArchiveStats:
    """The size of the archive, and how it fares."""

    num_frames: int
    num_bytes: int  # files of frames and vectors, and the index
    first_s: float | None
    last_s: float | None
    last_frame_id: int | None
    num_dropped: int = 0  # frames that could not be kept since it was opened
    problem: str | None = None  # why the last frame could not be kept; None: all is well
    recovery: Recovery = Recovery()
