"""A video file (or a still picture) as a source.

In: a path. Out: frames in real time, as if a camera had seen them, or as fast as they can be decoded; then END. The
reading thread opens, reads and closes it.

The file is opened here and handed over as bytes, without its name: what it is, is decided by its content alone, and
nothing in it can make the decoder open another file or an address.
"""

import os
import stat
import struct
from collections.abc import Mapping
from typing import IO

from vision.errors import SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sources.clock import Clock, SystemClock
from vision.sources.container_source import ContainerSource
from vision.sources.finite import FinitePlayer
from vision.sources.packets import PacketTap
from vision.sources.pyav_input import check_size, open_container, pick_video_stream, refuse_nested
from vision.sources.pyav_reader import ReadFailed, ReadInterrupted, VideoReader
from vision.sources.source import MAX_FRAME_MEGAPIXELS, SourceConfig, SourceCounters

__all__ = ["FileSource"]

_NO_PROTOCOL = "none"


class FileSource(ContainerSource):
    """See the module. `duration_s` is known after `open`, if the file says it."""

    is_live = False

    def __init__(
        self, path: str, config: SourceConfig | None = None, clock: Clock | None = None, *, name: str | None = None
    ):
        super().__init__()
        self.name = name or path
        self.counters = SourceCounters()
        self.duration_s: float | None = None
        self.packet_tap: PacketTap | None = None
        self._path, self._config, self._clock = path, config or SourceConfig(), clock or SystemClock()
        self._file: IO[bytes] | None = None
        self._player: FinitePlayer | None = None

    def _open(self) -> None:
        self._file = _open_regular_file(self._path, self.name)
        container = self._container = open_container(
            self._file, self.name, options=_options(self._file, self.name), open_nested=refuse_nested
        )
        stream = pick_video_stream(container, self.name)
        self.duration_s = None if container.duration is None else container.duration / 1e6
        reader = VideoReader(container, stream, self.counters, tap=self.packet_tap)
        self._player = FinitePlayer(reader, stream, self._config, self._clock, self.counters)
        if not self._player.prime(self._config.open_timeout_s):
            if self.counters.packets_damaged:
                message = f"{self.name} holds no picture that can be decoded: it is damaged, or too large."
                raise SourceOpenError(message, "not_video")
            raise SourceOpenError(f"{self.name} is a video without a single picture.", "empty")

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if self._player is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        try:
            return self._player.read(timeout_s)
        except ReadInterrupted:
            return None
        except ReadFailed:
            return END  # the rest of the file cannot be read: what could be, was

    def _stop_reading(self) -> None:
        self._player = None
        if self.packet_tap is not None:
            self.packet_tap.end()

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _open_regular_file(path: str, name: str) -> IO[bytes]:
    """Open without ever waiting (a pipe that nobody writes to would block for ever) and look at what was opened."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    failure: SourceOpenError
    try:
        _check_kind(os.stat(path), name)
        descriptor = os.open(path, flags)
        try:
            _check_kind(os.fstat(descriptor), name)
            return os.fdopen(descriptor, "rb", buffering=0)
        except BaseException:
            os.close(descriptor)
            raise
    except (FileNotFoundError, NotADirectoryError):
        failure = SourceOpenError(f"There is no file {name}. Check the path.", "missing")
    except PermissionError:
        failure = SourceOpenError(f"{name} may not be read: permission is denied.", "unauthorized")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        failure = SourceOpenError(f"{name} could not be opened: {reason}.", "other")
    raise failure


def _check_kind(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise SourceOpenError(f"{name} is a directory, not a video. Name a file in it.", "directory")
    if not stat.S_ISREG(status.st_mode):
        raise SourceOpenError(f"{name} is not a regular file but a pipe, a socket or a device.", "other")
    if status.st_size == 0:
        raise SourceOpenError(f"{name} is an empty file (0 bytes).", "empty")


def _options(file: IO[bytes], name: str) -> Mapping[str, str]:
    """Decoder options that keep a small file from filling the memory while it is only looked at."""
    head = file.read(24)
    file.seek(0)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) == 24:
        width_px, height_px = struct.unpack(">II", head[16:24])
        check_size(width_px, height_px, name)
    options = {"protocol_whitelist": _NO_PROTOCOL}
    if not head.startswith(b"\xff\xd8\xff"):  # the size of a JPEG is read without decoding it, and only without a limit
        # Twice the limit: a picture that is a little too large is still read, so that its size can be told.
        options["max_pixels"] = str(2 * MAX_FRAME_MEGAPIXELS * 1_000_000)
    return options
