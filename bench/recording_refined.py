"""What a second look at the archive gives: questions about intervals hours back, from the memory alone and with it.

    python -m bench.recording_refined [--hours 4] [--questions 400] [--seed 1] [--no-tests]

Comes in: concepts that come and go in a simulated stream, with noise on their evidence; two frames a second for the
memory, one a second for the archive, both the real ones. Goes out: for random intervals of two minutes the share of
right answers to "was it there?" and "how many at most?", from the memory alone and refined, and what one look costs.
The tests of the refinement run first; if they fail, there is no number. The last line is one JSON object.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.recording.refining import refined
from memory import MemoryConfig, Snapshot, StreamMemory
from memory.archive import Archive, ArchiveConfig, ArchiveReader

ROOT = Path(__file__).resolve().parent.parent
CONCEPTS, KEY_DIM, FPS = 12, 32, 2
PRESENT_S, ABSENT_S, NOISE = 40.0, 300.0, 0.1
INTERVAL_S = 120.0
SURE_S = 3.0  # shorter presences within an interval are left out: nobody can say what is right


def main() -> int:
    parser = argparse.ArgumentParser(description="Questions about intervals, with a second look at the archive.")
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    options = parser.parse_args()
    tests = "tests/app/recording/test_refining.py"
    if options.tests and subprocess.run([sys.executable, "-m", "pytest", "-q", tests], cwd=ROOT).returncode:
        print("the tests of the refinement fail: no figures")
        return 1
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    counts = stream(rng, int(options.hours * 3600 * FPS))
    with tempfile.TemporaryDirectory() as folder:
        snapshot = record(Path(folder) / "archive", counts, rng)
        reader = ArchiveReader(Path(folder) / "archive")
        report = {**describe(options), **ask(snapshot, reader, counts, rng, options.questions)}
        reader.close()
    for name, value in report.items():
        print(f"{name:32} {value}")
    print(json.dumps(report))
    return 0


def describe(options: argparse.Namespace) -> dict[str, object]:
    return {
        "device": f"CPU {platform.machine()}, {os.cpu_count()} cores, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.recording_refined", *sys.argv[1:]]),
        "hours": options.hours,
    }


def stream(rng: np.random.Generator, num_frames: int) -> NDArray[np.int64]:
    """int64 [F, C]: how many of each concept there are in each frame."""
    counts = np.zeros((num_frames, CONCEPTS), np.int64)
    for concept in range(CONCEPTS):
        frame = int(rng.exponential(ABSENT_S) * FPS)
        while frame < num_frames:
            length = max(int(rng.exponential(PRESENT_S) * FPS), 2)
            counts[frame : frame + length, concept] = rng.integers(1, 5)
            frame += length + int(rng.exponential(ABSENT_S) * FPS) + 1
    return counts


def record(folder: Path, counts: NDArray[np.int64], rng: np.random.Generator) -> Snapshot:
    """The memory at the end of the stream; the archive is left in the folder."""
    config = MemoryConfig(token_dim=CONCEPTS, key_dim=KEY_DIM, num_tokens=1, num_evidence_channels=CONCEPTS)
    keeping = ArchiveConfig(
        fingerprint="bench", key_dim=KEY_DIM, evidence_dim=CONCEPTS, max_bytes=2**40, min_free_bytes=0
    )
    memory, archive = StreamMemory(config), Archive(folder, keeping)
    for frame, count in enumerate(counts):
        evidence = np.maximum(count + rng.normal(0.0, NOISE, CONCEPTS), 0.0).astype(np.float32)
        key = np.zeros(KEY_DIM, np.float32)
        key[:CONCEPTS], key[-1] = evidence, 1.0
        memory.write(evidence[None], key, frame / FPS, frame)  # [C] -> [1, C]
        if frame % FPS == 0:
            archive.put(frame, frame / FPS, frame / FPS, b"\xff\xd8 no picture", key / np.linalg.norm(key), evidence)
    archive.close()
    return memory.snapshot()


def ask(
    snapshot: Snapshot, reader: ArchiveReader, counts: NDArray[np.int64], rng: np.random.Generator, num_questions: int
) -> dict[str, object]:
    right = {"memory_presence": 0, "refined_presence": 0, "memory_most": 0, "refined_most": 0}
    num_presence = num_most = 0
    costs_ms = []
    end_s = len(counts) / FPS - 2 * INTERVAL_S
    while num_presence < num_questions:
        start_s = float(int(rng.uniform(10.0, end_s)))
        stop_s, concept = start_s + INTERVAL_S, int(rng.integers(CONCEPTS))
        truth = counts[int(start_s * FPS) : int(stop_s * FPS) + 1, concept]
        around = counts[int((start_s - 2) * FPS) : int((stop_s + 2) * FPS) + 1, concept]
        is_there = bool(np.count_nonzero(truth) >= SURE_S * FPS)
        if not is_there and around.any():
            continue
        begun_s = time.perf_counter()
        finer = refined(snapshot, [(start_s, stop_s)], reader)
        costs_ms.append((time.perf_counter() - begun_s) * 1e3)
        told = {"memory": most(snapshot, concept, start_s, stop_s), "refined": most(finer, concept, start_s, stop_s)}
        num_presence += 1
        num_most += is_there
        for name, count in told.items():
            right[f"{name}_presence"] += (count > 0) == is_there
            right[f"{name}_most"] += bool(is_there and count == held(truth))
    shares = {name: round(n / (num_most if name.endswith("most") else num_presence), 4) for name, n in right.items()}
    return {
        "questions": num_presence,
        "of_them_about_something_there": num_most,
        **{f"{name}_right": share for name, share in shares.items()},
        "look_ms_median": round(statistics.median(costs_ms), 1),
    }


def most(snapshot: Snapshot, concept: int, start_s: float, end_s: float) -> int:
    """As a question about an interval reads it from the records; 0: it was not there."""
    record = snapshot.ledger.channels.get(concept)
    spans = () if record is None else record.spans
    return max((one.peak_count for one in spans if one.end_s >= start_s and one.start_s <= end_s), default=0)


def held(counts: NDArray[np.int64]) -> int:
    """The most at once that held for a second."""
    return int(np.minimum.reduce([counts[i : len(counts) - FPS + i] for i in range(FPS + 1)]).max())


if __name__ == "__main__":
    raise SystemExit(main())
