"""Does the stream memory stay flat? Write time, bytes and RSS over a simulated two-hour stream.

    python bench/memory_flat.py [--hours 2] [--fps 2] [--device cpu] [--no-tests]

Comes in: nothing but options; the frames are made here (scenes that come back, still stretches, news). Goes out: a
report, its last line one JSON object. One thread, which writes as the perceive thread would and now and then reads as a
question would. The memory's tests run first; if they fail, there is no number. The baseline, measured in the same run
between the writes, is one copy of one frame's tokens: what no memory that keeps its own tokens can go below.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from memory import MemoryConfig, StreamMemory  # noqa: E402

CONCEPTS, KEY_DIM, WARM_UP_SHARE, FRAMES_PER_QUESTION = 300, 405, 0.05, 40


def main() -> int:
    options = parse_options()
    if options.tests and subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/memory"], cwd=ROOT).returncode:
        print("the memory's tests fail: no figures")
        return 1
    torch.set_num_threads(1)
    config = MemoryConfig(
        token_dim=CONCEPTS + 8, key_dim=KEY_DIM, num_evidence_channels=CONCEPTS, device=options.device
    )
    memory = StreamMemory(config)
    samples = measure(memory, int(options.hours * 3600 * options.fps), options.fps)
    report = {**describe(options.device), **summarise(samples, memory, options.fps)}
    for name, value in report.items():
        print(f"{name:28} {value}")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Write time and size of the stream memory over a long simulated stream."
    )
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--fps", type=float, default=2.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    options = parser.parse_args()
    if options.hours * 3600 * options.fps < 10 * FRAMES_PER_QUESTION:
        parser.error(f"the stream must have at least {10 * FRAMES_PER_QUESTION} frames (--hours x 3600 x --fps)")
    return options


def describe(device: str) -> dict[str, str]:
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else f"CPU {platform.machine()}, 1 thread"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    return {"device": name, "versions": versions, "command": " ".join(["python", *sys.argv])}


def make_frames(config: MemoryConfig, num_frames: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(tokens [P, D], key [key_dim]): 60 scenes for 5 to 60 frames each, a third of the stretches still, some news."""
    rng = np.random.default_rng(0)
    scenes = rng.standard_normal((60, config.key_dim)).astype(np.float32)
    shown = [rng.choice(CONCEPTS, size=6, replace=False) for _ in scenes]
    scene, left, noise = 0, 0, 0.0
    for _ in range(num_frames):
        if left == 0:
            scene, left, noise = int(rng.integers(60)), int(rng.integers(5, 60)), float(rng.choice([0.05, 0.4, 0.4]))
        left -= 1
        tokens = np.zeros((config.num_tokens, config.token_dim), np.float32)
        tokens[:, CONCEPTS:] = rng.random((config.num_tokens, 8), np.float32)
        tokens[rng.integers(0, config.num_tokens, 6), shown[scene]] = rng.choice([0.05, 0.5, 0.9, 1.0], size=6)
        is_news = rng.random() < 0.02
        key = rng.standard_normal(config.key_dim) if is_news else scenes[scene] + noise * rng.standard_normal(KEY_DIM)
        yield tokens, key.astype(np.float32)


def _numbers() -> "array[float]":
    return array("d")  # 8 bytes a number, so that the measuring itself hardly grows


@dataclass
class Samples:
    """What was measured: one number a frame, and one a question."""

    write_us: "array[float]" = field(default_factory=_numbers)
    write_cpu_us: "array[float]" = field(default_factory=_numbers)
    copy_us: "array[float]" = field(default_factory=_numbers)
    snapshot_ms: "array[float]" = field(default_factory=_numbers)
    stack_ms: "array[float]" = field(default_factory=_numbers)
    held_bytes: list[int] = field(default_factory=list)
    rss_mb: "array[float]" = field(default_factory=_numbers)
    num_kept: int = 0


def measure(memory: StreamMemory, num_frames: int, fps: float) -> Samples:
    samples = Samples()
    for number, (tokens, key) in enumerate(make_frames(memory.config, num_frames)):
        cpu_began, began = time.thread_time(), time.perf_counter()
        report = memory.write(tokens, key, number / fps, number)
        samples.write_us.append((time.perf_counter() - began) * 1e6)
        samples.write_cpu_us.append((time.thread_time() - cpu_began) * 1e6)
        samples.num_kept += report.kept
        began = time.perf_counter()
        copied = tokens.copy()
        samples.copy_us.append((time.perf_counter() - began) * 1e6)
        del copied
        if number % FRAMES_PER_QUESTION == 0:
            ask(memory, samples)
    return samples


def ask(memory: StreamMemory, samples: Samples) -> None:
    """Reads as a question would, and notes the sizes."""
    began = time.perf_counter()
    snapshot = memory.snapshot()
    made = time.perf_counter()
    snapshot.temporal.tokens.sum().item()  # sync: the end of the reading
    samples.snapshot_ms.append((made - began) * 1e3)
    samples.stack_ms.append((time.perf_counter() - made) * 1e3)
    samples.held_bytes.append(memory.stats().bytes)
    samples.rss_mb.append(rss_now_mb())


def summarise(samples: Samples, memory: StreamMemory, fps: float) -> dict[str, object]:
    writes = samples.write_us[int(len(samples.write_us) * WARM_UP_SHARE) :]
    cpu_writes = samples.write_cpu_us[-len(writes) :]
    quarters = np.array_split(np.array(writes), 4)
    copy_us = statistics.median(samples.copy_us)
    warm = int(len(samples.rss_mb) * WARM_UP_SHARE) + 1
    held_bytes = samples.held_bytes[warm:]
    rss_quarters = [round(float(np.median(part)), 1) for part in np.array_split(np.array(samples.rss_mb[warm:]), 4)]
    return {
        "frames_written": len(samples.write_us),
        "frames_kept_as_slots": samples.num_kept,
        "write_us_p20_p50_p80_p99": np.percentile(writes, [20, 50, 80, 99]).round(1).tolist(),
        "write_cpu_us_p50_p99": np.percentile(cpu_writes, [50, 99]).round(1).tolist(),
        "write_us_median_by_quarter": [round(float(np.median(quarter)), 1) for quarter in quarters],
        "write_us_slope_per_hour": round(slope_per_hour(writes, fps), 2),
        "copy_of_one_frame_us": round(copy_us, 1),
        "write_to_copy_ratio": round(statistics.median(writes) / copy_us, 1),
        "snapshot_ms": round(statistics.median(samples.snapshot_ms), 3),
        "stack_temporal_tokens_ms": round(statistics.median(samples.stack_ms), 3),
        "bytes_after_warm_up": held_bytes[0],
        "bytes_largest_later": max(held_bytes),
        "bytes_last": held_bytes[-1],
        "bytes_limit": memory.config.max_bytes,
        "visual_tokens": memory.stats().tokens,
        "rss_mb_median_by_quarter": rss_quarters,
        "rss_mb_growth": round(rss_quarters[-1] - rss_quarters[0], 1),
        "rss_mb_peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def slope_per_hour(write_us: "array[float]", fps: float) -> float:
    """Least squares through the medians of each minute: microseconds per hour of stream."""
    per_minute = int(60 * fps)
    medians = [statistics.median(write_us[i : i + per_minute]) for i in range(0, len(write_us), per_minute)]
    if len(medians) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(medians)) / 60, medians, 1)[0])


def rss_now_mb() -> float:
    """Resident megabytes of this process (Linux; elsewhere the peak so far)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    raise SystemExit(main())
