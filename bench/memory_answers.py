"""Twin streams answered end to end: simulated detections, the memory, the embedded language model, its sentence.

    python -m bench.memory_answers [--first-seed 0] [--pairs 12] [--layouts ours,fifo] [--max-minutes 120]

Comes in: nothing but options; needs the models that `launch.py` fetches. Goes out: tables, and as the last line one
JSON object. Asked at each horizon after the visit, of every layout (bench/memory_layouts.py): was it ever seen, and
when first; and was that seen which the twin shows instead. A pair counts when both twins say yes to their own and no
to the other's, and when the first time that they name lies within two seconds of the visit. Beside it:
- the frames outside the visit are compared byte by byte between the twins;
- swap: the saved memory of the twin is loaded in place of the stream's own, and the twin's answer must come out;
- later: a snapshot from one minute after the visit is asked again at the end of the stream, with the same answers;
- present tense: bench/memory_present.py.
"""

import argparse
import json
import platform
import sys
from collections import defaultdict
from typing import Any

import numpy as np
import torch

from bench.answer_reading import times_s
from bench.confidence import wilson_percent
from bench.memory_asking import Asker, a
from bench.memory_detections import CONFIG, DetectorStream, Visit
from bench.memory_layouts import LAYOUTS, OURS, ReadableLayouts
from bench.memory_present import PresentTense, told_of
from memory import Snapshot, StreamMemory

HORIZONS_S, EVENT_FRAMES, SWAP_AFTER_S = (10, 60, 300, 900, 3600, 7200), (3, 6, 12), (60, 3600)
SLOW = ("flash_vstream_2024", "flash_vstream_2025")  # half a second a frame
Scores = dict[str, list[bool]]


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    asker = Asker()
    names = options.layouts.split(",")
    horizons_s = [horizon_s for horizon_s in HORIZONS_S if horizon_s <= options.max_minutes * 60]
    scores: Scores = defaultdict(list)
    present: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for seed in range(options.first_seed, options.first_seed + options.pairs):
        length = EVENT_FRAMES[seed % len(EVENT_FRAMES)]
        stream = DetectorStream(seed, 1.0, horizons_s[-1] + 90, length)
        run_pair(stream, names, horizons_s, asker, scores, present)
        so_far = {name: [sum(right), len(right)] for name, right in sorted(scores.items())}
        told = {kind: told_of(pairs) for kind, pairs in present.items()}
        print(f"pair {seed} done", json.dumps({**so_far, **told}), file=sys.stderr, flush=True)
    report: dict[str, Any] = {
        "device": f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_answers", *sys.argv[1:]]),
        "pairs": options.pairs,
        "budget_tokens": CONFIG.max_visual_tokens,
        "right_of": {name: [sum(right), len(right)] for name, right in sorted(scores.items())},
        "present_tense": {kind: told_of(pairs) for kind, pairs in present.items()},
    }
    print_report(report, names, horizons_s)
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pair accuracy of twin streams, answered by the embedded model.")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument(
        "--layouts",
        default=",".join(name for name in LAYOUTS if name not in SLOW),
        help=f"some of {', '.join(LAYOUTS)}, with commas",
    )
    parser.add_argument("--max-minutes", type=float, default=120.0)
    return parser.parse_args()


def run_pair(
    stream: DetectorStream,
    names: list[str],
    horizons_s: list[int],
    asker: Asker,
    scores: Scores,
    present: dict[str, list[tuple[bool, bool]]],
) -> None:
    one = Twin(stream, stream.event, stream.twin_event, asker)
    one.run(names, horizons_s, PresentTense(stream, asker, CONFIG, present))
    other = Twin(stream, stream.twin_event, stream.event, asker)
    other.run(names, horizons_s, None)
    if one.digest != other.digest:
        raise AssertionError(f"the twins of stream {stream.seed} differ outside the visit")
    for key in one.right:
        scores[key].append(one.right[key] and other.right[key])
    for twin in (one, other):
        scores["later frames change nothing"].append(twin.is_same_later)
    for after_s in one.states:
        loaded = [StreamMemory.from_state(*each.states[after_s]).snapshot() for each in (other, one)]
        right = [each.is_told_apart(snapshot) for each, snapshot in zip((other, one), loaded, strict=True)]
        scores[f"swap after {after_s:5d} s"].append(all(right))


