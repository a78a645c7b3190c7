"""The live picture of one watch, as bytes for the pages that look at it.

Comes in: the newest frame, and how large a page shows it. Goes out: its stream time and a JPEG of about that size, made
once however many pages look. The page's event loop calls it; a few ms.
"""

import io
import struct
import time
from collections.abc import Callable

from vision import Frame

__all__ = ["DEFAULT_SIDE_PX", "LivePictures", "picture_message"]

SIDES_PX = (320, 480, 640, 800, 960)  # the longer side of a JPEG; few, so that pages share them
DEFAULT_SIDE_PX = 800  # for a page that has not told its size
_QUALITY = 78
_MIN_PERIOD_S = 0.028  # a little below 1/30 s: no picture of a camera that gives 30 a second comes too early
_MAX_SHARE = 0.2  # of one core, for making pictures
_LATELY = 0.2  # weight of the newest picture in the running mean of the cost


class LivePictures:
    """Which frame is shown now, and its JPEGs. All pages are shown the same frames, at most about 30 a second.

    Where making them takes long (large pictures, a busy machine) it is done more seldom.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._frame: Frame | None = None
        self._messages: dict[int, bytes] = {}  # by side, of this frame
        self._number = 0
        self._due_s = 0.0
        self._frame_cost_s = self._cost_s = 0.0

    @property
    def period_s(self) -> float:
        """The shortest time from one picture to the next."""
        return max(_MIN_PERIOD_S, self._cost_s / _MAX_SHARE)

    def look(self, frame: Frame | None) -> int:
        """Takes note of the newest frame. The number of the picture that is to be shown now; 0 if there is none."""
        now_s = self._clock()
        if frame is not None and frame is not self._frame and now_s >= self._due_s:
            self._cost_s += _LATELY * (self._frame_cost_s - self._cost_s)
            self._frame_cost_s = 0.0
            self._frame, self._number = frame, self._number + 1
            self._messages.clear()
            self._due_s = now_s + self.period_s
        return self._number if self._frame is not None else 0

    def forget(self) -> None:
        """The picture that is shown may be of a moment that was forgotten."""
        self._frame = None
        self._messages.clear()

    def message(self, side_px: int) -> bytes:
        """The picture that `look` told, for a page that shows it at this size."""
        assert self._frame is not None, "look() has told no picture yet"
        side_px = next((side for side in SIDES_PX if side >= side_px), SIDES_PX[-1])
        if side_px not in self._messages:
            started_s = self._clock()
            self._messages[side_px] = picture_message(self._frame, side_px)
            self._frame_cost_s += self._clock() - started_s
        return self._messages[side_px]


def picture_message(frame: Frame, side_px: int = DEFAULT_SIDE_PX) -> bytes:
    """float64 big-endian seconds of stream time, then a JPEG no side of which is longer than `side_px`."""
    from PIL import Image

    stride = max(1, max(frame.height_px, frame.width_px) // (2 * side_px))
    picture = Image.fromarray(frame.image[::stride, ::stride])
    if max(picture.size) > side_px:
        picture.thumbnail((side_px, side_px), Image.Resampling.BILINEAR, reducing_gap=1.5)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return struct.pack(">d", frame.time_s) + buffer.getvalue()
