"""What keeping a stream on the disk costs, how much room it takes, and how soon a recording can be asked or goes on.

In: nothing (pictures and packets of the demo clip; tokens of the encoder's shape, so that its time is not in these
figures). Out: a table and, as the last line, one JSON object. The matching tests run first; if they fail there are no
figures. Beside it, in the same run and in turns: the memory's own write, which a stream costs without being kept.

    python -m bench.recording [--frames 600] [--skip-tests]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import torch

from app.keeping import KeepConfig, Keeper
from app.recording.stored import StoredRecording
from app.recording.video import VideoLimits, VideoRecorder, video_segments
from memory import MemoryConfig, StreamMemory
from vision import Frame
from vision.encoders import CONCEPTS, GridLayout

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "assets" / "demo" / "photo_walk.mp4"
TESTS = ("tests/app/test_keeping.py", "tests/app/recording")
LAYOUT = GridLayout(num_concepts=len(CONCEPTS))


@dataclass(frozen=True)
class Encoded:
    tokens: np.ndarray
    key: np.ndarray


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=600, help="frames kept, one a second of stream time")
    parser.add_argument("--skip-tests", action="store_true")
    options = parser.parse_args()
    if not options.skip_tests and subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT).returncode:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        figures = {**keeping(Path(folder), options.frames), **video(Path(folder) / "video")}
    for name, value in figures.items():
        print(f"{name:34} {value:12.3f}")
    about = {"python": platform.python_version(), "av": av.__version__, "torch": torch.__version__}
    print(
        json.dumps({"bench": "recording", "machine": platform.machine(), **about, "frames": options.frames, **figures})
    )
    return 0


def keeping(data: Path, num_frames: int) -> dict[str, float]:
    """Per frame and per save, then what opening costs."""
    keep = KeepConfig(data=data, name="demo", keeps_video=False, min_free_bytes=0, save_period_s=3600.0)
    frames, encoded = pictures(num_frames), tokens(num_frames)
    keeper = Keeper(keep)
    memory = keeper.open(LAYOUT, new_memory)
    plain = new_memory()
    write_ms: list[float] = []
    plain_ms: list[float] = []
    keep_ms: list[float] = []
    for i, (frame, one) in enumerate(zip(frames, encoded, strict=True)):
        placed = keeper.placed(frame)
        turns: list[tuple[list[float], Callable[[], object]]] = [
            (write_ms, partial(memory.write, one.tokens, one.key, placed.time_s, placed.index)),
            (plain_ms, partial(plain.write, one.tokens, one.key, frame.time_s, frame.index)),
        ]
        for times_ms, action in turns if i % 4 in (0, 3) else reversed(turns):
            times_ms.append(timed_ms(action))
        keep_ms.append(timed_ms(partial(keeper.keep, placed, one)))
    save_ms = [timed_ms(keeper.save) for _ in range(5)]
    close_ms = timed_ms(keeper.close)
    num_bytes = sum(path.stat().st_size for path in keep.folder.archive.rglob("*"))
    resumed = Keeper(keep)
    resume_ms = timed_ms(lambda: resumed.open(LAYOUT, new_memory))
    resumed.close()
    now_s = frames[-1].wall_time_s + 5.0
    query_ms = []
    for _ in range(5):
        started_s = time.perf_counter()
        recording = StoredRecording(keep.folder, now_s=lambda: now_s)
        recording.understood("Was there a dog five minutes ago?")
        recording.close()
        query_ms.append((time.perf_counter() - started_s) * 1e3)
    ratio = (statistics.median(keep_ms) + statistics.median(write_ms)) / statistics.median(plain_ms)
    return {
        "keep_ms_p50": statistics.median(keep_ms[10:]),
        "keep_ms_p99": float(np.percentile(keep_ms[10:], 99)),
        "memory_write_alone_ms_p50": statistics.median(plain_ms[10:]),
        "kept_over_not_kept_ratio": ratio,
        "pictures_gb_per_hour_at_1_fps": num_bytes / num_frames * 3600 / 1e9,
        "save_memory_ms_p50": statistics.median(save_ms),
        "save_memory_mb": keep.folder.memory.stat().st_size / 1e6,
        "close_ms": close_ms,
        "resume_open_ms": resume_ms,
        "query_open_and_place_ms_p50": statistics.median(query_ms),
    }


def video(folder: Path) -> dict[str, float]:
    """A packet through the recorder, beside decoding it."""
    folder.mkdir()
    limits = VideoLimits(max_bytes=2**40, max_age_s=1e9, min_free_bytes=0, segment_s=10.0)
    now_s, tap_us, decode_us = [0.0], [], []
    recorder = VideoRecorder(folder, limits, lambda: now_s[0], clock=lambda: now_s[0])
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        recorder.begin(stream)
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            now_s[0] = float((packet.dts or 0) * packet.time_base)
            tap_us.append(timed_ms(partial(recorder.packet, packet)) * 1e3)
            decode_us.append(timed_ms(packet.decode) * 1e3)
        recorder.end()
    return {
        "video_packet_us_p50": statistics.median(tap_us),
        "video_packet_us_p99": float(np.percentile(tap_us, 99)),
        "decode_packet_us_p50": statistics.median(decode_us),
        "video_overhead_percent_of_bytes": 100
        * (sum(s.num_bytes for s in video_segments(folder)) / CLIP.stat().st_size - 1),
    }


def pictures(count: int) -> list[Frame]:
    """Of the demo clip, again and again, one a second."""
    with av.open(str(CLIP)) as container:
        shown = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)][::15]
    start_s = time.time() - count
    return [Frame(image=shown[i % len(shown)], time_s=float(i), wall_time_s=start_s + i, index=i) for i in range(count)]


def tokens(count: int) -> list[Encoded]:
    """As sparse as real ones: a few concepts in a few cells."""
    generator = np.random.default_rng(0)
    made = []
    for _ in range(count):
        grid = np.zeros((LAYOUT.num_tokens, LAYOUT.token_dim), np.float32)
        grid[generator.integers(0, LAYOUT.num_tokens, 6), generator.integers(0, LAYOUT.num_concepts, 6)] = 0.9
        key = np.zeros(LAYOUT.key_dim, np.float32)
        key[generator.integers(0, LAYOUT.key_dim, 20)] = 1.0
        made.append(Encoded(grid, key / np.linalg.norm(key)))
    return made


def new_memory() -> StreamMemory:
    return StreamMemory(
        MemoryConfig(
            num_tokens=LAYOUT.num_tokens,
            token_dim=LAYOUT.token_dim,
            key_dim=LAYOUT.key_dim,
            num_evidence_channels=LAYOUT.num_concepts,
        )
    )


def timed_ms(action: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    action()
    return (time.perf_counter() - started_s) * 1e3


if __name__ == "__main__":
    sys.exit(main())
