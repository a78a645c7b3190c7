"""What does remembering cost? Write and snapshot time over two hours, readers against the writer, the released writers.

    python -m bench.memory_cost [--device cuda] [--hours 2] [--fps 2] [--released-frames 180] [--reader-frames 1200]
                                [--part-s 600] [--switch-interval-ms 5]

Comes in: nothing but options; the frames are made here. Goes out: one JSON line for each part as soon as it is
measured, a report, and as the last line all of it as one JSON object. Needs torch, numpy and the memory package alone.
A short run on this device is first compared with the same on the CPU; if they differ, there is no number. A part that
would take longer than `--part-s` seconds measures fewer frames and says how many. Readers are threads of this process,
as the answer thread is (bench/memory_readers.py). The released writers (memory/baselines) are replayed on the CPU with
the bank of all frames that they copy at each step, between the writes of a memory on the CPU; they take 0.1 to 0.5 s a
frame each. Beside the time on the clock stands the time on the processor, which does not count what other programs of a
shared machine take. For one thread in all set OPENBLAS_NUM_THREADS=1.
"""

import argparse
import json
import platform
import sys
import time
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from bench.memory_flat import slope_per_hour
from bench.memory_frames import encoder_config, make_frames
from bench.memory_readers import readers_against_writer
from memory import StreamMemory
from memory.baselines import FlashMemory, StarMemory

WARM_UP = 400
RELEASED_FULL = 140  # frames after which the released writers have to choose at every step


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    sys.setswitchinterval(options.switch_interval_ms / 1000)
    if not agrees_with_cpu(options.device):
        print("the memory on this device differs from the one on the CPU: no figures")
        return 1
    is_cuda = options.device.startswith("cuda")
    device = torch.cuda.get_device_name(options.device) if is_cuda else f"CPU {platform.machine()}, 1 thread"
    report: dict[str, Any] = {
        "device": device,
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_cost", *sys.argv[1:]]),
    }
    for part in measured(options):
        print(json.dumps(part), flush=True)
        report |= part
    for name, value in report.items():
        print(f"{name:44} {value}")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write and snapshot time of the stream memory.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--fps", type=float, default=2.0)
    parser.add_argument("--released-frames", type=int, default=180, help="0: without them")
    parser.add_argument("--reader-frames", type=int, default=1200, help="writes of one turn beside readers; 0: none")
    parser.add_argument("--part-s", type=float, default=600.0, help="seconds for each of the three parts at most")
    parser.add_argument(
        "--switch-interval-ms",
        type=float,
        default=sys.getswitchinterval() * 1000,
        help="how long a thread may keep the interpreter while another waits for it",
    )
    options = parser.parse_args()
    if 0 < options.released_frames < RELEASED_FULL + 10:
        parser.error(
            f"--released-frames must be 0 or at least {RELEASED_FULL + 10}: before, they have nothing to choose"
        )
    if options.hours * 3600 * options.fps < 2 * WARM_UP:
        parser.error(f"the stream must have at least {2 * WARM_UP} frames (--hours x 3600 x --fps)")
    return options


def measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The parts, each as soon as it is there."""
    yield long_stream(options.device, int(options.hours * 3600 * options.fps), options.fps, options.part_s)
    if options.reader_frames:
        yield from readers_against_writer(options.device, options.reader_frames, options.part_s)
    if options.released_frames:
        yield released_writers(options.released_frames, options.part_s)


def agrees_with_cpu(device: str) -> bool:
    """Same entries, times and ledger, tokens within float32 rounding, after 300 frames."""
    memories = [StreamMemory(encoder_config(where)) for where in ("cpu", device)]
    for number, (tokens, key) in enumerate(make_frames(300)):
        for memory in memories:
            memory.write(tokens, key, number * 0.5, number)
    one, other = (memory.snapshot() for memory in memories)
    pairs = [(getattr(one, tier), getattr(other, tier)) for tier in ("spatial", "temporal", "traces", "abstract")]
    return one.ledger == other.ledger and all(
        torch.equal(a.times_s, b.times_s)
        and torch.equal(a.frame_ids, b.frame_ids)
        and torch.allclose(a.tokens, b.tokens.cpu(), rtol=1e-4, atol=1e-5)
        for a, b in pairs
    )


def long_stream(device: str, num_frames: int, fps: float, limit_s: float) -> dict[str, Any]:
    """One writer; now and then a question reads all tiers."""
    is_cuda = device.startswith("cuda")
    memory, ends_at_s = StreamMemory(encoder_config(device)), time.monotonic() + limit_s
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
                device_bytes.append((torch.cuda.memory_allocated(), torch.cuda.memory_reserved()))
            if time.monotonic() > ends_at_s and number >= 2 * WARM_UP:
                break
    warm = write_us[WARM_UP:]
    return {
        "frames": len(write_us),
        "frames_wanted": num_frames,
        "write_us_p50_p99_max": np.percentile(warm, [50, 99, 100]).round(1).tolist(),
        "write_cpu_us_p50_p99": np.percentile(write_cpu_us[WARM_UP:], [50, 99]).round(1).tolist(),
        "write_us_median_by_quarter": [round(float(np.median(part)), 1) for part in np.array_split(warm, 4)],
        "write_us_slope_per_hour": round(slope_per_hour(array("d", warm), fps), 2),
        "snapshot_us_p50_p99": np.percentile(snapshot_us[10:], [50, 99]).round(1).tolist(),
        "stack_temporal_tokens_us_p50_p99": np.percentile(stack_us[10:], [50, 99]).round(1).tolist(),
        "device_bytes_after_warm_up_and_largest_later": extremes([lent for lent, _ in device_bytes]),
        "device_bytes_reserved_after_warm_up_and_largest_later": extremes([reserved for _, reserved in device_bytes]),
        "reserved_bytes": memory.stats().reserved_bytes,
    }


def extremes(sizes: list[int]) -> list[int] | None:
    """The first and the largest; None where there is no device memory to measure."""
    return [sizes[0], max(sizes)] if sizes else None


def timed_write(memory: Any, tokens: Any, key: np.ndarray, number: int, fps: float) -> float:
    began = time.perf_counter()
    memory.write(tokens, key, number / fps, number)
    return (time.perf_counter() - began) * 1e6


def released_writers(num_frames: int, limit_s: float) -> dict[str, Any]:
    """Medians over the frames after which all three are full, and what the released ones' bank has grown to."""
    config, ends_at_s = encoder_config(), time.monotonic() + limit_s
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
        if time.monotonic() > ends_at_s:
            break
    written = len(times["ours"])
    bank = {"released_bank_bytes_after_frames": [written * config.frame_bytes, written]}
    if written < RELEASED_FULL + 5:
        return {**bank, "released_over_ours": f"not measured: they were not full after {limit_s:g} s"}
    medians = {name: float(np.median(each[max(RELEASED_FULL, written // 2) :])) for name, each in times.items()}
    return {
        "cpu_write_us_beside_released": {name: round(value, 1) for name, value in medians.items()},
        "released_over_ours": {name: round(medians[name] / medians["ours"], 1) for name in writers if name != "ours"},
        **bank,
    }


if __name__ == "__main__":
    raise SystemExit(main())
