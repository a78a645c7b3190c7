"""Made-up scenes, for tests and for machines without a camera: the same frames every time.

In: the name of a scene and its options (frames, fps, size, live). Out: frames, then END. `frames=0` is endless. With
`live=1` a frame that is not read in time is lost, as with a camera. Used by the reading thread only.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vision.errors import SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock, SystemClock
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters
from vision.sources.timing import Pacer

__all__ = ["SCENES", "SyntheticSource"]

Image = npt.NDArray[np.uint8]
Scene = Callable[[float, int, int], Image]
"""(time_s, width, height) -> uint8 [H, W, 3] RGB."""

_GROUND = (32, 40, 56)
_COLOURS = ((220, 30, 30), (30, 180, 50), (40, 70, 220), (240, 220, 40), (250, 250, 250), (10, 10, 10))


def _moving_square(time_s: float, width: int, height: int) -> Image:
    """A red square crosses a dark ground from left to right in four seconds, again and again."""
    image = np.full((height, width, 3), _GROUND, dtype=np.uint8)
    side = max(1, min(width, height) // 4)
    left = round((width - side) * (time_s % 4.0) / 4.0)
    top = (height - side) // 2
    image[top : top + side, left : left + side] = _COLOURS[0]
    return image


def _colours(time_s: float, width: int, height: int) -> Image:
    """The whole picture is red, green, blue, yellow, white, black: one second each, again and again."""
    return np.full((height, width, 3), _COLOURS[int(time_s) % len(_COLOURS)], dtype=np.uint8)


SCENES: Mapping[str, Scene] = {"moving_square": _moving_square, "colours": _colours}


class SyntheticSource:
    """See the module. Time is `index / fps`, also when frames are lost."""

    def __init__(
        self,
        scene: str,
        options: Mapping[str, str] | None = None,
        config: SourceConfig | None = None,
        clock: Clock | None = None,
    ):
        """Raises SourceOpenError (kind bad_url) for an unknown scene or option."""
        if scene not in SCENES:
            raise SourceOpenError(f"There is no scene {scene!r}. There are: {', '.join(SCENES)}.", "bad_url")
        self.name = f"synthetic:{scene}"
        self.counters = SourceCounters()
        self._config, self._clock = config or SourceConfig(), clock or SystemClock()
        self._scene = SCENES[scene]
        self._num_frames, self._fps, self._size, self.is_live = _read_options(options or {})
        is_paced = self.is_live or self._config.speed == "realtime"
        self._pacer = Pacer(self._clock, tolerance_s=1 / self._fps) if is_paced else None
        self._sampler = FrameSampler(self._config.max_fps)
        self._index = -1
        self._is_wanted = False
        self._is_open = False

    def open(self) -> None:
        self._is_open = True
        self._advance()

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if not self._is_open:
            raise ValueError("read() before open()")
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        while not self._is_over():
            if self._pacer is not None and self._pacer.is_lost(self._time_s):
                self.counters.frames_skipped_late += 1
                self._advance()
            elif self._pacer is None or self._pacer.wait_until_due(self._time_s, deadline_s):
                return self._deliver()
            else:
                return None
        return END

    def close(self) -> None:
        self._is_open = False

    @property
    def _time_s(self) -> float:
        return self._index / self._fps

    def _is_over(self) -> bool:
        return self._num_frames > 0 and self._index >= self._num_frames

    def _advance(self) -> None:
        """On to the next frame that `max_fps` wants."""
        self._index += 1
        while not self._is_over() and not self._sampler.accept(self._time_s):
            self.counters.frames_skipped_by_rate += 1
            self._index += 1

    def _deliver(self) -> Frame:
        time_s = self._time_s
        if self._pacer is not None:
            self._pacer.given()
        image = self._scene(time_s, *self._size)
        frame = Frame(image=image, time_s=time_s, wall_time_s=self._clock.wall_s(), index=self._index)
        self.counters.frames_decoded += 1
        self.counters.frames_delivered += 1
        self._advance()
        return frame


def _read_options(options: Mapping[str, str]) -> tuple[int, float, tuple[int, int], bool]:
    """Number of frames, frames a second, (width, height), and whether it behaves like a camera."""
    unknown = sorted(set(options) - {"frames", "fps", "size", "live"})
    if unknown:
        raise SourceOpenError(
            f"A synthetic source has no option {unknown[0]!r}. It has frames, fps, size and live.", "bad_url"
        )
    try:
        num_frames, fps = int(options.get("frames", "100")), float(options.get("fps", "10"))
        width, height = (int(side) for side in options.get("size", "160x120").split("x"))
        is_live = bool(("0", "1").index(options.get("live", "0")))
    except ValueError:
        num_frames, fps, width, height, is_live = -1, 0.0, 0, 0, False
    if num_frames < 0 or not 0 < fps <= 1000 or not (1 <= width <= 4096 and 1 <= height <= 4096):
        raise SourceOpenError(
            "An option of the synthetic source is out of range. Write them as ?frames=50&fps=10&size=64x48&live=1.",
            "bad_url",
        )
    return num_frames, fps, (width, height), is_live
