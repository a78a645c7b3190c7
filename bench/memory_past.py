"""Was it there an hour ago? Questions about half a minute long past, answered end to end without an archive.

    python -m bench.memory_past [--first-seed 0] [--streams 2] [--hours 2] [--questions 60] [--spans 64,8]

Comes in: nothing but options; needs the models that `launch.py` fetches. Goes out: for each number of spans that the
ledger keeps of a concept the share of right answers with its 95 % interval, and as the last line one JSON object.
Simulated detections (bench/memory_detections.py): twelve concepts that come back all the time. At the end of the stream
the embedded language model is asked "Did you see a dog between 31:10 and 31:40?", as often about what was in view for
the whole time as about what was away for the whole time and longer; right is yes and no. All times are older than the
event slots of the last ten minutes. The same questions are asked of each memory.
"""

import argparse
import json
import platform
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from app.language.embedded.times import format_time
from bench.confidence import wilson_percent
from bench.memory_asking import Asker, a
from bench.memory_detections import CONFIG, DetectorStream
from memory import Snapshot, StreamMemory

INTERVAL_S, FIRST_S, OLDER_THAN_S, FPS = 30, 60, 600, 1.0
Asked = tuple[int, int, bool]  # concept, start in seconds, whether it was there


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    asker = Asker()
    right: dict[str, list[bool]] = {}
    for seed in range(options.first_seed, options.first_seed + options.streams):
        stream = DetectorStream(seed, FPS, options.hours * 3600, 3)
        asked = questions(stream, options.questions)
        for num_spans in map(int, options.spans.split(",")):
            snapshot = remembered(stream, num_spans)
            for concept, start_s, was_there in asked:
                times = f"between {format_time(start_s)} and {format_time(start_s + INTERVAL_S)}"
                said = asker.says_yes(f"Did you see {a(concept)} {times}?", snapshot)
                for kind in ("all", "was there" if was_there else "was away"):
                    right.setdefault(f"{num_spans} spans, {kind}", []).append(said is was_there)
        print(f"stream {seed} done", {name: [sum(each), len(each)] for name, each in right.items()}, file=sys.stderr)
    report: dict[str, Any] = {
        "device": f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_past", *sys.argv[1:]]),
        "right_of": {name: [sum(each), len(each)] for name, each in right.items()},
    }
    for name, (num_right, num) in report["right_of"].items():
        low, high = wilson_percent(num_right, num)
        print(f"{name:24} {num_right} of {num}: {100 * num_right / num:.1f} % ({low:.0f} to {high:.0f} %)")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Questions about times long past, without an archive.")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--questions", type=int, default=60, help="of each stream")
    parser.add_argument("--spans", default="64,8", help="spans that the ledger keeps of a concept, with commas")
    return parser.parse_args()


def questions(stream: DetectorStream, num: int) -> list[Asked]:
    """As many of each kind, at random times; doubtful cases are left out."""
    rng = np.random.default_rng((stream.seed, 7))
    last_s = int(stream.num_frames / stream.fps) - OLDER_THAN_S - INTERVAL_S
    found: dict[bool, list[Asked]] = {True: [], False: []}
    while min(len(each) for each in found.values()) < num // 2:
        start_s, concept = int(rng.integers(FIRST_S, last_s)), int(rng.choice(stream.cast))
        frames = range(round(start_s * stream.fps), round((start_s + INTERVAL_S) * stream.fps) + 1)
        for was_there, concepts_at in ((True, stream.present), (False, stream.away)):
            if all(concept in concepts_at(number) for number in frames):
                found[was_there].append((concept, start_s, was_there))
    return [*found[True][: num // 2], *found[False][: num // 2]]


def remembered(stream: DetectorStream, num_spans: int) -> Snapshot:
    """The memory at the end of the stream."""
    memory = StreamMemory(replace(CONFIG, max_spans_per_channel=num_spans))
    for frame in stream.frames(stream.event):
        memory.write(*frame)
    memory.close()
    return memory.snapshot()


if __name__ == "__main__":
    raise SystemExit(main())
