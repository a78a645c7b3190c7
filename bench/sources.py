"""How quickly a camera is there, how old its pictures are, how it comes back, and what it costs.

In: nothing (GStreamer's RTSP server on loopback, in a process of its own). Out: a table and, as the last line, one JSON
object. The matching tests run first; if they fail there are no figures. Plain PyAV (default options, decoded in the
reading loop) and OpenCV are measured in the same run, in turns. Ages count from a picture's way into the server's
encoder; CPU is that of the reading process alone. About three minutes, tests aside.

    python -m bench.sources [--seconds 6] [--repeats 6] [--skip-tests]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np

from bench.source_camera import Camera
from tests.numbered import number_of
from vision import Frame
from vision.sources import SourceConfig, open_source, set_idle, source_connection

OUTAGE_S = 2.0
_GIVE_UP_S = 60.0
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"


class Reader(Protocol):
    """One way to read a camera."""

    def open(self) -> None: ...
    def read(self) -> np.ndarray | None: ...
    def close(self) -> None: ...


class Afterglow:
    def __init__(self, url: str, fps: float | None = None, is_idle: bool = False):
        self.source = open_source(url, SourceConfig(max_fps=fps))
        set_idle(self.source, is_idle)

    def open(self) -> None:
        self.source.open()

    def read(self) -> np.ndarray | None:
        frame = self.source.read(0.2)
        return frame.image if isinstance(frame, Frame) else None

    def close(self) -> None:
        self.source.close()


class PlainPyAV:
    """As its documentation shows; the pictures that `fps` does not want are decoded and not converted."""

    def __init__(self, url: str, fps: float | None = None):
        self._url, self._period_s, self._due_s = url, 0.0 if fps is None else 1 / fps, 0.0

    def open(self) -> None:
        self._container = av.open(self._url, options={"rtsp_transport": "tcp"}, timeout=(5.0, 5.0))
        self._pictures = self._container.decode(video=0)

    def read(self) -> np.ndarray | None:
        picture = next(self._pictures)
        if time.monotonic() < self._due_s:
            return None
        self._due_s = time.monotonic() + self._period_s
        return picture.to_ndarray(format="rgb24")

    def close(self) -> None:
        self._container.close()


class OpenCV:
    def __init__(self, url: str, fps: float | None = None):
        self._url, self._period_s, self._due_s = url, 0.0 if fps is None else 1 / fps, 0.0

    def open(self) -> None:
        self._capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise OSError("not opened")

    def read(self) -> np.ndarray | None:
        if not self._capture.grab():
            raise OSError("lost")
        if time.monotonic() < self._due_s:
            return None
        self._due_s = time.monotonic() + self._period_s
        return cv2.cvtColor(self._capture.retrieve()[1], cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        self._capture.release()


Make = Callable[..., Reader]
PEERS: dict[str, Make] = {"afterglow": Afterglow, "PyAV": PlainPyAV, "OpenCV": OpenCV}


def first_picture(reader: Reader) -> None:
    end_s = time.monotonic() + _GIVE_UP_S
    while reader.read() is None:
        if time.monotonic() > end_s:
            raise TimeoutError("no picture came")


def open_time_s(make: Make, camera: Camera) -> float:
    """From the start of opening to the first picture."""
    reader = make(camera.url)
    started_s = time.monotonic()
    reader.open()
    first_picture(reader)
    elapsed_s = time.monotonic() - started_s
    reader.close()
    return elapsed_s


def ages_ms(make: Make, camera: Camera, duration_s: float) -> list[float]:
    """From the sending of each picture to its being in hand, after a second of warming up."""
    reader = make(camera.url)
    reader.open()
    first_picture(reader)
    start_s, ages = time.monotonic(), []
    while (now_s := time.monotonic()) < start_s + 1.0 + duration_s:
        image = reader.read()
        if image is not None and now_s > start_s + 1.0:
            ages.append((time.monotonic() - camera.sent_s[number_of(image)]) * 1e3)
    reader.close()
    return ages


def cpu_percent(reader: Reader, duration_s: float) -> float:
    """Of one core."""
    reader.open()
    first_picture(reader)
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    while time.monotonic() < start_s + duration_s:
        reader.read()
    percent = 100 * (time.process_time() - start_cpu_s) / (time.monotonic() - start_s)
    reader.close()
    return percent


def reconnect_s(camera: Camera, repeats: int) -> list[tuple[float, float]]:
    """After kill -9 and a start anew: seconds from listening to the first picture, and from the try that succeeded."""
    figures = []
    for _ in range(repeats):
        reader = Afterglow(camera.url)  # a new one: the pauses of one that was lost a moment ago start longer
        reader.open()
        first_picture(reader)
        camera.kill()
        killed_s = time.monotonic()
        while time.monotonic() < killed_s + OUTAGE_S:
            reader.read()
        listening_s, tried_s = camera.start(), 0.0
        is_back = False
        while not is_back:
            connection = source_connection(reader.source)
            assert connection is not None
            tried_s = connection.retry_at_s or tried_s
            is_back = reader.read() is not None
        now_s = time.monotonic()
        figures.append((now_s - listening_s, now_s - max(tried_s, listening_s)))
        reader.close()
    return figures


def stall_noticed_s(camera: Camera, repeats: int) -> list[float]:
    """From SIGSTOP to the state "stalled"."""
    figures = []
    for _ in range(repeats):
        reader = Afterglow(camera.url)
        reader.open()
        first_picture(reader)
        camera.send(signal.SIGSTOP)
        stopped_s = time.monotonic()
        while getattr(source_connection(reader.source), "state", None) != "stalled":
            reader.read()
            if time.monotonic() > stopped_s + _GIVE_UP_S:
                raise TimeoutError("the stall was not noticed")
        figures.append(time.monotonic() - stopped_s)
        camera.send(signal.SIGCONT)
        reader.close()
    return figures


def peer_reconnect_s(make: Make, camera: Camera, repeats: int) -> list[float]:
    """A loop that opens anew every half second, as examples do."""
    figures = []
    for _ in range(repeats):
        camera.kill()
        time.sleep(OUTAGE_S)
        listening_s = camera.start()
        while True:
            reader = make(camera.url)
            try:
                reader.open()
                first_picture(reader)
                break
            except (OSError, av.FFmpegError):
                time.sleep(0.5)
        figures.append(time.monotonic() - listening_s)
        reader.close()
    return figures


def quantiles(values: Sequence[float], digits: int) -> dict[str, float]:
    p50, p95 = np.quantile(values, (0.5, 0.95))
    return {"p50": round(float(p50), digits), "p95": round(float(p95), digits)}


def measure(camera: Camera, seconds: float, repeats: int) -> dict[str, object]:
    opening: dict[str, list[float]] = {name: [] for name in PEERS}
    ages: dict[str, list[float]] = {name: [] for name in PEERS}
    for number in range(repeats):
        for name in list(PEERS)[:: 1 if number % 2 else -1]:
            opening[name].append(open_time_s(PEERS[name], camera))
    for order in (1, -1):
        for name in list(PEERS)[::order]:
            ages[name] += ages_ms(PEERS[name], camera, seconds / 2)
    cpu = {
        f"{name} at {fps:g}/s": cpu_percent(make(camera.url, fps), seconds)
        for fps in (10, 1)
        for name, make in PEERS.items()
    }
    cpu["afterglow idle (key pictures) at 1/s"] = cpu_percent(Afterglow(camera.url, 1.0, is_idle=True), seconds)
    back = reconnect_s(camera, repeats)
    return {
        "open_to_first_picture_s": {name: quantiles(values, 3) for name, values in opening.items()},
        "frame_age_ms": {name: quantiles(values, 1) | {"frames": len(values)} for name, values in ages.items()},
        "cpu_percent_of_a_core": {name: round(value, 1) for name, value in cpu.items()},
        "stall_noticed_s": {"afterglow": quantiles(stall_noticed_s(camera, max(2, repeats // 2)), 2)},
        "back_after_listening_s": {
            "afterglow": quantiles([total for total, _ in back], 2),
            "afterglow, from the try that succeeded": quantiles([tried for _, tried in back], 2),
        }
        | {name: quantiles(peer_reconnect_s(PEERS[name], camera, repeats), 2) for name in ("PyAV", "OpenCV")},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--skip-tests", action="store_true")
    options = parser.parse_args(arguments)
    if not options.skip_tests:
        tests = [sys.executable, "-m", "pytest", "-q", "tests/vision/sources", "tests/app/test_capturing.py"]
        if subprocess.run(tests, stdout=sys.stderr, timeout=900).returncode:
            raise SystemExit("the tests of the sources fail: no figures")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, Camera(Path(folder), port) as camera:
        result = measure(camera, options.seconds, options.repeats)
    for title, rows in result.items():
        print(title)
        assert isinstance(rows, dict)
        for name, value in rows.items():
            print(f"  {name:42s} {value}")
    versions = {"av": av.__version__, "opencv": cv2.__version__, "python": platform.python_version()}
    device = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    print(json.dumps(result | device | versions | {"load_average": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
