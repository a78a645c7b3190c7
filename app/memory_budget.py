"""What a budget of bytes keeps of a stream: the sizes of the memory's tiers, and how coarse time becomes in it.

Comes in: a budget and a memory's configuration, whose shape stays. Goes out: a configuration within the budget, and a
preview of it in numbers that a person understands. Pure; any thread.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.frame_store import FrameStoreConfig

if TYPE_CHECKING:  # the memory brings torch with it
    from memory import MemoryConfig

__all__ = ["MAX_SLOTS", "MIN_SLOTS", "BudgetPreview", "Coarseness", "budget_range", "memory_within", "preview"]

MIN_SLOTS, MAX_SLOTS = 12, 512
_SLOTS_PER_FRAME = 6  # one frame whole for so many event slots
_MIN_FRAMES, _MAX_FRAMES = 4, 64
_SLOTS_PER_PINNED = 4
_TRACES_PER_SLOT = 16 / 3  # 256 beside the 48 slots of the default
_MIN_TRACES, _MAX_TRACES = 64, 640
_HOURS = (1.0, 8.0, 24.0)


@dataclass(frozen=True, kw_only=True)
class Coarseness:
    """After so many hours of a stream that keeps changing."""

    hours: float
    slot_s: float  # seconds that one event slot stands for, on average; short events keep slots of their own longer
    trace_s: float | None  # the same of a trace; None: there are none
    picture_s: float  # seconds from one small picture to the next, on average


@dataclass(frozen=True, kw_only=True)
class BudgetPreview:
    """What a memory of this configuration holds at most."""

    num_slots: int
    num_traces: int  # entries of one token each, finer in time than the slots
    num_frames: int  # newest ones, whole
    frames_s: float  # how far back they reach
    num_pinned_slots: int
    num_pictures: int  # small ones, beside the memory
    max_bytes: int  # of the memory, reached when it is full and never passed
    pictures_max_bytes: int
    coarseness: tuple[Coarseness, ...]


def memory_within(budget_bytes: int, shape: "MemoryConfig") -> "MemoryConfig":
    """The largest memory of this shape within the budget; the smallest there is when the budget is less than that."""
    fewest, most = MIN_SLOTS, MAX_SLOTS
    while fewest < most:
        middle = (fewest + most + 1) // 2
        if _sized(middle, shape).max_bytes <= budget_bytes:
            fewest = middle
        else:
            most = middle - 1
    return _sized(fewest, shape)


def budget_range(shape: "MemoryConfig") -> tuple[int, int]:
    """Bytes of the smallest and of the largest memory of this shape."""
    return _sized(MIN_SLOTS, shape).max_bytes, _sized(MAX_SLOTS, shape).max_bytes


def preview(config: "MemoryConfig", fps: float, pictures: FrameStoreConfig) -> BudgetPreview:
    """fps: frames a second that are encoded at most. Until everything is full nothing is coarser than that."""
    return BudgetPreview(
        num_slots=config.temporal_capacity,
        num_traces=config.trace_capacity,
        num_frames=config.spatial_capacity,
        frames_s=config.spatial_capacity / fps,
        num_pinned_slots=config.pinnable_slots,
        num_pictures=pictures.max_frames,
        max_bytes=config.max_bytes,
        pictures_max_bytes=pictures.max_bytes,
        coarseness=tuple(
            Coarseness(
                hours=hours,
                slot_s=max(hours * 3600.0 / config.temporal_capacity, 1.0 / fps),
                trace_s=max(hours * 3600.0 / config.trace_capacity, 1.0 / fps) if config.trace_capacity else None,
                picture_s=max(hours * 3600.0 / (pictures.max_frames * 3 / 4), 1.0 / fps),  # thinned to three quarters
            )
            for hours in _HOURS
        ),
    )


def _sized(num_slots: int, shape: "MemoryConfig") -> "MemoryConfig":
    num_traces = min(max(round(num_slots * _TRACES_PER_SLOT), _MIN_TRACES), _MAX_TRACES)
    return replace(
        shape,
        trace_capacity=num_traces if shape.trace_capacity else 0,
        temporal_capacity=num_slots,
        spatial_capacity=min(max(num_slots // _SLOTS_PER_FRAME, _MIN_FRAMES), _MAX_FRAMES),
        max_pinned_slots=num_slots // _SLOTS_PER_PINNED,
    )
