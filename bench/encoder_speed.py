"""How fast a picture becomes a semantic grid, and where the time goes.

In: nothing (a picture from a formula, in several sizes). Out: a table and, as the last line, one JSON object. The
matching tests run first; if they fail there are no figures. Whole encodes alternate A-B-B-A with the baseline of the
same run: the detector's fine look alone, NanoDet at 416 px. Wall time and CPU time are both given: on a busy machine
the second is the one to compare.

    python -m bench.encoder_speed [--threads 2] [--repeats 20] [--skip-tests]
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from vision.encoders import SemanticEncoder, grid_from_objects, grid_key
from vision.encoders.conversion.convert_nanodet import golden_picture
from vision.encoders.evidence import join_evidence
from vision.encoders.picture import cell_means, fit_picture

SIZES = ((720, 1280), (480, 640), (1080, 1920))
WARM_UP = 3
Times = list[tuple[float, float]]  # wall, CPU (all threads), in seconds


def timed(action: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def summary(times: Times) -> dict[str, float]:
    wall, cpu = np.array(times).T * 1000
    low, median, high = np.quantile(wall, (0.2, 0.5, 0.8))
    return {
        "wall_ms": round(float(median), 1),
        "wall_ms_p20": round(float(low), 1),
        "wall_ms_p80": round(float(high), 1),
        "cpu_ms": round(float(np.median(cpu)), 1),
        "cpu_ms_min": round(float(cpu.min()), 1),
    }


def picture(height: int, width: int) -> np.ndarray:
    side = golden_picture(max(height, width))
    return np.ascontiguousarray(side[:height, :width])


def measure(encoder: SemanticEncoder, image: np.ndarray, repeats: int) -> dict[str, dict[str, float]]:
    """Whole encodes against the baseline, A-B-B-A, then each part by itself."""

    def baseline() -> object:
        with torch.inference_mode():
            return encoder.detect(image, encoder.config.fine_side_px)

    for _ in range(WARM_UP):
        encoder.encode(image)
    whole: Times = []
    alone: Times = []
    for _ in range(repeats):
        whole.append(timed(lambda: encoder.encode(image)))
        alone += [timed(baseline), timed(baseline)]
        whole.append(timed(lambda: encoder.encode(image)))
    figures = {"encode": summary(whole), "baseline: NanoDet 416 alone": summary(alone)}
    for name, action in parts(encoder, image).items():
        with torch.inference_mode():
            figures[name] = summary([timed(action) for _ in range(repeats)])
    return figures


def parts(encoder: SemanticEncoder, image: np.ndarray) -> dict[str, Callable[[], object]]:
    looked = encoder.look(image)
    seen = join_evidence(*looked)
    rows = [(one.concept, one.evidence, one.cx, one.cy, one.w, one.h) for one in seen]
    tokens = grid_from_objects(rows, encoder.layout)
    return {
        "fit to 416": lambda: fit_picture(image, encoder.config.fine_side_px, 32),
        "fine look": lambda: encoder.detect(image, encoder.config.fine_side_px),
        "coarse look": lambda: encoder.detect(image, encoder.config.coarse_side_px),
        "classifier": lambda: encoder.classify(image),
        "everyday look": lambda: encoder.detect_everyday(image),
        "join evidence": lambda: join_evidence(*looked),
        "colour": lambda: cell_means(image, encoder.layout.grid_size),
        "grid and key": lambda: grid_key(grid_from_objects(rows, encoder.layout), encoder.layout),
        "key": lambda: grid_key(tokens, encoder.layout),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--skip-tests", action="store_true")
    options = parser.parse_args(arguments)
    if not options.skip_tests:
        tests = [sys.executable, "-m", "pytest", "-q", "tests/vision/encoders"]
        if subprocess.run(tests, stdout=sys.stderr, timeout=900).returncode:
            raise SystemExit("the tests of the encoders fail: no figures")
    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    encoder = SemanticEncoder()
    result: dict[str, object] = {"load_s": round(time.perf_counter() - started, 2)}
    for height, width in SIZES:
        figures = measure(encoder, picture(height, width), options.repeats)
        print(f"{width} x {height}")
        for name, one in figures.items():
            print(f"  {name:28s} {one['wall_ms']:7.1f} ms ({one['wall_ms_p20']}..{one['wall_ms_p80']})", end="")
            print(f"  CPU {one['cpu_ms']:7.1f} ms, least {one['cpu_ms_min']}")
        whole, base = figures["encode"], figures["baseline: NanoDet 416 alone"]
        result[f"{width}x{height}"] = figures | {
            "frames_per_s": round(1000 / whole["wall_ms"], 2),
            "cpu_ratio_to_baseline": round(whole["cpu_ms"] / base["cpu_ms"], 2),
        }
    device = {"processor": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
    print(json.dumps(result | device | {"torch": torch.__version__, "python": platform.python_version()}))


if __name__ == "__main__":
    main()
