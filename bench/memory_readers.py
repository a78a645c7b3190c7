"""Readers against the writer, and what any two sets of threads of one interpreter do to each other.

Comes in: a device and numbers. Goes out: percentiles in microseconds. Threads of this process, as the answer thread is.

On a CUDA device each companion has a stream of its own, as the answer thread has. Each set of companions is put beside
the same writer, in the order alone - beside - beside - alone:
- readers: eight threads that take a snapshot and sum the slots' tokens, without pause or with one;
- equal_work: eight threads that sum a private tensor of the same size and touch no memory: what readers would cost if
  the memory cost them nothing;
- spinning: eight threads in a loop of the interpreter: the most that threads can do to each other;
- writers_elsewhere: the readers read one memory while the timed writer writes to another that nobody reads.
An idle writer, which only sleeps and asks the clock how late it woke, tells what the interpreter and the machine add
without any work of ours.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bench.memory_frames import encoder_config, make_frames
from memory import StreamMemory

__all__ = ["readers_against_writer"]

NUM_READERS, BREATH_S = 8, 0.001
Frames = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Company:
    """What eight threads do, and how long each rests in between."""

    step: Callable[[], object]
    pause_s: float = 0.0
    device: str = "cpu"


SPINNING = Company(lambda: sum(range(2000)))


class Writer:
    """Writes the same frames again and again, and goes on in time."""

    def __init__(self, device: str, frames: Frames, turn_s: float) -> None:
        self.memory = StreamMemory(encoder_config(device))
        self._frames, self._turn_s, self._number = frames, turn_s, 0
        self._on_device = [torch.from_numpy(tokens).to(device) if device != "cpu" else tokens for tokens, _ in frames]

    def run(self) -> list[float]:
        """Microseconds of each write of a turn; a breath between two, as between the frames of a stream."""
        times: list[float] = []
        ends_at_s = time.monotonic() + self._turn_s
        for tokens, (_, key) in zip(self._on_device, self._frames, strict=True):
            began = time.perf_counter()
            self.memory.write(tokens, key, self._number * 0.5, self._number)
            times.append((time.perf_counter() - began) * 1e6)
            self._number += 1
            time.sleep(BREATH_S)
            if time.monotonic() > ends_at_s:
                break
        return times


def readers_against_writer(
    device: str, num_frames: int, limit_s: float, pauses_s: tuple[float, ...] = (0.0, 0.5)
) -> Iterator[dict[str, Any]]:
    """`num_frames`: writes of one turn; there are four turns for each set of companions. `limit_s`: of all, about."""
    frames = list(make_frames(num_frames, seed=1))
    turn_s = limit_s / (4 * (len(pauses_s) + 3) + 4)  # the warm-ups and the idle writer take the room of four turns
    writer, elsewhere = (Writer(device, frames, turn_s) for _ in range(2))
    for each in (writer, elsewhere):
        each.run()  # warm-up: the tiers are full afterwards
    private = torch.zeros(writer.memory.snapshot().temporal.tokens.shape, device=device)
    for pause_s in pauses_s:
        yield _beside(f"readers_pause_{pause_s:g}s", writer, _reading(writer.memory, pause_s))
    yield _beside("equal_work", writer, Company(lambda: private.sum().item(), device=device))
    yield _beside("spinning", writer, SPINNING)
    yield _beside("writers_elsewhere", elsewhere, _reading(writer.memory, 0.0))
    report = {"idle_writer_late_us_p50_p99_alone": _late()}
    with _companions(_reading(writer.memory, 0.0)):
        report["idle_writer_late_us_p50_p99_beside_readers"] = _late()
    with _companions(SPINNING):
        report["idle_writer_late_us_p50_p99_beside_spinning"] = _late()
    yield report


def _reading(memory: StreamMemory, pause_s: float) -> Company:
    def read() -> None:
        memory.snapshot().temporal.tokens.sum().item()  # sync: the end of the reading

    return Company(read, pause_s, memory.config.device)


def _beside(name: str, writer: Writer, company: Company) -> dict[str, Any]:
    alone, beside, step_beside = [], [], []
    for has_company in (False, True, True, False):
        if has_company:
            with _companions(company) as times:
                beside += writer.run()
            step_beside += times
        else:
            alone += writer.run()
    with _companions(company) as step_alone:
        time.sleep(max(1.0, 2 * company.pause_s))
    changes = [_percentiles(each) for each in (alone, beside, step_alone, step_beside)]
    return {
        f"{name}: writes alone, beside": [len(alone), len(beside)],
        f"{name}: write_us_p50_p99 alone, beside": changes[:2],
        f"{name}: write_p99_change_percent": round(100 * (changes[1][1] / changes[0][1] - 1), 1),
        f"{name}: companion_us_p50_p99 alone, beside": changes[2:],
        f"{name}: companion_p99_change_percent": round(100 * (changes[3][1] / changes[2][1] - 1), 1),
    }


@contextmanager
def _companions(company: Company) -> Iterator[list[float]]:
    """NUM_READERS threads that repeat the step; microseconds of each time, complete at the end of the block."""
    stop, times = threading.Event(), []

    def work() -> None:
        with _own_stream(company.device):
            while not stop.is_set():
                began = time.perf_counter()
                company.step()
                times.append((time.perf_counter() - began) * 1e6)
                if company.pause_s:
                    stop.wait(company.pause_s)

    threads = [threading.Thread(target=work) for _ in range(NUM_READERS)]
    for thread in threads:
        thread.start()
    try:
        yield times
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _own_stream(device: str) -> AbstractContextManager[Any]:
    return torch.cuda.stream(torch.cuda.Stream(device)) if device.startswith("cuda") else nullcontext()


def _late(num: int = 400) -> list[float]:
    times = []
    for _ in range(num):
        began = time.perf_counter()
        time.sleep(BREATH_S)
        times.append((time.perf_counter() - began - BREATH_S) * 1e6)
    return _percentiles(times)


def _percentiles(times: list[float]) -> list[float]:
    return [round(float(value), 1) for value in np.percentile(times, [50, 99])]
