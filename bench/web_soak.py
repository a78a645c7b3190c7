"""Hours of a stream in minutes, with a page that looks on and asks: what the program holds must not grow.

In: a file, played over and over at ten times real time through the real capture, encoder, memory, language model and
web server, in this process. Out: every few seconds a row, and as the last line one JSON object: resident memory, open
files and threads, and how much memory grew for each hour of the stream over the last half. Half a frame is looked at
for each second of the stream, since two cores encode no more than that ten times as fast.

    python -m bench.web_soak [--minutes 3] [--speed 10] [--source assets/demo/photo_walk.mp4]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import uvicorn

from app.capturing import CaptureConfig
from app.cli.ending import end_process
from app.config import AssistantConfig
from app.kept_models import KeptModels
from app.machine_memory import host_memory_bytes
from app.perceiving import PerceiveConfig
from app.recording.folder import default_data_folder
from app.session import Session
from app.web.application import make_application
from app.web.cameras import Cameras
from app.web.choices import DEMO_CLIP
from app.web.guard import Guard
from app.web.hub import Hub
from app.web.recordings import Recordings
from app.web.serving import listening_socket
from bench.web import QUESTIONS
from bench.web_viewer import first_tokens_ms
from vision import END, EndOfStream, Frame
from vision.sources import Source, SourceConfig, open_source

CONFIG = SourceConfig(speed="max", max_fps=2.0)
_ROW_S, _ASK_S = 5.0, 10.0
_FPS = 0.5


class FastForward:
    """A file over and over as one stream that runs `speed` times as fast as time. One thread, as every source."""

    is_live = False

    def __init__(self, path: str, speed: float) -> None:
        self.name = f"{path} at {speed:g}x"
        self._path, self._speed = path, speed
        self._inner: Source | None = None
        self._offset_s = self._last_s = 0.0
        self._num_frames = 0
        self._start_s: float | None = None
        self._waiting: Frame | None = None

    def open(self) -> None:
        self._inner = open_source(self._path, CONFIG)
        self._inner.open()

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        frame = self._waiting or self._next(timeout_s)
        if frame is None:
            return None
        if self._start_s is None:
            self._start_s = time.monotonic()
        remaining_s = self._start_s + frame.time_s / self._speed - time.monotonic()
        if remaining_s > timeout_s:
            self._waiting = frame
            time.sleep(timeout_s)
            return None
        time.sleep(max(remaining_s, 0.0))
        self._waiting = None
        return frame

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()

    def _next(self, timeout_s: float) -> Frame | None:
        assert self._inner is not None
        item = self._inner.read(timeout_s)
        if item is END:
            self._inner.close()
            self._offset_s = self._last_s + 0.5
            self.open()
            return None
        if not isinstance(item, Frame):
            return None
        self._last_s = item.time_s + self._offset_s
        self._num_frames += 1
        return replace(item, time_s=self._last_s, index=self._num_frames - 1)


@contextlib.contextmanager
def served(hub: Hub, config: AssistantConfig, recordings: Recordings) -> Iterator[str]:
    """The address of the real web server, in a thread."""
    listener = listening_socket("127.0.0.1", 0)
    cameras = Cameras({"soak": config}, hub.make_camera)
    application = Guard(make_application(hub, cameras, recordings))
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def soak(address: str, minutes: float, session: Callable[[], Session]) -> list[dict[str, float]]:
    """What the process held, every few seconds."""
    rows: list[dict[str, float]] = []
    end_s, asked_s, num_asked = time.monotonic() + 60 * minutes, 0.0, 0
    while time.monotonic() < end_s:
        if time.monotonic() - asked_s > _ASK_S and session().status().frames_encoded:
            question = QUESTIONS[num_asked % len(QUESTIONS)]
            asyncio.run(first_tokens_ms(address, [question]))
            asked_s, num_asked = time.monotonic(), num_asked + 1
        gc.collect()
        status = session().status()
        row = {
            "stream_s": round(status.newest_time_s or 0.0, 1),
            "encoded": status.frames_encoded,
            "resident_mb": round((host_memory_bytes() or 0) / 1e6, 1),
            "memory_mb": round(status.memory_bytes / 1e6, 2),
            "files": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
        }
        rows.append(row)
        print("  ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)
        time.sleep(_ROW_S)
    return rows


def summary(rows: list[dict[str, float]]) -> dict[str, Any]:
    later = rows[len(rows) // 2 :]
    hours = np.array([row["stream_s"] for row in later]) / 3600
    growth, _ = np.polyfit(hours, [row["resident_mb"] for row in later], 1)
    return {
        "stream_hours": round(rows[-1]["stream_s"] / 3600, 2),
        "resident_mb": rows[-1]["resident_mb"],
        "growth_mb_per_stream_hour": round(float(growth), 1),
        "files": [min(row["files"] for row in later), max(row["files"] for row in later)],
        "threads": [min(row["threads"] for row in later), max(row["threads"] for row in later)],
        "memory_mb": rows[-1]["memory_mb"],
        "encoded": rows[-1]["encoded"],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--source", default=str(DEMO_CLIP))
    options = parser.parse_args(arguments)
    models = KeptModels()
    sessions: list[Session] = []

    def make_session(config: AssistantConfig, source: Source) -> Session:
        fast = FastForward(options.source, options.speed)
        sessions.append(Session(config, source=fast, encoder=models.encoder, lmm=models.lmm))
        return sessions[-1]

    config = AssistantConfig(
        source=options.source, capture=CaptureConfig(reading=CONFIG), perceive=PerceiveConfig(fps=_FPS)
    )
    recordings = Recordings(default_data_folder(), models.lmm)
    with served(Hub(config, make_session), config, recordings) as address:
        viewer = [sys.executable, "-m", "bench.web_viewer", address, "--seconds", str(60 * options.minutes)]
        with subprocess.Popen(viewer, stdout=subprocess.DEVNULL) as looking:
            rows = soak(address, options.minutes, lambda: sessions[-1])
            looking.terminate()
    print(json.dumps(summary(rows) | {"speed": options.speed, "minutes": options.minutes}))


if __name__ == "__main__":
    main()
    end_process(0)  # the models of torch leave threads