class Twin:
    """One run of one twin: what was right at each horizon, and what the checks need."""

    def __init__(self, stream: DetectorStream, own: Visit, other: Visit, asker: Asker) -> None:
        self.right: dict[str, bool] = {}
        self.states: dict[int, Any] = {}
        self.digest = b""
        self.is_same_later = False
        self._stream, self._own, self._other, self._asker = stream, own, other, asker

    def run(self, names: list[str], horizons_s: list[int], present: PresentTense | None) -> None:
        layouts, fps = ReadableLayouts(names, CONFIG), self._stream.fps
        due = {self._own.last + round(horizon_s * fps): horizon_s for horizon_s in horizons_s}
        early: tuple[Snapshot, list[str]] | None = None
        for tokens, key, time_s, number in self._stream.frames(self._own, digest := self._stream.digest()):
            layouts.write(tokens, key, time_s, number)
            if present is not None:
                present.see(tokens, key, time_s, number, layouts.ours)
            if number in due:
                self._ask_all(layouts.snapshots(), due[number])
                if due[number] in SWAP_AFTER_S:
                    self.states[due[number]] = layouts.ours.export_state()
                if early is None or due[number] == 60:
                    early = layouts.ours.snapshot(), self._answers(layouts.ours.snapshot())
            if number >= max(due):
                break
        layouts.close()
        assert early is not None
        self.is_same_later = self._answers(early[0]) == early[1]
        self.digest = digest.digest()

    def is_told_apart(self, snapshot: Snapshot) -> bool:
        """Its own visit is affirmed and the twin's denied."""
        was_seen = self._asker.says_yes(f"Did you see {a(self._own.concept)}?", snapshot)
        return was_seen is True and self._asker.says_yes(f"Did you see {a(self._other.concept)}?", snapshot) is False

    def _ask_all(self, snapshots: dict[str, Snapshot], horizon_s: int) -> None:
        for name, snapshot in snapshots.items():
            self.right[f"{name}: ever after {horizon_s:5d} s"] = self.is_told_apart(snapshot)
            self.right[f"{name}: first after {horizon_s:5d} s"] = self._is_near(snapshot)

    def _is_near(self, snapshot: Snapshot) -> bool:
        text = self._asker.ask(f"When did you first see {a(self._own.concept)}?", snapshot)
        named_s, fps = times_s(text, snapshot.t_now_s), self._stream.fps
        return bool(named_s) and self._own.first / fps - 2 <= named_s[0] <= self._own.last / fps + 2

    def _answers(self, snapshot: Snapshot) -> list[str]:
        names = (a(self._own.concept), a(self._other.concept))
        return [self._asker.ask(f"Did you see {name}?", snapshot) for name in names]


def print_report(report: dict[str, Any], names: list[str], horizons_s: list[int]) -> None:
    titles = [f"{h} s" if h < 60 else f"{h // 60} min" for h in horizons_s]
    right_of = report["right_of"]
    for kind in ("ever", "first"):
        print(f"\npairs right in percent of {report['pairs']}, {kind}\n")
        print("| layout | " + " | ".join(titles) + " |" + "\n" + "|---" * (len(titles) + 1) + "|")
        for name in names:
            cells = [right_of[f"{name}: {kind} after {horizon_s:5d} s"] for horizon_s in horizons_s]
            print(f"| {name} | " + " | ".join(f"{100 * right / num:.0f}" for right, num in cells) + " |")
    print()
    for name, (right, num) in right_of.items():
        if ":" not in name or name.startswith(f"{OURS}:"):
            low, high = wilson_percent(right, num)
            print(f"{name}: {right} of {num} ({low:.0f} to {high:.0f} %)")
    for kind, told in report["present_tense"].items():
        print(f"present tense, {kind}: {told}")


if __name__ == "__main__":
    raise SystemExit(main())
