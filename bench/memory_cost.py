"""What does remembering cost? Write and snapshot time over two hours, readers against the writer, the released writers.

    python -m bench.memory_cost [--device cuda] [--hours 2] [--fps 2] [--released-frames 180]

Comes in: nothing but options; the frames are made here. Goes out: a report, its last line one JSON object. Needs torch,
numpy and the memory package alone. A short run on this device is first compared with the same on the CPU; if they
differ, there is no number. Readers are threads of this process, as the answer thread is: they share its interpreter.
The released writers (memory/baselines) are replayed on the CPU with the bank of all frames that they copy at each step,
between the writes of a memory on the CPU. Beside the time on the clock stands the time on the processor, which does not
count what other programs of a shared machine take.
"""

import argparse
import json
import platform
import sys
import threading
import time
from array import array
from typing import Any

import numpy as np
import torch

from bench.memory_flat import slope_per_hour
from bench.memory_frames import encoder_config, make_frames
from memory import StreamMemory
from memory.baselines import FlashMemory, StarMemory

WARM_UP, NUM_READERS = 400, 8


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    if not agrees_with_cpu(options.device):
        print("the memory on this device differs from the one on the CPU: no figures")
        return 1
    is_cuda = options.device.startswith("cuda")
    device = torch.cuda.get_device_name(options.device) if is_cuda else f"CPU {platform.machine()}, 1 thread"
    report: dict[str, Any] = {
        "device": device,
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_cost", *sys.argv[1:]]),
        **long_stream(options.device, int(options.hours * 3600 * options.fps), options.fps),
        **readers_against_writer(options.device, pause_s=0.0),
        **readers_against_writer(options.device, pause_s=0.5),
        **released_writers(options.released_frames),
    }
    for name, value in report.items():
        print(f"{name:44} {value}")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write and snapshot time of the stream memory.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--fps", type=float, default=2.0)
    parser.add_argument("--released-frames", type=int, default=180)
    return parser.parse_args()


def agrees_with_cpu(device: str) -> bool:
    """Same slots, times and ledger, tokens within float32 rounding, after 200 frames."""
    memories = [StreamMemory(encoder_config(where)) for where in ("cpu", device)]
    for number, (tokens, key) in enumerate(make_frames(200)):
        for memory in memories:
            memory.write(tokens, key, number * 0.5, number)
    one, other = (memory.snapshot() for memory in memories)
    return (
        one.ledger == other.ledger
        and torch.equal(one.temporal.times_s, other.temporal.times_s)
        and torch.equal(one.temporal.frame_ids, other.temporal.frame_ids)
        and torch.allclose(one.temporal.tokens, other.temporal.tokens.cpu(), rtol=1e-4, atol=1e-5)
    )


def long_stream(device: str, num_frames: int, fps: float) -> dict[str, Any]:
    """One writer; now and then a question reads all tiers."""
    is_cuda = device.startswith("cuda")
    memory = StreamMemory(encoder_config(device))
    write_us, write_cpu_us, snapshot_us, stack_us, device_bytes = [], [], [], [], []
    for number, (tokens, key) in enumerate(make_frames(num_frames)):
        given = torch.from_numpy(tokens).to(device) if is_cuda else tokens  # the encoder's output is on the device
        if is_cuda:
            torch.cuda.synchronize()
        cpu_began = time.thread_time()
        write_us.append(timed_write(memory, given, key, number, fps))
        write_cpu_us.append((time.thread_time() - cpu_began) * 1e6)
        if number % 40 == 0:
            began = time.perf_counter()
            snapshot = memory.snapshot()
            snapshot_us.append((time.perf_counter() - began) * 1e6)
            began = time.perf_counter()
            snapshot.temporal.tokens.sum().item()  # sync: the end of the reading
            stack_us.append((time.perf_counter() - began) * 1e6)
            if is_cuda and number >= WARM_UP:
                device_bytes.append(torch.cuda.memory_allocated())
    warm = write_us[WARM_UP:]
    growth = max(device_bytes) - device_bytes[0] if device_bytes else None
    return {
        "frames": num_frames,
        "write_us_p50_p99_max": np.percentile(warm, [50, 99, 100]).round(1).tolist(),
        "write_cpu_us_p50_p99": np.percentile(write_cpu_us[WARM_UP:], [50, 99]).round(1).tolist(),
        "write_us_median_by_quarter": [round(float(np.median(part)), 1) for part in np.array_split(warm, 4)],
        "write_us_slope_per_hour": round(slope_per_hour(array("d", warm), fps), 2),
        "snapshot_us_p50_p99": np.percentile(snapshot_us[10:], [50, 99]).round(1).tolist(),
        "stack_temporal_tokens_us_p50_p99": np.percentile(stack_us[10:], [50, 99]).round(1).tolist(),
        "device_bytes_growth_after_warm_up": growth,
        "reserved_bytes": memory.stats().reserved_bytes,
    }


