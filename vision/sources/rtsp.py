"""A camera or a video of the network: rtsp, rtsps, http and https.

In: an address. Out: frames as they arrive (live), or in real time or as fast as possible (a finite video over HTTP).
The reading thread opens, reads and closes it; no call of `read` takes longer than about two seconds.

An interrupted read can be taken up again with RTSP, so a camera may be silent for `read_timeout_s`. With HTTP it
cannot: two seconds of silence end the stream. Reconnecting is the business of whoever owns the source.
"""

import av
from av.container import InputContainer

from vision.errors import SourceLostError, SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock, SystemClock
from vision.sources.finite import FinitePlayer
from vision.sources.pictures import PictureConverter
from vision.sources.pyav_input import open_container, pick_video_stream, pixel_aspect
from vision.sources.pyav_reader import ReadFailed, ReadInterrupted, VideoReader
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters, ThreadGuard
from vision.sources.timing import ArrivalTimes

__all__ = ["NetworkSource"]

# PyAV notices its time-out between one and two times after it was set where RTSP is concerned, and at once for HTTP.
_RTSP_READ_TIMEOUT_S = 0.9
_HTTP_READ_TIMEOUT_S = MAX_WAIT_S

_RTSP_PROTOCOLS = "rtsp,rtsps,rtp,tcp,udp,tls,crypto"
_HTTP_PROTOCOLS = "http,https,httpproxy,tcp,tls,crypto"
_END_TOLERANCE = 0.1  # of its duration


class NetworkSource:
    """See the module. `url` holds the password and is never shown; `name` may be."""

    def __init__(self, url: str, name: str, config: SourceConfig | None = None, clock: Clock | None = None):
        self.name = name
        self.is_live = True
        self.counters = SourceCounters()
        self.duration_s: float | None = None
        self._url, self._config, self._clock = url, config or SourceConfig(), clock or SystemClock()
        self._is_rtsp = url.lower().startswith("rtsp")
        self._guard = ThreadGuard()
        self._container: InputContainer | None = None
        self._reader: VideoReader | None = None
        self._player: FinitePlayer | None = None
        self._sampler = FrameSampler(self._config.max_fps)
        self._converter = PictureConverter(self._config.max_side_px)  # replaced when the shape of the pixels is known
        self._times = ArrivalTimes()
        self._opened_s = 0.0

    def open(self) -> None:
        self._guard.claim()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        read_timeout_s = _RTSP_READ_TIMEOUT_S if self._is_rtsp else _HTTP_READ_TIMEOUT_S
        container = self._container = open_container(
            self._url, self.name, options=self._options(), timeout_s=(self._config.open_timeout_s, read_timeout_s)
        )
        stream = pick_video_stream(container, self.name)
        self.duration_s = None if container.duration is None else container.duration / 1e6
        self.is_live = self._is_rtsp or (self.duration_s is None and container.size <= 0)
        self._reader = VideoReader(container, stream, self.counters, is_live=self.is_live)
        self._converter = PictureConverter(self._config.max_side_px, pixel_aspect(stream))
        self._opened_s = self._clock.monotonic_s()
        if not self.is_live:
            self._open_finite(stream)

    def _open_finite(self, stream: av.VideoStream) -> None:
        assert self._reader is not None
        self._player = FinitePlayer(self._reader, stream, self._config, self._clock, self.counters)
        failure: SourceOpenError | None = None
        try:
            if not self._player.prime(self._config.open_timeout_s):
                failure = SourceOpenError(f"{self.name} is a video without a single picture.", "empty")
        except (ReadInterrupted, ReadFailed):
            failure = SourceOpenError(f"{self.name} stopped before its first picture had come.", "timeout")
        if failure is not None:
            raise failure

    def _options(self) -> dict[str, str]:
        if not self._is_rtsp:
            return {"protocol_whitelist": _HTTP_PROTOCOLS}
        return {
            "protocol_whitelist": _RTSP_PROTOCOLS,
            "rtsp_transport": self._config.rtsp_transport,
            "timeout": str(round(self._config.open_timeout_s * 1e6)),  # of the socket; `stimeout` would be ignored
            "fpsprobesize": "0",  # with the next one: a third of the time to the first picture
            "analyzeduration": "0",
            "use_wallclock_as_timestamps": "1",
        }

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if self._reader is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        failure: SourceLostError
        try:
            if self._player is not None:
                return self._player.read(timeout_s)
            return self._read_live(self._reader, timeout_s)
        except ReadInterrupted:
            if self._is_rtsp and self._silence_s() < self._config.read_timeout_s:
                return None
            failure = SourceLostError(f"{self.name} fell silent: nothing comes from it any more.")
        except ReadFailed:
            if self._is_at_end():
                return END
            failure = SourceLostError(f"{self.name} was disconnected.")
        raise failure

    def _read_live(self, reader: VideoReader, timeout_s: float) -> Frame | EndOfStream | None:
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        while True:
            picture = reader.read()
            now_s = self._clock.monotonic_s()
            if isinstance(picture, EndOfStream):
                raise ReadFailed  # a live stream has no end: the reader's silent one is a lost connection
            if picture is not None:
                time_s = self._times.stamp(now_s)
                if self._sampler.accept(time_s):
                    return self._deliver(picture, time_s)
                self.counters.frames_skipped_by_rate += 1
            elif self._silence_s() > self._config.read_timeout_s:
                raise ReadInterrupted  # packets come, but no picture can be made of them
            if now_s >= deadline_s:
                return None

    def _deliver(self, picture: av.VideoFrame, time_s: float) -> Frame:
        self.counters.frames_delivered += 1
        return Frame(
            image=self._converter.convert(picture),
            time_s=time_s,
            wall_time_s=self._clock.wall_s(),
            index=self.counters.frames_decoded - 1,
        )

    def _silence_s(self) -> float:
        """Since the newest picture of a live source."""
        return self._clock.monotonic_s() - (self._times.newest_s or self._opened_s)

    def _is_at_end(self) -> bool:
        """True if a source that has a length has been seen to it."""
        last_s = self._times.last_s if self._player is None else self._player.last_time_s
        if last_s is None or self.duration_s is None:
            return False
        return last_s >= self.duration_s - min(1.0, _END_TOLERANCE * self.duration_s)

    def close(self) -> None:
        if self._container is not None:
            self._guard.check(self.name)
        self._player = self._reader = None
        if self._container is not None:
            self._container.close()
            self._container = None
