"""Twin streams answered end to end: simulated detections, the memory, the embedded language model, its sentence.

    python -m bench.memory_answers [--pairs 4] [--fps 1] [--layouts three_tiers,last_frames,fifo] [--max-minutes 120]

Comes in: nothing but options; needs the models that `launch.py` fetches. Goes out: tables, and as the last line one
JSON object. Asked at each horizon after the visit: whether it was ever seen, and when first; of both concepts that
could have made the visit. A pair counts when both twins say yes to their own and no to the other's, and when the time
lies within two seconds of the visit. Layouts without a ledger get the one that can be written from what they hold.
- present tense: is this in view now? With the whole memory, and with one that was shown the newest frames alone;
- swap: the saved memory of the twin is loaded in place of the stream's own, and the twin's answer must come out.
"""

import argparse
import json
import platform
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from app.language.lmm import LMM, Question, Reply
from app.loading import load_lmm
from bench.answer_reading import polarity, times_s
from bench.memory_detections import LAYOUT, DetectorStream, Visit
from memory import MemoryConfig, Snapshot, StreamMemory
from memory.baselines import Fifo, LastFrames, Layout
from vision.encoders import CONCEPTS

HORIZONS_S, EVENT_FRAMES = (10, 60, 300, 900, 3600, 7200), (3, 6, 12)
CONFIG = MemoryConfig(
    num_tokens=LAYOUT.num_tokens,
    token_dim=LAYOUT.token_dim,
    key_dim=LAYOUT.key_dim,
    num_evidence_channels=LAYOUT.num_concepts,
)
NEWEST = replace(
    CONFIG, spatial_capacity=6, temporal_capacity=2, protected_slots=1
)  # LastFrames spends both tiers on newest frames
LAYOUTS: dict[str, Callable[[MemoryConfig], Layout]] = {
    "three_tiers": StreamMemory,
    "last_frames": LastFrames,
    "fifo": Fifo,
}
Scores = dict[str, list[bool]]


class Asker:
    """Asks the model one question after another, each on its own."""

    def __init__(self) -> None:
        self._lmm: LMM = load_lmm()

    def ask(self, text: str, snapshot: Snapshot) -> str:
        question = Question(text=text, asked_at_s=snapshot.t_now_s)
        replies = [part for part in self._lmm.stream(question, snapshot, lambda: False) if isinstance(part, Reply)]
        return replies[-1].text

    def says_yes(self, text: str, snapshot: Snapshot) -> bool | None:
        said = polarity(self.ask(text, snapshot))
        return None if said is None else said == "yes"


def main() -> int:
    options = parse_options()
    torch.set_num_threads(1)
    asker = Asker()
    horizons_s = [horizon_s for horizon_s in HORIZONS_S if horizon_s <= options.max_minutes * 60]
    names = options.layouts.split(",")
    report: dict[str, Any] = {
        "device": f"CPU {platform.machine()}, 1 thread",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "command": " ".join(["python", "-m", "bench.memory_answers", *sys.argv[1:]]),
        "pairs": options.pairs,
        "horizons_s": horizons_s,
    }
    for name in names:
        scores = run_layout(name, asker, options.pairs, options.fps, horizons_s)
        report[name] = {key: [round(100 * np.mean(values), 1), len(values)] for key, values in sorted(scores.items())}
        print(f"\n{name}: percent right, number of pairs or questions")
        for key, value in report[name].items():
            print(f"  {key:32} {value[0]:6.1f} {value[1]:4d}")
    print(json.dumps(report))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pair accuracy of twin streams, answered by the embedded model.")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--fps", type=float, default=1.0)
    parser.add_argument("--layouts", default=",".join(LAYOUTS))
    parser.add_argument("--max-minutes", type=float, default=120.0)
    return parser.parse_args()


