"""The screen of this machine, as far as the decoder allows: X11 on Linux, AVFoundation on macOS, GDI on Windows.

In: nothing, or which screen. Out: frames as they are taken. The reading thread opens, reads and closes it.
"""

import os
import sys
from collections.abc import Mapping

from av import formats_available

from vision.errors import SourceOpenError
from vision.frame import Frame
from vision.sources.clock import Clock, SystemClock
from vision.sources.container_source import ContainerSource
from vision.sources.live import LivePlayer
from vision.sources.pyav_input import open_container, pick_video_stream
from vision.sources.pyav_reader import VideoReader
from vision.sources.source import MAX_WAIT_S, SourceConfig, SourceCounters

__all__ = ["ScreenSource", "screen_device"]

_DEFAULT_FPS = 10.0


def screen_device(
    display: str, platform: str, environ: Mapping[str, str], formats: frozenset[str] | set[str]
) -> tuple[str, str]:
    """(format, device) for the decoder. Raises SourceOpenError (kind device) with the reason where there is none."""
    if platform.startswith("linux"):
        name, device = "x11grab", display if display.startswith(":") else environ.get("DISPLAY", "")
        if not device:
            hint = "Under Wayland, start an X11 session. " if environ.get("WAYLAND_DISPLAY") else ""
            raise SourceOpenError(
                f"There is no X11 screen: DISPLAY is not set. {hint}Share the screen from the browser instead.",
                "device",
            )
    elif platform == "darwin":
        name, device = "avfoundation", f"Capture screen {display or 0}:none"
    elif platform == "win32":
        name, device = "gdigrab", "desktop"
    else:
        raise SourceOpenError(f"The screen cannot be watched on this system ({platform}).", "device")
    if name not in formats:
        raise SourceOpenError(
            f"The installed decoder cannot watch the screen: it was built without {name}. Share the screen from the "
            "browser instead.",
            "device",
        )
    return name, device


class ScreenSource(ContainerSource):
    """See the module. display: "" for the usual one, a number, or an X11 display such as ":1.0"."""

    is_live = True

    def __init__(self, display: str = "", config: SourceConfig | None = None, clock: Clock | None = None):
        super().__init__()
        self.name = f"screen:{display}" if display else "screen"
        self.counters = SourceCounters()
        self._display, self._config, self._clock = display, config or SourceConfig(), clock or SystemClock()
        self._player: LivePlayer | None = None

    def _open(self) -> None:
        name, device = screen_device(self._display, sys.platform, os.environ, formats_available)
        failure: SourceOpenError | None = None
        try:
            self._container = open_container(
                device,
                self.name,
                options={"protocol_whitelist": "none", "framerate": str(self._config.max_fps or _DEFAULT_FPS)},
                timeout_s=(self._config.open_timeout_s, MAX_WAIT_S),
                container_format=name,
            )
        except SourceOpenError:
            failure = SourceOpenError(
                f"The screen {device} could not be watched: it is not there, or the system does not permit it.",
                "device",
            )
        if failure is not None:
            raise failure
        assert self._container is not None
        stream = pick_video_stream(self._container, self.name)
        reader = VideoReader(self._container, stream, self.counters, is_live=True)
        self._player = LivePlayer(reader, stream, self._config, self._clock, self.counters, self.name, can_resume=False)

    def read(self, timeout_s: float) -> Frame | None:
        if self._player is None:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        return self._player.read(timeout_s)

    def _stop_reading(self) -> None:
        self._player = None
