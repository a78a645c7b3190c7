"""The camera of the benches: GStreamer's RTSP server, whose pictures tell when they were made.

In: a folder and a port. Out: a stream at 30 pictures a second, GOP of 60; each picture carries its number, and `sent_s`
holds the monotonic time at which each number was last handed to the encoder. A `GstreamerServer` cannot be had without
Debian's packages: `/usr/bin/python3` with GStreamer (see .ci/run).
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np

from tests.gstreamer import GstreamerCamera, GstreamerServer

__all__ = ["FPS", "Camera"]

FPS, _NUM_PICTURES = 30, 60


class Camera:
    """`start` returns when it listens; `kill` is SIGKILL. Use as a context manager."""

    def __init__(self, folder: Path, port: int, *, width: int = 640, height: int = 360):
        times = folder / "sent_times"
        self.sent_s = np.memmap(times, np.float64, "w+", shape=(_NUM_PICTURES,))
        shown = GstreamerCamera(
            width=width, height=height, fps=FPS, gop=60, num_pictures=_NUM_PICTURES, is_textured=True
        )
        self._server = GstreamerServer(folder, port, {"/camera": shown}, times=times)
        self.url = self._server.url("/camera")

    def start(self) -> float:
        """Monotonic time at which it listened."""
        self._server.start()
        return time.monotonic()

    def send(self, sent: signal.Signals) -> None:
        """SIGSTOP: it hangs, and the system goes on accepting for it. SIGCONT: it goes on."""
        self._server.send(sent)

    def kill(self) -> None:
        self._server.kill()

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
