"""How long does a memory remember? Pair accuracy of twin streams over horizons, for layouts of one token budget.

    python -m bench.memory_retention [--seeds 2] [--fps 1] [--layouts fifo,uniform] [--plot docs/images/retention.svg]

Comes in: nothing but options; the streams are made here (bench/memory_twins.py). Goes out: a table for each length of
event, a plot, and as the last line one JSON object. Reader: the entry whose key is nearest to the event's marker; its
strongest attribute is the answer. A pair counts when both twins are answered right; a layout that has lost the interval
gives one answer to both. The memory's tests run first; if they fail, there is no number.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.memory_plot import write_plot
from bench.memory_twins import ATTRIBUTES, KEY_DIM, NUM_TOKENS, TOKEN_DIM, Event, TwinStream, digest_outside
from bench.memory_with_archive import WithArchive
from memory import MemoryConfig, StreamMemory
from memory.baselines import Fifo, FlashMemory, LastFrames, Layout, OfflineKMeans, StarMemory, UniformFrames

HORIZONS_S = (10, 60, 300, 900, 3600, 7200)
ASKED_S, LENGTHS = 480.0, (1, 3, 10, 1, 3, 10, 3, 10)
CONFIG = MemoryConfig(num_tokens=NUM_TOKENS, token_dim=TOKEN_DIM, key_dim=KEY_DIM, num_evidence_channels=ATTRIBUTES)
LAYOUTS: dict[str, Callable[[MemoryConfig], Layout]] = {
    "four_tiers": WithArchive,
    "three_tiers": StreamMemory,
    "last_frames": LastFrames,
    "fifo": Fifo,
    "uniform": UniformFrames,
    "offline_kmeans": OfflineKMeans,
    "flash_vstream_2024": StarMemory,
    "flash_vstream_2025": FlashMemory,
}


def main() -> int:
    options = parse_options()
    root = Path(__file__).resolve().parent.parent
    if options.tests and subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/memory"], cwd=root).returncode:
        print("the memory's tests fail: no figures")
        return 1
    torch.set_num_threads(1)
    names = options.layouts.split(",") if options.layouts else list(LAYOUTS)
    scores = {name: run_layout(name, options.seeds, options.fps) for name in names}
    report: dict[str, Any] = {
        "device": f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_retention", *sys.argv[1:]]),
        "budget_tokens": CONFIG.max_visual_tokens,
        "pairs_by_length": {str(length): options.seeds * LENGTHS.count(length) for length in sorted(set(LENGTHS))},
        "pair_accuracy_percent": scores,
    }
    print_tables(scores)
    if options.plot:
        write_plot(options.plot, HORIZONS_S, {name: at_least_3(score) for name, score in scores.items()})
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pair accuracy of twin streams over horizons.")
    parser.add_argument("--seeds", type=int, default=2, help="streams; eight pairs each")
    parser.add_argument("--fps", type=float, default=1.0)
    parser.add_argument("--layouts", default="", help=f"some of {', '.join(LAYOUTS)}, with commas")
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    return parser.parse_args()


def run_layout(name: str, num_seeds: int, fps: float) -> dict[str, list[float]]:
    """Percent of pairs right, for each length of event, over the horizons."""
    right: dict[int, list[list[bool]]] = defaultdict(list)
    for seed in range(num_seeds):
        stream = TwinStream(seed, fps, HORIZONS_S[-1] + ASKED_S + 60.0, ASKED_S, LENGTHS)
        base = answers(LAYOUTS[name](CONFIG), stream, None, stream.asked)
        for event in stream.asked:
            changed = stream.twin_of(event)
            if name == "four_tiers":
                check_twins(stream, changed)
            twin = answers(LAYOUTS[name](CONFIG), stream, changed, [event])
            pairs = zip(base[event.first], twin[event.first], strict=True)
            right[event.length].append([(a, b) == (event.attribute, changed.attribute) for a, b in pairs])
        print(f"{name}: stream {seed + 1} of {num_seeds} done", file=sys.stderr)
    return {str(length): percent(right[length]) for length in sorted(right)}


def answers(
    memory: Layout, stream: TwinStream, changed: Event | None, asked: list[Event]
) -> dict[int, list[int | None]]:
    """For each asked event the answers at the horizons after its end. Reading leaves no trace in the memory."""
    due = {
        event.last + round(horizon_s * stream.fps): (event, place)
        for event in asked
        for place, horizon_s in enumerate(HORIZONS_S)
    }
    given: dict[int, list[int | None]] = {event.first: [None] * len(HORIZONS_S) for event in asked}
    for tokens, key, time_s, number in stream.frames(changed):
        memory.write(tokens, key, time_s, number)
        if number in due:
            event, place = due[number]
            given[event.first][place] = read_nearest(memory, stream.markers[event.marker])
    memory.close()
    return given


def read_nearest(memory: Layout, marker: np.ndarray) -> int | None:
    """The strongest attribute of the entry nearest to the marker; None when it shows none."""
    snapshot = memory.snapshot()
    tiers = [snapshot.spatial, snapshot.temporal]
    if isinstance(memory, WithArchive):
        tiers.append(memory.retrieved(marker))
    tiers = [tier for tier in tiers if len(tier)]
    entries = [(tier, row) for tier in tiers for row in range(len(tier))]
    keys = torch.cat([tier.keys for tier in tiers])
    similarity = torch.cosine_similarity(keys, torch.from_numpy(marker)[None].float())
    tier, row = entries[int(similarity.argmax())]
    evidence = tier.tokens[row, :, :ATTRIBUTES].sum(dim=0)
    return int(evidence.argmax()) if evidence.max() > 0.02 else None


def check_twins(stream: TwinStream, changed: Event) -> None:
    """The twins differ in the event and nowhere else."""
    one, other = (digest_outside(stream.frames(each), changed) for each in (None, changed))
    if one != other:
        raise AssertionError(f"the twins of stream {stream.seed} differ outside frames {changed.first}-{changed.last}")


def percent(right: list[list[bool]]) -> list[float]:
    return [round(100 * sum(column) / len(column), 1) for column in zip(*right, strict=True)]


def at_least_3(score: dict[str, list[float]]) -> list[float]:
    """Over the events of three frames or more, each pair counted once."""
    lengths = [length for length in score if int(length) >= 3]
    shares = [LENGTHS.count(int(length)) for length in lengths]
    columns = zip(*(score[length] for length in lengths), strict=True)
    return [round(sum(s * v for s, v in zip(shares, column, strict=True)) / sum(shares), 1) for column in columns]


def print_tables(scores: dict[str, dict[str, list[float]]]) -> None:
    titles = [f"{h} s" if h < 60 else f"{h // 60} min" for h in HORIZONS_S]
    rows = {"3 frames or more": {name: at_least_3(score) for name, score in scores.items()}}
    rows |= {f"{length} frames": {name: score[length] for name, score in scores.items()} for length in ("1", "3", "10")}
    for title, table in rows.items():
        print(f"\npair accuracy in percent, events of {title}\n")
        print("| layout | " + " | ".join(titles) + " |")
        print("|---" * (len(titles) + 1) + "|")
        for name, values in table.items():
            print(f"| {name} | " + " | ".join(f"{value:g}" for value in values) + " |")
    print()


if __name__ == "__main__":
    raise SystemExit(main())
