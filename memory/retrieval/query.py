"""What is asked of the archive, as numbers, and what comes back. Frozen; any thread."""

import math
from dataclasses import dataclass

from numpy.typing import NDArray

__all__ = ["Query", "RetrievedFrame", "RetrieverConfig"]


@dataclass(frozen=True, kw_only=True)
class RetrieverConfig:
    """How frames are chosen."""

    duplicate_similarity: float = 0.97  # a frame as near as this (cosine) to one that is already there adds nothing
    num_stretches: int = 16  # equal parts of the stream that each propose frames
    balance: float = 0.05  # how much score each frame already chosen from a stretch costs the next one from it
    near_s: float = 5.0  # how far around a point of time content is searched
    min_similarity: float = 0.2  # a key less alike than this is no answer
    min_evidence: float = 0.25  # nor is a channel that shows less

    def __post_init__(self) -> None:
        for name, low, high in (
            ("duplicate_similarity", 0.0, 2.0),
            ("num_stretches", 1, 256),
            ("balance", 0.0, 1.0),
            ("near_s", 0.0, 3600.0),
            ("min_similarity", 0.0, 1.0),
            ("min_evidence", 0.0, 100.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be in {low}..{high}, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """All parts may be left out: without any, the answer is an overview, closer together towards the present.

    key: [key_dim], what frames should look like. channels: evidence that should be seen, the more the better.
    times: intervals (start_s, end_s) of stream time; a point has start_s == end_s.
    """

    key: NDArray | None = None
    channels: tuple[int, ...] = ()
    times: tuple[tuple[float, float], ...] = ()
    skip_recent: bool = True  # leave out what the snapshot's last frames show already

    def __post_init__(self) -> None:
        for start_s, end_s in self.times:
            if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s <= end_s):
                raise ValueError(f"times must be finite intervals, the start first, got ({start_s}, {end_s})")

    @property
    def has_content(self) -> bool:
        return self.key is not None or bool(self.channels)


@dataclass(frozen=True, kw_only=True)
class RetrievedFrame:
    """One frame worth looking at again; its picture: `ArchiveReader.get(frame_id)`."""

    frame_id: int
    time_s: float
    wall_time_s: float
    score: float  # by content; 0.0 for the others
    reason: str  # "content", "time" or "overview"
