"""How smooth and how fresh the page's live picture is, what it costs, and whether answers suffer from it.

In: nothing (GStreamer's camera on loopback, 640 x 360 at 30 pictures a second, watched by `serve` with the real
models). Out: a table and, as the last line, one JSON object: pictures a second and their age with one and four pages
over real WebSockets and with one in Chromium, the server's CPU beside that with nobody looking, and the time to the
first token of an answer in each case. The ages count from a picture's way into the camera's own encoder. Two minutes.

    python -m bench.web [--seconds 8] [--questions 5] [--skip-tests]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.source_camera import FPS, Camera
from bench.web_browser import watch_in_browser
from bench.web_viewer import first_tokens_ms
from tests.gstreamer import free_port

QUESTIONS = (
    "What do you see now?",
    "How many people are there?",
    "Have you seen a dog so far?",
    "What happened so far?",
    "Is there a car right now?",
)
_READY_S = 180.0


class Server:
    """`serve` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process, self.address = process, address

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_seen(self) -> None:
        """The models are loaded and the first pictures are remembered."""
        end_s = time.monotonic() + _READY_S
        while time.monotonic() < end_s:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/v1/status") as answer:
                cameras = json.load(answer)["cameras"]
                if all(camera["frames"]["encoded"] > 4 for camera in cameras.values()):
                    return
            time.sleep(0.5)
        raise TimeoutError("the server has seen nothing")


@contextlib.contextmanager
def served(source: str) -> Iterator[Server]:
    words = ["serve", "--port", "0", "--no-browser", "--source", source]
    process = subprocess.Popen([sys.executable, "-m", "app.cli", *words], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = (re.search(r"Afterglow is at (http://\S+)", line) for line in process.stderr)
        yield Server(process, next(one[1] for one in found if one))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def viewers(server: Server, count: int, seconds: float, times: Path) -> Iterator[dict[str, Any]]:
    """Pages that look on during the block; their figures are there after it."""
    result: dict[str, Any] = {}
    if count == 0:
        yield result
        return
    words = [server.address, "--viewers", str(count), "--seconds", str(seconds), "--times", str(times)]
    command = [sys.executable, "-m", "bench.web_viewer", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield result
        output, _ = process.communicate(timeout=seconds + 60)
    if process.returncode:
        raise SystemExit("a viewer failed")
    result |= json.loads(output)


def measure(server: Server, camera: Camera, times: Path, seconds: float, num_questions: int) -> dict[str, Any]:
    """The cases in order; each is watched first, then watched while questions are asked."""
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(num_questions)]
    asyncio.run(first_tokens_ms(server.address, questions))  # warms up
    result: dict[str, Any] = {}
    for count in (0, 1, 4):
        name = f"{count} pages"
        start_s, start_cpu_s = time.monotonic(), server.cpu_s()
        with viewers(server, count, seconds, times) as seen:
            time.sleep(seconds + 1.0)
        percent = 100 * (server.cpu_s() - start_cpu_s) / (time.monotonic() - start_s)
        with viewers(server, count, seconds, times):
            asked = asyncio.run(first_tokens_ms(server.address, questions))
        result[name] = _row(seen) | {"server_cpu_percent": round(percent, 1), "first_token_ms": quantiles(asked)}
    browser = watch_in_browser(server.address, seconds, camera.sent_s)
    result["1 page in Chromium"] = {"missing": "chromium is not on this machine"} if browser is None else _row(browser)
    return result


def _row(seen: dict[str, Any]) -> dict[str, Any]:
    if not seen:
        return {}
    fps = seen["fps"] if isinstance(seen["fps"], list) else [seen["fps"]]
    return {"fps": [round(value, 1) for value in fps], "frame_age_ms": quantiles(seen["ages_ms"])}


def quantiles(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.quantile(values, (0.5, 0.95))
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "count": len(values)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--questions", type=int, default=5)
    parser.add_argument("--skip-tests", action="store_true")
    options = parser.parse_args(arguments)
    if not options.skip_tests:
        tests = [sys.executable, "-m", "pytest", "-q", "tests/app/web"]
        if subprocess.run(tests, stdout=sys.stderr, timeout=900).returncode:
            raise SystemExit("the tests of the page fail: no figures")
    with (
        tempfile.TemporaryDirectory() as folder,
        Camera(Path(folder), free_port()) as camera,
        served(camera.url) as server,
    ):
        server.wait_until_seen()
        result = measure(server, camera, Path(folder) / "sent_times", options.seconds, options.questions)
    for name, row in result.items():
        print(f"{name:20s} {row}")
    device = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    about = {"camera_fps": FPS, "python": platform.python_version(), "load_average": os.getloadavg()[0]}
    print(json.dumps({"pages": result} | device | about))


if __name__ == "__main__":
    main()
