"""What the web serves: a video, a live stream, a playlist (HLS), or a camera's endless JPEG pictures.

In: an http or https address. Out: frames as they arrive (live), when they are due (a live playlist), or in real time or
as fast as possible (a finite video). The reading thread opens, reads and closes it; no call of `read` takes longer than
about two seconds. All bytes come through `web_client`, never through the decoder's own HTTP: see there.
"""

from typing import IO, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from vision.errors import SourceLostError, SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sources.access import OWNER, SourceAccess
from vision.sources.clock import Clock, SystemClock
from vision.sources.container_source import ContainerSource
from vision.sources.finite import FinitePlayer, PictureReader
from vision.sources.hardware import no_hardware_note, open_with_hardware, software_note
from vision.sources.live import LivePlayer
from vision.sources.mjpeg import MjpegPlayer
from vision.sources.packets import PacketTap
from vision.sources.playlist import is_playlist_type
from vision.sources.pyav_input import open_container, pick_video_stream, refuse_nested
from vision.sources.pyav_reader import ReadFailed, ReadInterrupted, VideoReader
from vision.sources.segments import SegmentReader
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.web_connection import Deadline
from vision.sources.web_file import WebFile

__all__ = ["WebSource"]

_END_TOLERANCE = 0.1  # of its duration
_PAUSE_S = 0.05
_LIVE_OPTIONS = {"fpsprobesize": "0", "analyzeduration": "500000"}  # look at half a second of it, not at five


