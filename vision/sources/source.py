"""The contract of every source, its configuration and its counters.

A source is opened, read and closed by one and the same thread, its reading thread: closing a decoder from a second
thread while the first is inside it crashes the process. A source starts no thread of its own.
"""

import math
import threading
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

from vision.frame import EndOfStream, Frame
from vision.sources.connection import ConnectionConfig
from vision.sources.tls import TlsRules

__all__ = [
    "MAX_FRAME_MEGAPIXELS",
    "MAX_FRAME_SIDE_PX",
    "MAX_WAIT_S",
    "Source",
    "SourceConfig",
    "SourceCounters",
    "ThreadGuard",
    "set_idle",
    "source_counters",
    "source_notes",
]

# Pictures beyond these are refused before they are decoded: no camera makes them, and one would fill the memory.
MAX_FRAME_SIDE_PX = 8192
MAX_FRAME_MEGAPIXELS = 50

# No read takes longer, whatever time-out it was given, so that whoever wants to stop is heard.
MAX_WAIT_S = 2.0


class Source(Protocol):
    """Anything that gives frames in order of time."""

    name: str
    """Safe to show and to log: credentials are masked."""

    is_live: bool
    """True if frames that are not read are lost. Final once `open` has returned."""

    def open(self) -> None:
        """Make the first `read` possible. Raises SourceOpenError, whose message is a plain sentence."""

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        """The next frame; None if none came within the time-out; END (again and again) after the last.

        Returns within about two seconds whatever the time-out; only while a lost camera is opened again it may take as
        long as that one try. Raises SourceLostError if a source stops before its end and is not to be tried again.
        """

    def close(self) -> None:
        """Let go of everything. May be called twice, and before `open`."""


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """How a source is read."""

    speed: Literal["realtime", "max"] = "realtime"
    """Files and other finite sources: paced by their timestamps, or as fast as they can be decoded."""

    max_fps: float | None = None
    """Most frames a second to hand out; the others are decoded but never turned into pictures."""

    open_timeout_s: float = 4.5
    """A try that is under way cannot be called off: shorter than the time that a session has for closing."""

    read_timeout_s: float = 10.0
    """A live source from which nothing comes for so long is lost."""

    max_side_px: int = 1280
    """Larger pictures are scaled down while they are converted."""

    rtsp_transport: Literal["tcp", "udp"] = "tcp"

    connection: ConnectionConfig | None = field(default_factory=ConnectionConfig)
    """How a lost live source is tried again. None: it is not; `read` raises SourceLostError."""

    hardware: str | None = None
    """Decode cameras and videos of the network with this ("cuda", "vaapi", "videotoolbox"); if that fails, without it,
    and saying so. Files are decoded without it."""

    image_fps: float = 1.0
    """Pictures a second of a folder of images."""

    tls: TlsRules = field(default_factory=TlsRules)
    """Whose certificate is accepted from rtsps, rtmps and https."""

    def __post_init__(self) -> None:
        if self.speed not in ("realtime", "max"):
            raise ValueError(f"speed must be realtime or max, got {self.speed!r}")
        if self.max_fps is not None and not (math.isfinite(self.max_fps) and self.max_fps > 0):
            raise ValueError(f"max_fps must be > 0 or None, got {self.max_fps}")
        for name in ("open_timeout_s", "read_timeout_s"):
            value = getattr(self, name)
            if not 0 < value <= 600:
                raise ValueError(f"{name} must be > 0 and <= 600, got {value}")
        if not 1 <= self.max_side_px <= MAX_FRAME_SIDE_PX:
            raise ValueError(f"max_side_px must be 1..{MAX_FRAME_SIDE_PX}, got {self.max_side_px}")
        if self.rtsp_transport not in ("tcp", "udp"):
            raise ValueError(f"rtsp_transport must be tcp or udp, got {self.rtsp_transport!r}")
        if not 0.01 <= self.image_fps <= 1000:
            raise ValueError(f"image_fps must be in 0.01..1000, got {self.image_fps}")


@dataclass(kw_only=True)
class SourceCounters:
    """What a source has done so far. The reading thread writes; others may look at any time."""

    frames_decoded: int = 0
    frames_delivered: int = 0
    frames_skipped_late: int = 0
    """Due in the past when they were decoded, as a live camera would have lost them."""
    frames_skipped_by_rate: int = 0
    """Not wanted because of `max_fps`."""
    packets_damaged: int = 0

    def plus(self, other: "SourceCounters") -> "SourceCounters":
        """The sum, for a source that was opened more than once."""
        return SourceCounters(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )


class ThreadGuard:
    """Holds a source to its one thread: an error in place of the crash that the decoder would answer with."""

    def __init__(self) -> None:
        self._owner: threading.Thread | None = None

    def claim(self) -> None:
        """The calling thread is the reading thread from now on."""
        self._owner = threading.current_thread()

    def check(self, name: str) -> None:
        owner = self._owner
        if owner is not None and owner is not threading.current_thread() and owner.is_alive():
            raise RuntimeError(f"{name} belongs to the thread {owner.name}, which opened it and alone may use it")


def source_counters(source: Source) -> SourceCounters:
    """The counters of a source, or all zeros for one that keeps none."""
    counters = getattr(source, "counters", None)
    return counters if isinstance(counters, SourceCounters) else SourceCounters()


def set_idle(source: Source, is_idle: bool) -> None:
    """Tell a source whether anybody looks closely. Any thread.

    An idle camera decodes key pictures alone (one every few seconds, at a small part of the work). Sources that know no
    such pictures stay as they are.
    """
    if hasattr(source, "is_idle"):
        source.is_idle = is_idle


def source_notes(source: Source) -> tuple[str, ...]:
    """The fallbacks that a source had to take when it was opened."""
    return tuple(getattr(source, "notes", ()))
