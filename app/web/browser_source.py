"""The camera of the browser as a source: its pictures are pushed in and read out.

Comes in: JPEG pictures, from the thread of the WebSocket. Goes out: Frames, to the reading thread. Between them is room
for one picture: the newest wins, and what it replaced is counted.
"""

import io
import time
from collections.abc import Callable

import numpy as np

from app.handoff import Handoff, Signal
from vision import END, EndOfStream, Frame, SourceLostError
from vision.sources import SourceConfig, SourceCounters

__all__ = ["BrowserSource"]

_MAX_WAIT_S = 2.0  # as for every source: no read takes longer
_MAX_PICTURE_SIDE_PX = 8192


class BrowserSource:
    """`push` and `finish` may be called by any thread; the rest is the contract of every source."""

    name = "the camera of this browser"
    is_live = True

    def __init__(
        self,
        config: SourceConfig | None = None,
        *,
        max_silence_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """max_silence_s: a browser that sends nothing for so long is gone."""
        self.counters = SourceCounters()
        self._config = config or SourceConfig()
        self._max_silence_s, self._clock, self._wall_clock = max_silence_s, clock, wall_clock
        self._slot: Handoff[_Pushed] = Handoff()
        self._num_pushed = 0
        self._first_s: float | None = None
        self._newest_s = 0.0

    def push(self, jpeg: bytes) -> bool:
        """Puts the newest picture. False: the source is over."""
        pushed = _Pushed(jpeg, self._num_pushed, self._clock(), self._wall_clock())
        if not self._slot.put_newest(pushed):
            return False
        self._num_pushed += 1
        return True

    def finish(self) -> None:
        """There will be no more pictures: the stream ends, as a file does."""
        self._slot.finish()

    def open(self) -> None:
        self._newest_s = self._clock()

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        pushed = self._slot.take(min(timeout_s, _MAX_WAIT_S))
        self.counters.frames_skipped_late = self._slot.num_dropped
        if pushed is Signal.FINISHED:
            return END
        if isinstance(pushed, Signal):
            silence_s = self._clock() - self._newest_s
            if silence_s >= self._max_silence_s:
                raise SourceLostError(f"The browser has sent no picture for {silence_s:.0f} s. Is its page still open?")
            return None
        self._newest_s = pushed.clock_s
        return self._frame(pushed)

    def close(self) -> None:
        self._slot.finish()
        self._slot.drain()

    def _frame(self, pushed: "_Pushed") -> Frame | None:
        image = decode_jpeg(pushed.jpeg, self._config.max_side_px)
        if image is None:
            self.counters.packets_damaged += 1
            return None
        if self._first_s is None:
            self._first_s = pushed.clock_s
        self.counters.frames_decoded += 1
        self.counters.frames_delivered += 1
        return Frame(
            image=image,
            time_s=max(pushed.clock_s - self._first_s, 0.0),
            wall_time_s=pushed.wall_s,
            index=pushed.index,
        )


class _Pushed:
    """One picture and when it came."""

    def __init__(self, jpeg: bytes, index: int, clock_s: float, wall_s: float) -> None:
        self.jpeg, self.index, self.clock_s, self.wall_s = jpeg, index, clock_s, wall_s


def decode_jpeg(jpeg: bytes, max_side_px: int) -> np.ndarray | None:
    """uint8 [H, W, 3] RGB, no side longer than `max_side_px`; None: not a JPEG picture, or of an absurd size."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            if max(picture.size) > _MAX_PICTURE_SIDE_PX:
                return None
            picture.draft("RGB", (max_side_px, max_side_px))
            rgb = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if max(rgb.size) > max_side_px:
        rgb.thumbnail((max_side_px, max_side_px))
    return np.array(rgb, dtype=np.uint8)
