"""Ten simulated hours: do resident memory, device memory, open files, files on disk and threads stay flat?

    python -m bench.memory_soak [--hours 10] [--fps 2] [--device cpu]

Comes in: nothing but options. Goes out: one row an hour, then one JSON object. One thread writes, asks, notes, pins,
forgets and marks gaps as a session would, and keeps a frame a second in an archive of bounded size in a folder that is
thrown away.
"""

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.memory_flat import rss_now_mb
from bench.memory_frames import encoder_config, make_frames
from memory import StreamMemory, assemble
from memory.archive import Archive, ArchiveConfig

ARCHIVE_BYTES, PICTURE = 48 * 2**20, b"\xff\xd8" + bytes(20_000)


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    config = encoder_config(options.device)
    memory = StreamMemory(config)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="afterglow-soak-") as name:
        archive_config = ArchiveConfig(
            fingerprint="soak", key_dim=config.key_dim, max_bytes=ARCHIVE_BYTES, segment_bytes=4 * 2**20
        )
        archive = Archive(Path(name) / "archive", archive_config)
        began = time.perf_counter()
        for number, (tokens, key) in enumerate(make_frames(int(options.hours * 3600 * options.fps))):
            time_s = number / options.fps
            memory.write(tokens, key, time_s, number)
            if number % int(options.fps) == 0:
                archive.put(number, time_s, time_s, PICTURE, key)
            live_on(memory, number, time_s)
            if (number + 1) % int(3600 * options.fps) == 0:
                rows.append(measure(memory, Path(name), time.perf_counter() - began))
                print(json.dumps(rows[-1]), flush=True)
        archive.close()
    print(json.dumps({**describe(options.device), "hours": rows, "growth_after_first_hour": growth(rows)}))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ten simulated hours of one memory.")
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--fps", type=float, default=2.0)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def describe(device: str) -> dict[str, str]:
    is_cuda = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_soak", *sys.argv[1:]]),
    }


def live_on(memory: StreamMemory, number: int, time_s: float) -> None:
    """What else happens to a memory, each at its own pace."""
    if number % 240 == 239:
        assembly = assemble(memory.snapshot(), "What was there before?", max_tokens=8192)
        memory.note("answer", f"answer {number}: {len(assembly.parts)} parts", max(time_s - 60, 0.0), time_s)
    if number % 701 == 700:
        memory.mark_gap("dropped", time_s - 1, time_s)
    if number % 2003 == 2002:
        memory.unpin(0.0, time_s)
        memory.pin(time_s - 20, time_s, "kept")
    if number % 5003 == 5002:
        memory.forget(time_s - 900, time_s - 890)


def measure(memory: StreamMemory, folder: Path, elapsed_s: float) -> dict[str, Any]:
    gc.collect()
    return {
        "frames": memory.snapshot().frames_seen + memory.snapshot().frames_forgotten,
        "rss_mb": round(rss_now_mb(), 1),
        "device_bytes": torch.cuda.memory_allocated() if torch.cuda.is_available() else 0,
        "memory_bytes": memory.stats().bytes,
        "open_files": len(os.listdir("/proc/self/fd")),
        "archive_files": sum(path.is_file() for path in folder.rglob("*")),
        "archive_mb": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20, 1),
        "threads": threading.active_count(),
        "elapsed_s": round(elapsed_s, 1),
    }


def growth(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Last hour less the first, of what must not grow."""
    if len(rows) < 2:
        return {}
    names = ("rss_mb", "device_bytes", "memory_bytes", "open_files", "threads")
    return {name: round(rows[-1][name] - rows[0][name], 1) for name in names}


if __name__ == "__main__":
    raise SystemExit(main())
