"""What the archive on disk costs: bytes an hour, put, search, open, at the size of a day.

    python -m bench.archive [--hours 24] [--no-tests] [--folder DIR]

Comes in: the frames of assets/demo/photo_walk.mp4 (one a second, at 640 x 360 and as the clip has them), and keys and
evidence made here (scenes that come back, a few concepts each). Goes out: a table, its last line one JSON object. One
thread. The archive's tests run first; if they fail, there is no number. The baseline of the search, measured in the
same run and in turns, is a plain numpy scan of all keys as float32, held in RAM.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from memory.archive import Archive, ArchiveConfig, ArchiveReader
from memory.records import Ledger
from memory.retrieval import Query, Retriever
from memory.snapshot import Snapshot, Tier

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "assets" / "demo" / "photo_walk.mp4"
KEY_DIM, CONCEPTS, NUM_SCENES = 1260, 248, 400
JPEG_QUALITY = 85
NUM_QUERIES = 40


def main() -> int:
    options = parse_options()
    tests = ["tests/memory/archive", "tests/memory/retrieval"]
    if options.tests and subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], cwd=ROOT).returncode:
        print("the archive's tests fail: no figures")
        return 1
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        report = {**describe(), **measure(Path(folder), options.hours)}
    for name, value in report.items():
        print(f"{name:36} {value}")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cost of the archive on disk.")
    parser.add_argument("--hours", type=float, default=24.0, help="length of the simulated stream, 1 frame a second")
    parser.add_argument("--folder", help="where to record (default: the system's folder for temporary files)")
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    options = parser.parse_args()
    if options.hours * 3600 < 2000:
        parser.error("the stream must have at least 2,000 frames")
    return options


def describe() -> dict[str, str]:
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, faiss {faiss.__version__}"
    return {
        "device": f"CPU {platform.machine()}, {os.cpu_count()} cores, 1 thread",
        "versions": versions,
        "command": " ".join(["python", "-m", "bench.archive", *sys.argv[1:]]),
    }


def measure(folder: Path, hours: float) -> dict[str, object]:
    pictures, original = jpegs_of_clip((640, 360)), jpegs_of_clip(None)
    keys, evidence = make_vectors(int(hours * 3600))
    report: dict[str, object] = {
        "frames": len(keys),
        "jpeg_bytes_640x360": round(statistics.mean(map(len, pictures))),
        "gb_an_hour_as_the_clip_has_them": round(gb_an_hour(statistics.mean(map(len, original))), 3),
    }
    config = ArchiveConfig(
        fingerprint="bench", key_dim=KEY_DIM, evidence_dim=CONCEPTS, max_bytes=2**40, min_free_bytes=0
    )
    report.update(record(folder / "day", config, pictures, keys, evidence))
    report.update(reopen(folder / "day", config))
    report.update(search(folder / "day", keys, "day"))
    shutil.rmtree(folder / "day")
    for num_frames in (10_000, 100_000):
        small_keys, small_evidence = make_vectors(num_frames)
        record(folder / "n", config, [b"\xff\xd8 no picture"], small_keys, small_evidence)
        report.update(search(folder / "n", small_keys, f"{num_frames // 1000}k"))
        shutil.rmtree(folder / "n")
    return report


def gb_an_hour(jpeg_bytes: float) -> float:
    return 3600 * (jpeg_bytes + 2 * (KEY_DIM + CONCEPTS)) / 1e9


def jpegs_of_clip(size_px: tuple[int, int] | None) -> list[bytes]:
    """The clip's frames, one a second."""
    capture = cv2.VideoCapture(str(CLIP))
    fps = round(capture.get(cv2.CAP_PROP_FPS)) or 25
    jpegs = []
    number = 0
    while True:
        is_there, image = capture.read()
        if not is_there:
            break
        if number % fps == 0:
            shown = image if size_px is None else cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
            _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            jpegs.append(data.tobytes())
        number += 1
    capture.release()
    return jpegs


