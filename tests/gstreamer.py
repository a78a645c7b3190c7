"""Real RTSP cameras: GStreamer's server in a process of its own, with numbered pictures, to be killed and stopped.

In: what its cameras show. Out: addresses to open. See tests/gstreamer_server.py for the other process.
"""

import json
import signal
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import av
import numpy as np

from tests import needed
from tests.numbered import numbered_picture

__all__ = ["GstreamerCamera", "GstreamerServer", "free_port"]

_PROGRAM = Path(__file__).with_name("gstreamer_server.py")


@dataclass(frozen=True, kw_only=True)
class GstreamerCamera:
    """One stream of a server. Its pictures carry their numbers, from 0 to `num_pictures` - 1, over and over."""

    codec: Literal["h264", "hevc", "mjpeg"] = "h264"
    width: int = 160
    height: int = 96
    fps: int = 20
    gop: int = 10
    num_pictures: int = 40
    is_textured: bool = False


class GstreamerServer:
    """Use as a context manager; `url(path)` is what a client opens. `cameras` by path, such as "/h264"."""

    def __init__(
        self,
        folder: Path,
        port: int,
        cameras: dict[str, GstreamerCamera],
        *,
        user: str = "viewer",
        password: str = "",
        certificate: tuple[Path, Path] | None = None,
        times: Path | None = None,
    ) -> None:
        """folder: where it may write. certificate: that and its key; then it speaks rtsps alone. times: a file that
        gets the monotonic time at which each number was last pushed, float64."""
        self.port, self._scheme = port, "rtsp" if certificate is None else "rtsps"
        self._python = needed.gstreamer_python()
        self._process: subprocess.Popen[str] | None = None
        self.wanted = {
            "port": port,
            "user": user,
            "password": password,
            "certificate": str(certificate[0]) if certificate else "",
            "key": str(certificate[1]) if certificate else "",
            "cameras": {
                path: asdict(camera) | {"pictures": str(_raw_pictures(folder, camera)), "times": str(times or "")}
                for path, camera in cameras.items()
            },
        }

    def url(self, path: str = "/h264", userinfo: str = "") -> str:
        return f"{self._scheme}://{userinfo}127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(
            [self._python, "-I", str(_PROGRAM), json.dumps(self.wanted)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "GStreamer's server did not start"

    def send(self, sent: signal.Signals) -> None:
        """SIGSTOP: it hangs, and the system goes on accepting for it. SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(sent)

    def kill(self) -> None:
        """As `kill -9` does. May be called twice."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _raw_pictures(folder: Path, camera: GstreamerCamera) -> Path:
    """The file of I420 pictures that the other process pushes."""
    path = folder / f"pictures_{camera.width}x{camera.height}x{camera.num_pictures}_{camera.is_textured}.yuv"
    if not path.exists():
        with path.open("wb") as file:
            for number in range(camera.num_pictures):
                image = numbered_picture(number, camera.width, camera.height, is_textured=camera.is_textured)
                planes = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p").to_ndarray()
                file.write(np.ascontiguousarray(planes).tobytes())
    return path
