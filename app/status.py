"""The facts about a running session that others may see: frozen, made when asked for.

Comes in: counters of the workers. Goes out: FrameCounts, MemoryCounts, SessionStatus. Any thread: they never change.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.recording.keep_status import KeepStatus

if TYPE_CHECKING:  # the sources bring the decoder with them, which a refused command must not wait for
    from vision.sources import ConnectionStatus

__all__ = ["STALE_AFTER_S", "FrameCounts", "MemoryCounts", "SessionState", "SessionStatus", "SpeechStatus"]

STALE_AFTER_S = 3.0  # a live picture that is older than this is marked as such

SessionState = Literal[
    "new",  # not started
    "starting",  # the source and the models are being opened
    "running",  # frames come in
    "ended",  # the source is over, or reached its stop time; questions are still answered
    "source_lost",  # a source stopped that should not have; questions are still answered
    "failed",  # a thread failed; `failure` says why; nothing is answered any more
    "closed",
]


@dataclass(frozen=True, kw_only=True)
class FrameCounts:
    """Frames so far: of the source, turned into visual tokens, lost to newer ones before anyone looked at them."""

    seen: int = 0
    encoded: int = 0
    dropped: int = 0


@dataclass(frozen=True, kw_only=True)
class MemoryCounts:
    """The size of the stream memory."""

    version: int = 0
    tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class SpeechStatus:
    """How the speak thread fares."""

    voice: str | None = None  # None: not opened, for nobody wanted to hear anything yet, or it failed
    is_opening: bool = False
    is_speaking: bool = False
    waiting: int = 0  # answers that wait to be spoken
    last_first_audio_ms: float | None = None  # from the wish to the first block at the sink
    problem: str | None = None  # why answers are not spoken, a sentence


@dataclass(frozen=True, kw_only=True)
class SessionStatus:
    """One session at one moment."""

    state: SessionState
    source_name: str  # safe to show: credentials are masked
    is_live: bool
    frames_seen: int
    frames_encoded: int
    frames_dropped: int
    newest_time_s: float | None  # stream time of the newest frame that was read; None before the first
    newest_frame_age_s: float | None  # seconds since that frame was read
    remembered_time_s: float | None  # stream time of the newest frame in the memory
    encode_ms: float | None  # one frame through the encoder, lately
    memory_version: int
    memory_tokens: int
    memory_bytes: int
    lmm_name: str | None  # None while it is loaded
    questions_waiting: int  # queued, scheduled or being answered
    last_ttft_ms: float | None  # from question to the first piece of text, of the last answer
    failure: str | None  # why the session failed or the source was lost, a sentence
    connection: "ConnectionStatus | None" = (
        None  # of a live source that comes back by itself; None: it has none to lose
    )
    wall_offset_s: float | None = None  # of a live source: wall time less stream time, by its newest frame
    last_tokens_per_s: float | None = None  # of the last answer, counted from its question on
    num_gaps: int = 0  # times without pictures, so far
    speech: SpeechStatus | None = None  # None: this session does not speak
    keeping: KeepStatus | None = None  # how the recording on disk fares; None: nothing is recorded

    @property
    def is_picture_stale(self) -> bool:
        """True if the picture of a live source is not of now. By the pictures' own progress, whatever a clock shows."""
        is_playing = self.is_live and self.state in ("running", "source_lost")
        return is_playing and (self.newest_frame_age_s is None or self.newest_frame_age_s > STALE_AFTER_S)

    @property
    def frames(self) -> FrameCounts:
        return FrameCounts(seen=self.frames_seen, encoded=self.frames_encoded, dropped=self.frames_dropped)

    @property
    def memory(self) -> MemoryCounts:
        return MemoryCounts(version=self.memory_version, tokens=self.memory_tokens, bytes=self.memory_bytes)
