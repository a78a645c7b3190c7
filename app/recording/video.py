"""The video itself, without decoding it: packets of a source into MP4 files of about a minute each.

Comes in: packets, from the capture thread, which alone calls a `VideoRecorder`. Goes out: fragmented MP4 files, named
by the stream time of their first picture in milliseconds; each plays as far as it was written, whatever ended it.
Within bytes and age; a disk that is full costs video, not the stream: `problem` says so.
"""

import logging
import math
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import av

from app.recording.packets import CodecRefusedError, KeptPacket, SegmentWriter, kept_packet, parameter_sets

__all__ = ["VideoLimits", "VideoRecorder", "VideoSegment", "forget_video", "segment_end_s", "video_segments"]

_log = logging.getLogger(__name__)
_EARLY_S = 0.1  # a key picture that comes a little before its time is taken
_RETRY_S = 10.0  # after a write that failed
_MAX_PENDING_BYTES = 16 * 2**20
_ROOM_AGAIN = 1.1  # of the bytes that must be free, before recording goes on
_SUFFIX = ".mp4"


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """How much video is kept."""

    max_bytes: int
    max_age_s: float
    min_free_bytes: int
    segment_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class VideoSegment:
    """One file; it ends at the latest where the next one starts."""

    path: Path
    start_s: float
    num_bytes: int


def video_segments(folder: Path) -> list[VideoSegment]:
    """The files of a recording, in order of time."""
    found = []
    for path in folder.glob(f"*{_SUFFIX}"):
        if path.stem.isdigit():
            try:
                num_bytes = path.stat().st_size
            except FileNotFoundError:  # it left just now, being too old
                continue
            found.append(VideoSegment(path=path, start_s=int(path.stem) / 1e3, num_bytes=num_bytes))
    return sorted(found, key=lambda segment: segment.start_s)


def segment_end_s(segment: VideoSegment) -> float:
    """Stream time at which the file ends; its start where it cannot be read."""
    try:
        with av.open(str(segment.path)) as container:
            return segment.start_s + (container.duration or 0) / 1e6
    except (av.FFmpegError, OSError):
        return segment.start_s


def _shows_anything(path: Path) -> bool:
    try:
        with av.open(str(path)) as container:
            return any(packet.size for packet in container.demux(video=0))
    except (av.FFmpegError, OSError, IndexError):  # not even the head of a file
        return False