class WebSource(ContainerSource):
    """See the module. `url` holds the password and is never shown; `name` may be."""

    def __init__(
        self,
        url: str,
        name: str,
        config: SourceConfig | None = None,
        clock: Clock | None = None,
        access: SourceAccess = OWNER,
    ):
        super().__init__()
        self.name = name
        self.is_live = True
        self.is_idle = False
        """Any thread may set it: True for key pictures alone, where there are any."""
        self.packet_tap: PacketTap | None = None
        self.notes: tuple[str, ...] = ()
        self.counters = SourceCounters()
        self.duration_s: float | None = None
        self._url, self._config, self._clock, self._access = (
            url,
            config or SourceConfig(),
            clock or SystemClock(),
            access,
        )
        self._deadline = Deadline(0.0)
        self._file: WebFile | None = None
        self._segments: SegmentReader | None = None
        self._player: FinitePlayer | LivePlayer | MjpegPlayer | None = None
        self._newest_s = 0.0

    @property
    def progress_s(self) -> float | None:
        """Monotonic time of the last sign of life."""
        return getattr(self._player, "progress_s", None)

    def _open(self) -> None:
        self._deadline.within(self._config.open_timeout_s)
        self._newest_s = self._clock.monotonic_s()
        if self._url.lower().startswith("https:"):
            self._config.tls.check()
        file = self._file = self._fetch()
        if file.content_type == "multipart/x-mixed-replace":
            self.notes = no_hardware_note(self._config, self.name)
            self._player = MjpegPlayer(file.web, self._config, self._clock, self.counters, self.name)
            return
        if is_playlist_type(file.content_type) or file.peek(7) == b"#EXTM3U":
            self._open_playlist(file)
        else:
            self._open_video(file)

    def _fetch(self) -> WebFile:
        return WebFile(self._url, self.name, self._access, self._deadline, tls=self._config.tls)

    def _open_playlist(self, first: WebFile) -> None:
        failure: SourceOpenError
        try:
            reader = self._segments = SegmentReader(
                first,
                self._url,
                self.name,
                self._access,
                self._clock,
                self.counters,
                tls=self._config.tls,
                open_timeout_s=self._config.open_timeout_s,
            )
            self.notes = no_hardware_note(self._config, self.name)
            self.is_live, self.duration_s = reader.is_live, reader.duration_s
            self._player = self._open_finite(reader, reader.stream)
            return
        except (ReadInterrupted, ReadFailed, TimeoutError):
            failure = SourceOpenError(f"{self.name} did not send its pieces in time.", "timeout")
        except OSError:
            failure = SourceOpenError(f"{self.name} hung up in the middle of its list.", "refused")
        raise failure

    def _open_video(self, first: WebFile) -> None:
        files = [first]

        def open_it(hwaccel: HWAccel | None) -> InputContainer:
            if not files:  # a second try, without the hardware
                self._deadline.within(self._config.open_timeout_s)
                self._close_file()
                files.append(self._fetch())
            self._file = files.pop()
            return open_container(
                cast(IO[bytes], self._file),
                self.name,
                options={"protocol_whitelist": "none"} | ({} if self._file.size is not None else _LIVE_OPTIONS),
                timeout_s=(self._config.open_timeout_s, MAX_WAIT_S),
                open_nested=refuse_nested,
                is_network=True,
                hwaccel=hwaccel,
            )

        container, self.notes = open_with_hardware(open_it, self._config, self.name)
        self._container = container
        stream = pick_video_stream(container, self.name)
        self.notes = self.notes or software_note(container, self._config, self.name)
        self.duration_s = None if container.duration is None else container.duration / 1e6
        self.is_live = self.duration_s is None and container.size <= 0
        reader = VideoReader(container, stream, self.counters, is_live=self.is_live, tap=self.packet_tap)
        if self.is_live:
            self._player = LivePlayer(
                reader, stream, self._config, self._clock, self.counters, self.name, can_resume=False
            )
        else:
            self._player = self._open_finite(reader, stream)

    def _open_finite(self, reader: PictureReader, stream: av.VideoStream) -> FinitePlayer:
        player = FinitePlayer(reader, stream, self._config, self._clock, self.counters, is_live=self.is_live)
        failure: SourceOpenError | None = None
        try:
            if not player.prime(self._config.open_timeout_s):
                failure = SourceOpenError(f"{self.name} is a video without a single picture.", "empty")
        except (ReadInterrupted, ReadFailed):
            failure = SourceOpenError(f"{self.name} stopped before its first picture had come.", "timeout")
        if failure is not None:
            raise failure
        return player

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if self._player is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        self._deadline.within(MAX_WAIT_S)
        if isinstance(self._player, MjpegPlayer):
            return self._player.read(timeout_s)
        if isinstance(self._player, LivePlayer):
            return self._player.read(timeout_s, is_idle=self.is_idle)
        return self._read_finite(self._player, timeout_s)

    def _read_finite(self, player: FinitePlayer, timeout_s: float) -> Frame | EndOfStream | None:
        failure: SourceLostError
        try:
            item = player.read(timeout_s)
            if item is not None:
                self._newest_s = self._clock.monotonic_s()
            return item
        except ReadInterrupted:
            if self.is_live and self._clock.monotonic_s() - self._newest_s < self._silence_limit_s():
                self._clock.wait(_PAUSE_S)  # the next piece of a playlist is not there yet
                return None
            failure = SourceLostError(f"{self.name} fell silent: nothing comes from it any more.")
        except ReadFailed:
            if self._is_at_end(player):
                return END
            failure = SourceLostError(f"{self.name} was disconnected.")
        raise failure

    def _silence_limit_s(self) -> float:
        """The pieces of a playlist last some seconds each, and come all at once."""
        return max(self._config.read_timeout_s, 15.0)

    def _is_at_end(self, player: FinitePlayer) -> bool:
        """True if a source that has a length has been seen to it."""
        if player.last_time_s is None or self.duration_s is None:
            return False
        return player.last_time_s >= self.duration_s - min(1.0, _END_TOLERANCE * self.duration_s)

    def _stop_reading(self) -> None:
        self._player = None
        if self.packet_tap is not None:
            self.packet_tap.end()
        if self._segments is not None:
            self._segments.close()
            self._segments = None

    def _let_go(self) -> None:
        self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
