"""The endless JPEG pictures of a web camera (multipart/x-mixed-replace) as frames.

In: the answer of the camera. Out: `Frame`s, stamped by their arrival. A camera may take its time between two pictures;
one that stops in the middle of a picture is lost. Reading thread only.
"""

import re

from vision.errors import PictureError, SourceLostError
from vision.frame import Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock
from vision.sources.images import decode_picture
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.timing import ArrivalTimes
from vision.sources.web_client import WebResponse

__all__ = ["MjpegPlayer"]

_MAX_PICTURE_BYTES = 16_000_000
_MAX_DAMAGED_IN_A_ROW = 50
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_LENGTH = re.compile(rb"(?i)content-length:\s*(\d{1,8})\s*\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class MjpegPlayer:
    def __init__(self, web: WebResponse, config: SourceConfig, clock: Clock, counters: SourceCounters, name: str):
        self._web, self._config, self._clock, self._counters, self._name = web, config, clock, counters, name
        self._buffer = bytearray()
        self._sampler = FrameSampler(config.max_fps)
        self._times = ArrivalTimes()
        self._num_damaged = 0
        self.progress_s = clock.monotonic_s()

    def read(self, timeout_s: float) -> Frame | None:
        """As Source.read, without an end. Raises SourceLostError."""
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        failure: SourceLostError
        try:
            while True:
                jpeg = self._next_part()
                if jpeg is not None and (frame := self._frame(jpeg)) is not None:
                    return frame
                remaining_s = deadline_s - self._clock.monotonic_s()
                if jpeg is None and not self._receive(max(remaining_s, 0.001)):
                    self._check_silence()
                    return None
                if remaining_s <= 0:
                    self._check_silence()
                    return None
        except (OSError, PictureError):  # TimeoutError is an OSError
            failure = SourceLostError(f"{self._name} was disconnected.")
        raise failure

    def _check_silence(self) -> None:
        if self._clock.monotonic_s() - self.progress_s > self._config.read_timeout_s:
            raise SourceLostError(f"{self._name} fell silent: nothing comes from it any more.")

    def _receive(self, duration_s: float) -> bool:
        """More bytes into the buffer. False: none came in time."""
        if not self._web.wait(duration_s):
            return False
        self._web.deadline.within(MAX_WAIT_S)
        data = self._web.read(65_536)
        if not data:
            raise ConnectionError("the camera hung up")
        self._buffer += data
        if len(self._buffer) > 2 * _MAX_PICTURE_BYTES:
            raise PictureError("The camera sends a picture without an end.")
        return True

    def _next_part(self) -> bytes | None:
        """The next whole picture in the buffer: by the length that its head tells, or by the marks of a JPEG."""
        start = self._buffer.find(_START)
        if start < 0:
            del self._buffer[: max(0, len(self._buffer) - 4096)]  # a head, or what is no picture
            return None
        lengths = list(_LENGTH.finditer(self._buffer, 0, start))
        if lengths and _HEAD_END.search(self._buffer, lengths[-1].start(), start) is not None:
            end = start + min(int(lengths[-1][1]), _MAX_PICTURE_BYTES)
            is_whole = len(self._buffer) >= end
        else:
            end = self._buffer.find(_END, start) + 2
            is_whole = end >= 2
        if not is_whole:
            return None
        jpeg = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return jpeg

    def _frame(self, jpeg: bytes) -> Frame | None:
        now_s = self._clock.monotonic_s()
        time_s = self._times.stamp(now_s)
        index = self._counters.frames_decoded
        self._counters.frames_decoded += 1
        if not self._sampler.accept(time_s):
            self.progress_s = now_s
            self._counters.frames_skipped_by_rate += 1
            return None
        try:
            image = decode_picture(jpeg, self._config.max_side_px)
        except PictureError:
            self._counters.packets_damaged += 1
            self._num_damaged += 1
            if self._num_damaged > _MAX_DAMAGED_IN_A_ROW:
                raise
            return None
        self.progress_s, self._num_damaged = now_s, 0
        self._counters.frames_delivered += 1
        return Frame(image=image, time_s=time_s, wall_time_s=self._clock.wall_s(), index=index)
