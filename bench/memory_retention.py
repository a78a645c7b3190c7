"""How long does a memory remember? Pair accuracy of twin streams over horizons, for layouts of one token budget.

    python -m bench.memory_retention [--first-seed 10] [--seeds 4] [--layouts ours,fifo] [--max-hours 8] [--plot FILE]

Comes in: nothing but options; the streams are made here (bench/memory_twins.py). Goes out: a table for each length of
event, a plot, and as the last line one JSON object. Reader: the entry whose key is nearest to the event's marker; its
strongest attribute is the answer. A pair counts when both twins are answered right; a layout that has lost the interval
gives one answer to both. "X+archive" is layout X that has given up eight frames of its budget for eight retrieved from
an archive of every frame: the same archive and retrieval for each. Streams 0 to 9 and from 100 on were used to choose
the memory's numbers; report others. The memory's tests run first; if they fail, there is no number.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.confidence import wilson_percent
from bench.memory_plot import write_plot
from bench.memory_twins import ATTRIBUTES, KEY_DIM, NUM_TOKENS, TOKEN_DIM, Event, TwinStream, digest_outside
from bench.memory_with_archive import WithArchive
from memory import MemoryConfig, StreamMemory
from memory.baselines import Fifo, FlashMemory, LastFrames, Layout, OfflineKMeans, StarMemory, UniformFrames

HORIZONS_S = (10, 60, 300, 900, 3600, 7200, 14_400, 28_800)
ASKED_S, LENGTHS = 480.0, (1, 3, 10, 1, 3, 10, 3, 10)
CONFIG = MemoryConfig(num_tokens=NUM_TOKENS, token_dim=TOKEN_DIM, key_dim=KEY_DIM, num_evidence_channels=ATTRIBUTES)


def slots_alone(config: MemoryConfig) -> StreamMemory:
    """Ours, with the room of the traces given to slots."""
    num_slots = config.temporal_capacity + config.trace_capacity // config.num_tokens
    return StreamMemory(replace(config, temporal_capacity=num_slots, trace_capacity=0))


LAYOUTS: dict[str, Callable[[MemoryConfig], Layout]] = {
    "ours": StreamMemory,
    "slots_alone": slots_alone,
    "last_frames": LastFrames,
    "fifo": Fifo,
    "uniform": UniformFrames,
    "offline_kmeans": OfflineKMeans,
    "flash_vstream_2024": StarMemory,
    "flash_vstream_2025": FlashMemory,
}
LAYOUTS |= {f"{name}+archive": partial(WithArchive, make) for name, make in LAYOUTS.items()}


def main() -> int:
    options = parse_options()
    root = Path(__file__).resolve().parent.parent
    if options.tests and subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/memory"], cwd=root).returncode:
        print("the memory's tests fail: no figures")
        return 1
    torch.set_num_threads(1)
    names = options.layouts.split(",") if options.layouts else list(LAYOUTS)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    horizons_s = tuple(horizon_s for horizon_s in HORIZONS_S if horizon_s <= options.max_hours * 3600)
    counts = {name: run_layout(name, seeds, options.fps, horizons_s) for name in names}
    scores = {name: {length: percent(right) for length, right in each.items()} for name, each in counts.items()}
    report: dict[str, Any] = {
        "device": f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_retention", *sys.argv[1:]]),
        "budget_tokens": CONFIG.max_visual_tokens,
        "seeds": list(seeds),
        "horizons_s": horizons_s,
        "pairs_by_length": {str(length): options.seeds * LENGTHS.count(length) for length in sorted(set(LENGTHS))},
        "pair_accuracy_percent": scores,
        "three_or_more_right_of": {
            name: [sum(c) for c in zip(*long_events(each), strict=True)] for name, each in counts.items()
        },
    }
    print_tables(scores, counts, horizons_s)
    if options.plot:
        shown = {name: percent(long_events(each)) for name, each in counts.items() if "+" not in name}
        write_plot(options.plot, horizons_s, shown)
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pair accuracy of twin streams over horizons.")
    parser.add_argument("--first-seed", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2, help="streams; eight pairs each")
    parser.add_argument("--fps", type=float, default=1.0)
    parser.add_argument("--max-hours", type=float, default=2.0, help="the longest horizon, up to 8")
    parser.add_argument("--layouts", default="", help=f"some of {', '.join(LAYOUTS)}, with commas")
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument("--no-tests", dest="tests", action="store_false")
    return parser.parse_args()


def run_layout(name: str, seeds: range, fps: float, horizons_s: tuple[int, ...]) -> dict[str, list[list[bool]]]:
    """For each length of event the pairs, right or not at each horizon."""
    right: dict[str, list[list[bool]]] = defaultdict(list)
    for seed in seeds:
        stream = TwinStream(seed, fps, horizons_s[-1] + ASKED_S + 60.0, ASKED_S, LENGTHS)
        base = answers(LAYOUTS[name](CONFIG), stream, None, stream.asked, horizons_s)
        for event in stream.asked:
            changed = stream.twin_of(event)
            if name == "ours":
                check_twins(stream, changed)
            twin = answers(LAYOUTS[name](CONFIG), stream, changed, [event], horizons_s)
            pairs = zip(base[event.first], twin[event.first], strict=True)
            right[str(event.length)].append([(a, b) == (event.attribute, changed.attribute) for a, b in pairs])
        so_far = {length: [sum(column) for column in zip(*pairs, strict=True)] for length, pairs in right.items()}
        print(f"{name}: stream {seed} done, right so far {so_far}", file=sys.stderr, flush=True)
    return right


def answers(
    memory: Layout, stream: TwinStream, changed: Event | None, asked: list[Event], horizons_s: tuple[int, ...]
) -> dict[int, list[int | None]]:
    """For each asked event the answers at the horizons after its end. Reading leaves no trace in the memory."""
    due = {
        event.last + round(horizon_s * stream.fps): (event, place)
        for event in asked
        for place, horizon_s in enumerate(horizons_s)
    }
    given: dict[int, list[int | None]] = {event.first: [None] * len(horizons_s) for event in asked}
    for tokens, key, time_s, number in stream.frames(changed):
        memory.write(tokens, key, time_s, number)
        if number in due:
            event, place = due[number]
            given[event.first][place] = read_nearest(memory, stream.markers[event.marker])
        if number >= max(due):
            break
    memory.close()
    return given


def read_nearest(memory: Layout, marker: np.ndarray) -> int | None:
    """The strongest attribute of the entry nearest to the marker; None when it shows none."""
    snapshot = memory.snapshot()
    tiers = [snapshot.spatial, snapshot.temporal, snapshot.traces]
    if isinstance(memory, WithArchive):
        tiers.append(memory.retrieved(marker))
    tiers = [tier for tier in tiers if len(tier)]
    entries = [(tier, row) for tier in tiers for row in range(len(tier))]
    keys = torch.cat([tier.keys for tier in tiers])
    similarity = torch.cosine_similarity(keys, torch.from_numpy(marker)[None].float())
    tier, row = entries[int(similarity.argmax())]
    evidence = tier.tokens[row, :, :ATTRIBUTES].mean(dim=0) * NUM_TOKENS  # of the whole picture, however it is pooled
    return int(evidence.argmax()) if evidence.max() > 0.02 else None


def check_twins(stream: TwinStream, changed: Event) -> None:
    """The twins differ in the event and nowhere else."""
    one, other = (digest_outside(stream.frames(each), changed) for each in (None, changed))
    if one != other:
        raise AssertionError(f"the twins of stream {stream.seed} differ outside frames {changed.first}-{changed.last}")


def percent(right: list[list[bool]]) -> list[float]:
    return [round(100 * sum(column) / len(column), 1) for column in zip(*right, strict=True)]


def long_events(right: dict[str, list[list[bool]]]) -> list[list[bool]]:
    """The pairs of the events of three frames or more."""
    return [pair for length, pairs in right.items() if int(length) >= 3 for pair in pairs]


def print_tables(
    scores: dict[str, dict[str, list[float]]],
    counts: dict[str, dict[str, list[list[bool]]]],
    horizons_s: tuple[int, ...],
) -> None:
    titles = [f"{h} s" if h < 60 else f"{h // 60} min" for h in horizons_s]
    rows = {"3 frames or more": {name: percent(long_events(each)) for name, each in counts.items()}}
    rows |= {f"{length} frames": {name: score[length] for name, score in scores.items()} for length in ("1", "3", "10")}
    for title, table in rows.items():
        print(f"\npair accuracy in percent, events of {title}\n")
        print("| layout | " + " | ".join(titles) + " |")
        print("|---" * (len(titles) + 1) + "|")
        for name, values in table.items():
            print(f"| {name} | " + " | ".join(f"{value:g}" for value in values) + " |")
    print("\n95 % intervals at the last two horizons, events of 3 frames or more")
    for name, each in counts.items():
        columns = list(zip(*long_events(each), strict=True))
        told = [wilson_percent(sum(column), len(column)) for column in columns[-2:]]
        print(f"{name}: {told[0][0]:.0f}-{told[0][1]:.0f}, {told[1][0]:.0f}-{told[1][1]:.0f} (n = {len(columns[0])})")
    print()


if __name__ == "__main__":
    raise SystemExit(main())