def run_layout(name: str, asker: Asker, num_pairs: int, fps: float, horizons_s: list[int]) -> Scores:
    scores: Scores = defaultdict(list)
    for seed in range(num_pairs):
        length = EVENT_FRAMES[seed % len(EVENT_FRAMES)]
        stream = DetectorStream(seed, fps, horizons_s[-1] + 90, length)
        twins = (stream.event, stream.twin_event)
        one, other = (right(name, asker, stream, own, horizons_s, scores) for own in twins)
        for horizon_s, given, given_twin in zip(horizons_s, one, other, strict=True):
            for kind in ("ever", "first"):
                scores[f"{kind} after {horizon_s:5d} s"].append(given[kind] and given_twin[kind])
        if name == "three_tiers":
            scores["swap"].append(swap(asker, stream))
        print(f"{name}: pair {seed + 1} of {num_pairs} done", file=sys.stderr)
    return scores


def right(
    name: str, asker: Asker, stream: DetectorStream, own: Visit, horizons_s: list[int], scores: Scores
) -> list[dict[str, bool]]:
    """What one twin got right at each horizon; the questions about the present go to `scores`."""
    other = stream.twin_event if own is stream.event else stream.event
    due = {own.last + round(horizon_s * stream.fps) for horizon_s in horizons_s}
    memory, newest = LAYOUTS[name](CONFIG), LastFrames(NEWEST)
    given = []
    for tokens, key, time_s, number in stream.frames(own):
        memory.write(tokens, key, time_s, number)
        newest.write(tokens, key, time_s, number)
        if number in due:
            snapshot = memory.snapshot()
            given.append(about_the_visit(asker, snapshot, own, other, stream.fps))
            if name == "three_tiers" and own is stream.event:
                about_the_present(asker, stream, number, snapshot, newest.snapshot(), scores)
    memory.close()
    return given


def about_the_visit(asker: Asker, snapshot: Snapshot, own: Visit, other: Visit, fps: float) -> dict[str, bool]:
    was_seen = asker.says_yes(f"Did you see {a(own.concept)}?", snapshot)
    was_other = asker.says_yes(f"Did you see {a(other.concept)}?", snapshot)
    named_s = times_s(asker.ask(f"When did you first see {a(own.concept)}?", snapshot), snapshot.t_now_s)
    is_near = bool(named_s) and own.first / fps - 2 <= named_s[0] <= own.last / fps + 2
    return {"ever": was_seen is True and was_other is False, "first": is_near}


def about_the_present(
    asker: Asker, stream: DetectorStream, number: int, whole: Snapshot, recent: Snapshot, scores: Scores
) -> None:
    """One thing that is in view and two that are not, asked of the whole memory and of the newest frames alone."""
    cases = [(concept, True) for concept in stream.present(number)[:1]]
    cases += [(concept, False) for concept in (*stream.away(number)[:1], stream.absent)]
    for concept, is_there in cases:
        question = f"Is there {a(concept)} right now?"
        scores["present tense, whole memory"].append(asker.says_yes(question, whole) is is_there)
        scores["present tense, newest frames"].append(asker.says_yes(question, recent) is is_there)


def swap(asker: Asker, stream: DetectorStream) -> bool:
    """Both memories after the visit, saved and loaded in each other's place."""
    states = []
    for own in (stream.event, stream.twin_event):
        memory = StreamMemory(CONFIG)
        for tokens, key, time_s, number in stream.frames(own):
            memory.write(tokens, key, time_s, number)
            if number == own.last + round(60 * stream.fps):
                break
        states.append(memory.export_state())
    events = (stream.twin_event, stream.event)  # each is now in the other's place
    loaded = [StreamMemory.from_state(*state).snapshot() for state in reversed(states)]
    return all(
        asker.says_yes(f"Did you see {a(own.concept)}?", snapshot) is True
        and asker.says_yes(f"Did you see {a(other.concept)}?", snapshot) is False
        for snapshot, own, other in zip(loaded, events, reversed(events), strict=True)
    )


def a(concept: int) -> str:
    """ "a dog", "an oven", "broccoli"."""
    one = CONCEPTS[concept]
    if not one.is_countable:
        return one.name
    return f"{'an' if one.name[0] in 'aeiou' else 'a'} {one.name}"


if __name__ == "__main__":
    raise SystemExit(main())
