"""A camera of this machine, through OpenCV (V4L2, AVFoundation, Media Foundation).

In: the number of the camera, or on Linux its device. Out: frames as they come. The reading thread opens, reads and
closes it. OpenCV knows no reasons, so on Linux the device is looked at first. BGR stays in here.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vision.errors import SourceLostError, SourceOpenError
from vision.frame import EndOfStream, Frame
from vision.sampler import FrameSampler
from vision.sources.clock import Clock, SystemClock
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters, ThreadGuard
from vision.sources.timing import ArrivalTimes

__all__ = ["Capture", "WebcamSource"]

_RETRY_S = 0.05


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...  # noqa: N802
    def read(self) -> tuple[bool, Any]: ...
    def release(self) -> None: ...


class WebcamSource:
    """See the module. `open_capture` is replaced in tests."""

    is_live = True

    def __init__(
        self,
        device: str = "0",
        config: SourceConfig | None = None,
        clock: Clock | None = None,
        *,
        open_capture: Callable[[str], Capture] | None = None,
    ):
        self.name = f"webcam:{device}"
        self.counters = SourceCounters()
        self._device, self._config, self._clock = device, config or SourceConfig(), clock or SystemClock()
        self._open_capture = open_capture or _open_with_opencv
        self._guard = ThreadGuard()
        self._capture: Capture | None = None
        self._sampler = FrameSampler(self._config.max_fps)
        self._times = ArrivalTimes()
        self._opened_s = 0.0

    def open(self) -> None:
        self._guard.claim()
        capture = self._open_capture(self._device)
        if not capture.isOpened():
            capture.release()
            raise SourceOpenError(
                f"The camera {self.name} could not be opened: it is not there, another program is using it, or the "
                "system does not permit its use.",
                "device",
            )
        self._capture = capture
        self._opened_s = self._clock.monotonic_s()

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if self._capture is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        deadline_s = self._clock.monotonic_s() + min(timeout_s, MAX_WAIT_S)
        while True:
            has_picture, picture = self._capture.read()
            now_s = self._clock.monotonic_s()
            if has_picture and picture is not None:
                time_s = self._times.stamp(now_s)
                self.counters.frames_decoded += 1
                if self._sampler.accept(time_s):
                    return self._deliver(picture, time_s)
                self.counters.frames_skipped_by_rate += 1
            else:
                self._check_alive(now_s)
                self._clock.wait(min(_RETRY_S, max(0.0, deadline_s - now_s)))
                now_s = self._clock.monotonic_s()
            if now_s >= deadline_s:
                return None

    def close(self) -> None:
        if self._capture is not None:
            self._guard.check(self.name)
            self._capture.release()
            self._capture = None

    def _check_alive(self, now_s: float) -> None:
        silence_s = now_s - (self._times.newest_s or self._opened_s)
        if silence_s >= self._config.read_timeout_s:
            raise SourceLostError(f"The camera {self.name} gave no picture for {silence_s:.0f} s. Was it unplugged?")

    def _deliver(self, picture: npt.NDArray[np.uint8], time_s: float) -> Frame:
        self.counters.frames_delivered += 1
        return Frame(
            image=_to_rgb(picture, self._config.max_side_px),
            time_s=time_s,
            wall_time_s=self._clock.wall_s(),
            index=self.counters.frames_decoded - 1,
        )


def _to_rgb(picture: npt.NDArray[np.uint8], max_side_px: int) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3] BGR or [H, W] grey -> uint8 [h, w, 3] RGB, no side longer than `max_side_px`."""
    import cv2

    height_px, width_px = picture.shape[:2]
    scale = min(1.0, max_side_px / max(height_px, width_px))
    if scale < 1.0:
        size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def _open_with_opencv(device: str) -> Capture:
    """Raises SourceOpenError (kind device) where the reason can be known."""
    path = f"/dev/video{device}" if device.isdigit() else device
    if sys.platform.startswith("linux"):
        _check_device(path)
    # How long OpenCV waits for a picture on Linux, in seconds (10 if nothing is said): read() must come back sooner.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(round(MAX_WAIT_S)))
    import cv2

    log = cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)  # it would write its own warnings about what we report ourselves
    try:
        capture = cv2.VideoCapture(int(device) if device.isdigit() else device)
    finally:
        log.setLogLevel(level)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not the oldest of a queue
    return capture


def _check_device(path: str) -> None:
    if not os.path.exists(path):
        raise SourceOpenError(f"There is no camera {path} on this machine. Plug one in, or give a file.", "device")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceOpenError(
            f"The camera {path} may not be used by this user. Add the user to the group video, then log in again.",
            "device",
        )
