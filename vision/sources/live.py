"""Pictures of a live container (a camera, the screen) as frames, stamped by their arrival.

In: a `VideoReader`. Out: `Frame`s. Used by the reading thread only.
"""

import av

from vision.errors import SourceLostError
from vision.frame import EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock
from vision.sources.pictures import PictureConverter
from vision.sources.pyav_input import pixel_aspect
from vision.sources.pyav_reader import ReadFailed, ReadInterrupted, VideoReader
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.timing import ArrivalTimes

__all__ = ["LivePlayer"]


class LivePlayer:
    """`can_resume`: a read that timed out may be taken up again, so a camera may be silent for `read_timeout_s`."""

    def __init__(
        self,
        reader: VideoReader,
        stream: av.VideoStream,
        config: SourceConfig,
        clock: Clock,
        counters: SourceCounters,
        name: str,
        *,
        can_resume: bool,
    ):
        self._reader, self._config, self._clock, self._counters = reader, config, clock, counters
        self._name, self._can_resume = name, can_resume
        self._sampler = FrameSampler(config.max_fps)
        self._converter = PictureConverter(config.max_side_px, pixel_aspect(stream))
        self._times = ArrivalTimes()
        self.progress_s = clock.monotonic_s()
        """Monotonic time of the last sign of life: a picture, or a packet where key pictures alone are decoded."""

    def read(self, timeout_s: float, *, is_idle: bool = False) -> Frame | None:
        """As Source.read, without an end: a live stream has none. Raises SourceLostError."""
        failure: SourceLostError
        try:
            return self._read(timeout_s, is_idle)
        except ReadInterrupted:
            if self._can_resume and self._silence_s() < self._config.read_timeout_s:
                return None
            failure = SourceLostError(f"{self._name} fell silent: nothing comes from it any more.")
        except ReadFailed:
            failure = SourceLostError(f"{self._name} was disconnected.")
        raise failure

    def _read(self, timeout_s: float, is_idle: bool) -> Frame | None:
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        self._reader.set_key_pictures_alone(is_idle)
        while True:
            num_packets = self._reader.num_packets
            picture = self._reader.read()
            now_s = self._clock.monotonic_s()
            if isinstance(picture, EndOfStream):
                raise ReadFailed  # the reader's silent end is a lost connection
            if picture is not None:
                self.progress_s = now_s
                time_s = self._times.stamp(now_s)
                if self._sampler.accept(time_s):
                    return self._deliver(picture, time_s)
                self._counters.frames_skipped_by_rate += 1
            elif self._reader.skips and self._reader.num_packets > num_packets:
                self.progress_s = now_s
            elif self._silence_s() > self._config.read_timeout_s:
                raise ReadInterrupted  # packets come, but no picture can be made of them
            if now_s >= deadline_s:
                return None

    def _deliver(self, picture: av.VideoFrame, time_s: float) -> Frame:
        self._counters.frames_delivered += 1
        return Frame(
            image=self._converter.convert(picture),
            time_s=time_s,
            wall_time_s=self._clock.wall_s(),
            index=self._counters.frames_decoded - 1,
        )

    def _silence_s(self) -> float:
        return self._clock.monotonic_s() - self.progress_s
