"""A finite video (a file, or one served over HTTP) as frames, in real time or as fast as possible. A live playlist too:
it is a finite video that grows.

In: a `VideoReader`, or what reads like one. Out: `Frame`s when they are due. Used by the reading thread only.
"""

from typing import Protocol

import av

from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock
from vision.sources.pictures import PictureConverter
from vision.sources.pyav_input import pixel_aspect
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.timing import Pacer, StreamTimes

__all__ = ["FinitePlayer", "PictureReader"]

_RESTART_AFTER_S = 1.0


class PictureReader(Protocol):
    def read(self) -> av.VideoFrame | EndOfStream | None:
        """As VideoReader.read."""


class FinitePlayer:
    """Holds at most one decoded picture: the next one that is wanted."""

    def __init__(
        self,
        reader: PictureReader,
        stream: av.VideoStream,
        config: SourceConfig,
        clock: Clock,
        counters: SourceCounters,
        *,
        is_live: bool = False,
    ):
        """is_live: a playlist that grows. It is paced whatever the speed, and its pace starts anew after a pause."""
        self._reader, self._clock, self._counters = reader, clock, counters
        self._times = StreamTimes(float(stream.average_rate) if stream.average_rate else None)
        self._sampler = FrameSampler(config.max_fps)
        self._converter = PictureConverter(config.max_side_px, pixel_aspect(stream))
        self._pacer: Pacer | None = None
        if is_live or config.speed == "realtime":
            self._pacer = Pacer(clock, restart_after_s=_RESTART_AFTER_S if is_live else None)
        self._next: tuple[av.VideoFrame, float, int] | None = None
        self._num_stamped = 0
        self._is_over = False

    @property
    def last_time_s(self) -> float | None:
        """Stream time of the newest decoded picture."""
        return self._times.last_s

    def prime(self, timeout_s: float) -> bool:
        """Decode up to the first picture. False if the video turned out to have none."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        while self._next is None and not self._is_over and self._clock.monotonic_s() < deadline_s:
            self._decode_one()
        return not self._is_over

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        """As Source.read. Passes on the reader's ReadInterrupted and ReadFailed."""
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        while True:
            if self._next is None and not self._is_over:
                self._decode_one()
            if self._next is not None:
                picture, time_s, index = self._next
                if self._pacer is not None and self._pacer.is_lost(time_s):
                    self._counters.frames_skipped_late += 1
                    self._next = None
                elif self._pacer is None or self._pacer.wait_until_due(time_s, deadline_s):
                    self._next = None
                    return self._deliver(picture, time_s, index)
                else:
                    return None
            elif self._is_over:
                return END
            if self._clock.monotonic_s() >= deadline_s:
                return None

    def _decode_one(self) -> None:
        """One step of the reader; a picture that is wanted becomes `_next`."""
        picture = self._reader.read()
        if isinstance(picture, EndOfStream):
            self._is_over = True
        elif picture is not None:
            time_s = self._times.stamp(picture.time)
            index, self._num_stamped = self._num_stamped, self._num_stamped + 1
            if self._sampler.accept(time_s):
                self._next = (picture, time_s, index)
            else:
                self._counters.frames_skipped_by_rate += 1

    def _deliver(self, picture: av.VideoFrame, time_s: float, index: int) -> Frame:
        if self._pacer is not None:
            self._pacer.given()
        self._counters.frames_delivered += 1
        return Frame(
            image=self._converter.convert(picture), time_s=time_s, wall_time_s=self._clock.wall_s(), index=index
        )