def timed_write(memory: Any, tokens: Any, key: np.ndarray, number: int, fps: float) -> float:
    began = time.perf_counter()
    memory.write(tokens, key, number / fps, number)
    return (time.perf_counter() - began) * 1e6


def readers_against_writer(device: str, pause_s: float) -> dict[str, Any]:
    """Writer alone, writer with readers, readers alone: A-B-B-A for the writer, the readers with and without it."""
    memory = StreamMemory(encoder_config(device))
    frames = list(make_frames(1200, seed=1))
    write_some(memory, frames, 0)
    alone, beside, read_beside, start = [], [], [], len(frames)
    for with_readers in (False, True, True, False):
        if with_readers:
            stop, threads, times = start_readers(memory, pause_s)
            beside += write_some(memory, frames, start)
            read_beside += stop_readers(stop, threads, times)
        else:
            alone += write_some(memory, frames, start)
        start += len(frames)
    stop, threads, times = start_readers(memory, pause_s)
    time.sleep(2.0)
    read_alone = stop_readers(stop, threads, times)
    name = f"{NUM_READERS}_readers_pause_{pause_s:g}s"
    p99 = [round(float(np.percentile(each, 99)), 1) for each in (alone, beside, read_alone, read_beside)]
    return {
        f"{name}_write_us_p99_alone_beside": p99[:2],
        f"{name}_write_p99_change_percent": round(100 * (p99[1] / p99[0] - 1), 1),
        f"{name}_read_us_p99_alone_beside": p99[2:],
        f"{name}_read_p99_change_percent": round(100 * (p99[3] / p99[2] - 1), 1),
    }


def write_some(memory: StreamMemory, frames: list[tuple[np.ndarray, np.ndarray]], start: int) -> list[float]:
    """Microseconds of each write; a breath between two, as between the frames of a stream."""
    times = []
    for number, (tokens, key) in enumerate(frames, start=start):
        times.append(timed_write(memory, tokens, key, number, 2.0))
        time.sleep(0.001)
    return times


def start_readers(memory: StreamMemory, pause_s: float) -> tuple[threading.Event, list[threading.Thread], list[float]]:
    stop, times = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            memory.snapshot().temporal.tokens.sum().item()  # sync: the end of the reading
            times.append((time.perf_counter() - began) * 1e6)
            stop.wait(pause_s)

    threads = [threading.Thread(target=read) for _ in range(NUM_READERS)]
    for thread in threads:
        thread.start()
    return stop, threads, times


def stop_readers(stop: threading.Event, threads: list[threading.Thread], times: list[float]) -> list[float]:
    stop.set()
    for thread in threads:
        thread.join()
    return times


def released_writers(num_frames: int) -> dict[str, Any]:
    """Medians over the frames after which all three are full, and what the released ones' bank has grown to."""
    config = encoder_config()
    writers = {
        "ours": StreamMemory(config),
        "flash_vstream_2024": StarMemory(config, republishes_bank=True),
        "flash_vstream_2025": FlashMemory(config, republishes_bank=True),
    }
    times: dict[str, list[float]] = {name: [] for name in writers}
    for number, (tokens, key) in enumerate(make_frames(num_frames, seed=2)):
        order = list(writers) if number % 2 else list(reversed(writers))
        for name in order:
            times[name].append(timed_write(writers[name], tokens, key, number, 2.0))
    full = max(140, num_frames // 2)
    medians = {name: float(np.median(each[full:])) for name, each in times.items()}
    return {
        "cpu_write_us_beside_released": {name: round(value, 1) for name, value in medians.items()},
        "released_over_ours": {name: round(medians[name] / medians["ours"], 1) for name in writers if name != "ours"},
        "released_bank_bytes_after_frames": [num_frames * config.frame_bytes, num_frames],
    }


if __name__ == "__main__":
    raise SystemExit(main())