def make_vectors(num_frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keys [n, KEY_DIM] of scenes that come back for a minute each, a little different each time, and evidence."""
    rng = np.random.default_rng(0)
    scenes = rng.random((NUM_SCENES, KEY_DIM), np.float32) * (rng.random((NUM_SCENES, KEY_DIM)) < 0.03)
    order = rng.integers(0, NUM_SCENES, num_frames // 60 + 1)
    keys = scenes[np.repeat(order, 60)[:num_frames]]
    keys += 0.05 * rng.random((num_frames, KEY_DIM), np.float32) * (keys > 0)
    keys /= np.maximum(np.linalg.norm(keys, axis=1, keepdims=True), 1e-6)
    evidence = np.zeros((num_frames, CONCEPTS), np.float32)
    shown = rng.integers(0, CONCEPTS, (NUM_SCENES, 4))[np.repeat(order, 60)[:num_frames]]
    np.put_along_axis(evidence, shown, rng.random((num_frames, 4), np.float32) * 2, axis=1)
    return keys, evidence


def record(
    folder: Path,
    config: ArchiveConfig,
    pictures: list[bytes],
    keys: NDArray[np.float32],
    evidence: NDArray[np.float32],
) -> dict[str, object]:
    """The clock runs as it would at 1 frame a second, so that the archive syncs as often as it would."""
    now_s = [0.0]
    archive = Archive(folder, config, clock=lambda: now_s[0])
    put_ms = []
    for number, (key, shown) in enumerate(zip(keys, evidence, strict=True)):
        now_s[0] = float(number)
        began = time.perf_counter()
        is_kept = archive.put(number, float(number), 1e9 + number, pictures[number % len(pictures)], key, shown)
        put_ms.append((time.perf_counter() - began) * 1e3)
        assert is_kept, archive.stats().problem
    num_bytes = archive.stats().num_bytes
    archive.close()
    quarters = [round(float(np.median(part)), 3) for part in np.array_split(put_ms, 4)]
    return {
        "gb_an_hour": round(num_bytes / 1e9 / (len(keys) / 3600), 3),
        "put_ms_p50_p80_p99_max": np.percentile(put_ms, [50, 80, 99, 100]).round(3).tolist(),
        "put_ms_median_by_quarter": quarters,
    }


def reopen(folder: Path, config: ArchiveConfig) -> dict[str, object]:
    began = time.perf_counter()
    Archive(folder, config).close()
    writer_ms = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    reader = ArchiveReader(folder)
    reader_ms = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    reader.prepare()
    prepare_s = time.perf_counter() - began
    get_ms = statistics.median(timed(lambda: reader.get(1234), 50))
    reader.close()
    return {
        "open_to_record_ms": round(writer_ms, 1),
        "open_to_read_ms": round(reader_ms, 2),
        "prepare_index_s": round(prepare_s, 2),
        "get_ms_p50": round(get_ms, 3),
    }


def search(folder: Path, keys: NDArray[np.float32], name: str) -> dict[str, object]:
    """Ours and the plain scan in turns, over the same queries: a stored key, a little changed."""
    reader = ArchiveReader(folder)
    reader.prepare()
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, len(keys), NUM_QUERIES)
    queries = keys[numbers] + 0.01 * rng.random((NUM_QUERIES, KEY_DIM), np.float32) * (keys[numbers] > 0)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    retriever, snapshot = Retriever(reader), empty_snapshot(float(len(keys)))
    ours: list[float] = []
    scan: list[float] = []
    evidence: list[float] = []
    retrieve: list[float] = []
    lost: list[float] = []
    for query in queries:
        scan += timed(partial(scan_of, keys, query), 1)
        ours += timed(partial(reader.search, key=query, k=8), 1)
        evidence += timed(partial(reader.search, channels=[17], k=8), 1)
        retrieve += timed(partial(retriever.retrieve, snapshot, Query(key=query), 8), 1)
        ours += timed(partial(reader.search, key=query, k=8), 1)
        scan += timed(partial(scan_of, keys, query), 1)
        best = reader.search(key=query, k=1)[0].frame_id
        lost.append(float(keys[scan_of(keys, query)[0]] @ query - keys[best] @ query))
    index_mb = round(reader.index_bytes / 2**20, 1)
    reader.close()
    return {
        f"search_ms_p20_p50_p80_{name}": np.percentile(ours, [20, 50, 80]).round(2).tolist(),
        f"numpy_scan_ms_p20_p50_p80_{name}": np.percentile(scan, [20, 50, 80]).round(2).tolist(),
        f"scan_to_search_ratio_{name}": round(statistics.median(scan) / statistics.median(ours), 2),
        f"best_within_0.001_{name}": f"{sum(gap <= 0.001 for gap in lost)} of {NUM_QUERIES}",
        f"most_similarity_lost_{name}": round(max(lost), 4),
        f"evidence_search_ms_p50_{name}": round(statistics.median(evidence), 2),
        f"retrieve_8_ms_p50_{name}": round(statistics.median(retrieve), 2),
        f"index_mb_{name}": index_mb,
        f"scan_mb_{name}": round(keys.nbytes / 2**20, 1),
    }


def scan_of(keys: NDArray[np.float32], query: NDArray[np.float32]) -> list[int]:
    scores = keys @ query
    best = np.argpartition(-scores, 8)[:8]
    return [int(number) for number in best[np.argsort(-scores[best])]]


def empty_snapshot(t_now_s: float) -> Snapshot:
    nothing = torch.empty(0, dtype=torch.int64)
    tier = Tier(
        times_s=torch.empty(0, 2, dtype=torch.float64),
        weights=torch.empty(0),
        tokens=torch.empty(0, 1, 1),
        frame_ids=nothing,
        first_frame_ids=nothing,
        last_frame_ids=nothing,
    )
    return Snapshot(version=1, t_now_s=t_now_s, frames_seen=0, spatial=tier, temporal=tier, ledger=Ledger())


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1e3)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