def forget_video(folder: Path, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Erases every file that holds a moment of the span; the spans of those that went. Raises OSError."""
    erased = []
    for segment in video_segments(folder):
        last_s = segment_end_s(segment)
        if segment.start_s <= end_s and last_s >= start_s:
            segment.path.unlink(missing_ok=True)
            erased.append((segment.start_s, last_s))
    return erased


def open_private(path: Path) -> IO[bytes]:
    """A new file that the user alone can read, written through at once."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(handle, "r+b", buffering=0)


class VideoRecorder:
    """A PacketTap. `stream_now` gives the recording's time at this moment, None before the first frame of the stream;
    packets until then wait."""

    def __init__(
        self,
        folder: Path,
        limits: VideoLimits,
        stream_now: Callable[[], float | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        open_file: Callable[[Path], IO[bytes]] = open_private,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.problem: str | None = None  # a sentence; written by the capture thread, read by any
        self._folder, self._limits, self._stream_now, self._clock = folder, limits, stream_now, clock
        self._open_file, self._free_bytes = open_file, free_bytes
        self._stream: av.VideoStream | None = None
        self._writer: SegmentWriter | None = None
        self._pending: list[KeptPacket] = []  # from a key picture on, while stream time is not known
        self._parameters = b""
        self._segment_start_s, self._retry_at_s, self._is_low = 0.0, -math.inf, False
        self._is_cut_wanted, self._was_cut = threading.Event(), threading.Event()
        self._path: Path | None = None  # of the newest file
        self._logged: str | None = None  # the trouble that the log knows of, until a whole file was written

    def cut(self, timeout_s: float) -> bool:
        """Ends the file that is being written, so that it can be erased; the next begins with the next key picture.
        Any thread; waits for the next packet. False: none came within the time-out, and it is done when one does."""
        if self._writer is None and not self._pending:
            return True
        self._was_cut.clear()
        self._is_cut_wanted.set()
        return self._was_cut.wait(timeout_s)

    def begin(self, stream: av.VideoStream) -> None:
        self.end()
        self._stream, self._parameters = stream, b""

    def packet(self, packet: Any) -> None:
        """Never raises for what a disk or a camera can do."""
        if self._stream is None or packet.size == 0:
            return
        if self._is_cut_wanted.is_set():
            self._cut()
        try:
            self._take(kept_packet(packet, self._clock()))
        except CodecRefusedError as error:
            self._fail(str(error))
            self._stream = None
        except (OSError, av.FFmpegError, ValueError) as error:
            self._fail(f"Video cannot be recorded ({_reason(error)}): it is tried again, and pictures are kept.")

    def end(self) -> None:
        self._cut()
        self._stream = None

    def _cut(self) -> None:
        self._pending = []
        self._finish()
        self._is_cut_wanted.clear()
        self._was_cut.set()

    def _take(self, packet: KeptPacket) -> None:
        assert self._stream is not None
        if packet.is_key:
            changed = parameter_sets(packet.data, self._stream.codec_context.name)
            is_new = bool(changed) and changed != self._parameters
            self._parameters = changed or self._parameters
            is_long = packet.arrival_s - self._segment_start_s >= self._limits.segment_s - _EARLY_S
            if is_new or is_long or not self._has_room():
                self._finish()
                self._logged = None
        if self._writer is not None:
            self._writer.write(packet)
            return
        if packet.is_key:
            self._pending = []
        elif not self._pending:
            return  # a file begins with a key picture
        self._pending.append(packet)
        now_s = self._stream_now()
        if now_s is not None:
            self._start(now_s)
        elif sum(len(one.data) for one in self._pending) > _MAX_PENDING_BYTES:
            self._pending = []

    def _start(self, now_s: float) -> None:
        """A new file with what waits."""
        assert self._stream is not None
        packets, self._pending = self._pending, []
        clock_s = self._clock()
        if clock_s < self._retry_at_s or not self._has_room():
            return
        start_s = max(now_s - (clock_s - packets[0].arrival_s), 0.0)
        self._prune(start_s)
        path = self._folder / f"{round(start_s * 1e3):013d}{_SUFFIX}"
        self._segment_start_s, self._path = packets[0].arrival_s, path
        try:
            self._writer = SegmentWriter(self._open_file(path), self._stream, self._parameters)
        except CodecRefusedError:
            path.unlink()
            raise
        self.problem = None
        for packet in packets:
            self._writer.write(packet)

    def _finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except (OSError, av.FFmpegError, ValueError) as error:  # what was written before plays
            _log.warning("the end of a piece of video could not be written: %s", _reason(error))

    def _fail(self, sentence: str) -> None:
        if sentence != self._logged:
            _log.warning("%s", sentence)
        self.problem = self._logged = sentence
        self._retry_at_s = self._clock() + _RETRY_S
        self._pending = []
        self._finish()
        if self._path is not None and self._path.exists() and not _shows_anything(self._path):
            self._path.unlink()  # a disk that stays full would be strewn with them

    def _has_room(self) -> bool:
        needed = self._limits.min_free_bytes * (_ROOM_AGAIN if self._is_low else 1.0)
        self._is_low = self._free_bytes(self._folder) < needed
        if self._is_low:
            self.problem = "The disk is nearly full: video waits until there is room again."
        return not self._is_low

    def _prune(self, now_s: float) -> None:
        """The oldest files go, as age and bytes demand."""
        segments = video_segments(self._folder)
        num_bytes = sum(segment.num_bytes for segment in segments)
        for segment in segments:
            if num_bytes <= self._limits.max_bytes and segment.start_s >= now_s - self._limits.max_age_s:
                break
            segment.path.unlink(missing_ok=True)
            num_bytes -= segment.num_bytes


def _reason(error: Exception) -> str:
    """In words of the system: a decoder's own message may hold an address."""
    return getattr(error, "strerror", None) or type(error).__name__
