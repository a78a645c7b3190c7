"""Pictures that somebody pushes in, such as a browser with a camera, as a live source.

In: JPEG pictures, from any thread. Out: Frames, to the reading thread. Between them is little room: the newest win, and
what they replaced is counted. What is no picture is refused at the door, by whoever pushed it.
"""

import math
import threading
from collections import deque
from typing import NamedTuple

from vision.errors import PictureError, SourceLostError
from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock, SystemClock
from vision.sources.connection import ConnectionConfig, ConnectionStatus, ConnectionWatch, StreamGap
from vision.sources.images import check_picture, decode_picture
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters

__all__ = ["PushedSource"]

_MAX_DRIFT_S = 2.0  # between the sender's clock and the arrival of its pictures


class _Pushed(NamedTuple):
    jpeg: bytes
    number: int
    sent_s: float | None
    arrived_s: float
    wall_s: float


class PushedSource:
    """`put` and `finish` may be called by any thread; the rest is the contract of every source."""

    is_live = True

    def __init__(
        self,
        name: str = "the camera of the browser",
        config: SourceConfig | None = None,
        clock: Clock | None = None,
        *,
        capacity: int = 2,
        max_picture_bytes: int = 4_000_000,
        max_silence_s: float | None = 30.0,
    ):
        """capacity: pictures that wait to be read. max_silence_s: a sender that is quiet for so long is lost; None:
        it is waited for without an end."""
        if not 1 <= capacity <= 64:
            raise ValueError(f"capacity must be in 1..64, got {capacity}")
        self.name = name
        self.counters = SourceCounters()
        self._config, self._clock = config or SourceConfig(), clock or SystemClock()
        self._capacity, self._max_picture_bytes, self._max_silence_s = capacity, max_picture_bytes, max_silence_s
        self._pictures: deque[_Pushed] = deque()
        self._changed = threading.Condition()  # guards what `put` and `finish` write
        self._num_put = self._num_replaced = 0
        self._is_finished = False
        self._sampler = FrameSampler(self._config.max_fps)
        self._watch = ConnectionWatch(self._config.connection or ConnectionConfig(), self._clock.monotonic_s())
        self._newest_s = self._clock.monotonic_s()
        self._times = _SentTimes()

    @property
    def connection(self) -> ConnectionStatus:
        return self._watch.status

    def take_gaps(self) -> list[StreamGap]:
        return self._watch.take_gaps()

    def put(self, jpeg: bytes, time_s: float | None = None) -> bool:
        """Puts the newest picture. False: the source is over.

        time_s: when the sender took it, on any clock of its own that runs evenly. Raises PictureError for what is no
        JPEG picture of an acceptable size, or a time that is no number.
        """
        if len(jpeg) > self._max_picture_bytes:
            raise PictureError(f"The picture has {len(jpeg)} bytes; at most {self._max_picture_bytes} are accepted.")
        if time_s is not None and not math.isfinite(time_s):
            raise PictureError(f"The time of the picture must be a number, got {time_s}.")
        check_picture(jpeg)
        arrived_s, wall_s = self._clock.monotonic_s(), self._clock.wall_s()
        with self._changed:
            if self._is_finished:
                return False
            if len(self._pictures) >= self._capacity:
                self._pictures.popleft()
                self._num_replaced += 1
            self._pictures.append(_Pushed(bytes(jpeg), self._num_put, time_s, arrived_s, wall_s))
            self._num_put += 1
            self._changed.notify_all()
        return True

    def finish(self) -> None:
        """There will be no more pictures: the stream ends, as a file does. May be called twice."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def open(self) -> None:
        self._newest_s = self._clock.monotonic_s()

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        pushed, is_finished = self._take(min(timeout_s, MAX_WAIT_S))
        now_s = self._clock.monotonic_s()
        if pushed is not None:
            self._newest_s = pushed.arrived_s
            return self._frame(pushed, now_s)
        if is_finished:
            self._watch.ended(now_s, self._times.last_s)
            return END
        self._watch.quiet(now_s)
        silence_s = now_s - self._newest_s
        if self._max_silence_s is not None and silence_s >= self._max_silence_s:
            raise SourceLostError(
                f"No picture has come from {self.name} for {silence_s:.0f} s. Is its page still open?"
            )
        return None

    def close(self) -> None:
        self.finish()
        with self._changed:
            self._pictures.clear()
        self._watch.ended(self._clock.monotonic_s(), self._times.last_s)

    def _take(self, timeout_s: float) -> tuple[_Pushed | None, bool]:
        with self._changed:
            self._changed.wait_for(lambda: self._pictures or self._is_finished, timeout_s)
            self.counters.frames_skipped_late = self._num_replaced
            return (self._pictures.popleft() if self._pictures else None), self._is_finished

    def _frame(self, pushed: _Pushed, now_s: float) -> Frame | None:
        time_s = self._times.stamp(pushed.sent_s, pushed.arrived_s)
        if not self._sampler.accept(time_s):
            self._watch.picture(time_s, now_s)
            self.counters.frames_skipped_by_rate += 1
            return None
        try:
            image = decode_picture(pushed.jpeg, self._config.max_side_px)
        except PictureError:
            self.counters.packets_damaged += 1  # its head was good, its body is not
            return None
        self._watch.picture(time_s, now_s)
        self.counters.frames_decoded += 1
        self.counters.frames_delivered += 1
        return Frame(image=image, time_s=time_s, wall_time_s=pushed.wall_s, index=pushed.number)


class _SentTimes:
    """Stream time by the sender's clock, which knows nothing of the network's delays; by arrival where it is wrong."""

    def __init__(self) -> None:
        self.last_s: float | None = None
        self._first_arrived_s: float | None = None
        self._offset_s: float | None = None

    def stamp(self, sent_s: float | None, arrived_s: float) -> float:
        if self._first_arrived_s is None:
            self._first_arrived_s = arrived_s
        time_s = by_arrival_s = max(arrived_s - self._first_arrived_s, 0.0)
        if sent_s is not None:
            if self._offset_s is None or abs(sent_s + self._offset_s - by_arrival_s) > _MAX_DRIFT_S:
                self._offset_s = by_arrival_s - sent_s
            time_s = sent_s + self._offset_s
        self.last_s = max(time_s, self.last_s or 0.0)
        return self.last_s
