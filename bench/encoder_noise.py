"""How noisy the encoder's evidence is on real video: what the training simulator must imitate.

In: the real clips of bench/clips.py, encoded at two frames a second; for each, `visible_concepts` of its question file
says what may be seen. Out: a table and, as the last line, one JSON object: evidence of things that are there by size,
how it flickers, how centres and sizes jitter, and how often, how long and how strongly what is not there appears.

    python -m bench.encoder_noise [--clip vtest.avi ...] [--fps 2]

A thing is followed from frame to frame by overlap of its boxes; one that was seen in at least four frames, once with
evidence 0.6, counts as there from its first to its last frame. What the encoder never sees is not in these figures: the
recall of bench/encoder_calibration.py tells that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from bench.clips import CLIPS, clip_path
from vision.encoders import CONCEPTS, SemanticEncoder
from vision.encoders.seen import SeenObject

QUESTIONS = Path(__file__).parent / "real_clips"
SIZES = (0.0, 0.003, 0.01, 0.05, 0.2, 1.01)  # area, as a fraction of the picture
SEEN = 0.25  # evidence from which the memory starts to believe
PRESENT = 0.4
MAX_GAP_FRAMES = 3
Frames = list[tuple[SeenObject, ...]]


@dataclass
class Track:
    """One thing followed over frames: frame number -> what was seen of it."""

    seen: dict[int, SeenObject] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return max(self.seen)

    @property
    def is_true_thing(self) -> bool:
        return len(self.seen) >= 4 and max(one.evidence for one in self.seen.values()) >= 0.6

    def evidence(self) -> np.ndarray:
        frames = range(min(self.seen), self.last + 1)
        return np.array([self.seen[i].evidence if i in self.seen else 0.0 for i in frames])

    def area(self) -> float:
        return float(np.median([one.area for one in self.seen.values()]))


def visible_in(clip: str) -> set[int]:
    """Indices of the concepts that may be seen in a clip, generously."""
    index_of = {word: i for i, c in enumerate(CONCEPTS) for word in (c.name, c.plural, *c.synonyms)}
    for path in QUESTIONS.glob("*.json"):
        questions = json.loads(path.read_text(encoding="utf-8"))
        if questions["clip"] == clip:
            named = {index_of[word] for word in questions["visible_concepts"] if word in index_of}
            broader = {index_of[CONCEPTS[i].broader] for i in named if CONCEPTS[i].broader}
            narrower = {i for i, c in enumerate(CONCEPTS) if c.broader and index_of[c.broader] in named}
            return named | broader | narrower
    raise SystemExit(f"no question file in {QUESTIONS} is about {clip}")


def pictures(path: Path, fps: float) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        due_s = 0.0
        for number, frame in enumerate(container.decode(stream)):
            time_s = frame.time if frame.time is not None else number / 25
            if time_s + 1e-6 >= due_s:
                due_s += 1.0 / fps
                yield frame.to_ndarray(format="rgb24")


def follow(frames: Frames, concepts: set[int]) -> list[Track]:
    tracks: list[Track] = []
    for number, objects in enumerate(frames):
        alive = [track for track in tracks if number - track.last <= MAX_GAP_FRAMES]
        for one in sorted(objects, key=lambda seen: -seen.evidence):
            if one.concept not in concepts:
                continue
            free = [track for track in alive if track.last < number and _is_same(track.seen[track.last], one)]
            if free:
                nearest = min(free, key=lambda track: _distance(track.seen[track.last], one))
                nearest.seen[number] = one
            else:
                tracks.append(Track({number: one}))
    return tracks


def _is_same(before: SeenObject, now: SeenObject) -> bool:
    reach = 0.6 * max(before.w, now.w, before.h, now.h) + 0.02
    ratio = before.area / max(now.area, 1e-9)
    return before.concept == now.concept and _distance(before, now) < reach and 1 / 4 < ratio < 4


def _distance(first: SeenObject, second: SeenObject) -> float:
    return float(np.hypot(first.cx - second.cx, first.cy - second.cy))


def describe_size(tracks: Sequence[Track]) -> dict[str, Any]:
    """Evidence, flicker and jitter of the true things of one size."""
    series = [track.evidence() for track in tracks]
    values = np.concatenate(series)
    pairs = np.concatenate([np.stack((one[:-1], one[1:]), axis=1) for one in series if len(one) > 1])
    was_missed, is_missed = (pairs < SEEN).T
    move, breathing = _jitter(tracks)
    return {
        "things": len(tracks),
        "frames": len(values),
        "evidence_quantiles_10_25_50_75_90": np.quantile(values, (0.1, 0.25, 0.5, 0.75, 0.9)).round(2).tolist(),
        "mean": round(float(values.mean()), 3),
        "missed": round(float((values < SEEN).mean()), 3),
        "missed_after_missed": round(float(is_missed[was_missed].mean()), 3) if was_missed.any() else None,
        "missed_after_seen": round(float(is_missed[~was_missed].mean()), 3),
        "evidence_correlation_to_next_frame": round(float(np.corrcoef(pairs.T)[0, 1]), 2) if len(pairs) > 9 else None,
        "centre_jitter_in_box_sides": move,
        "size_jitter_relative": breathing,
    }


def _jitter(tracks: Sequence[Track]) -> tuple[float | None, float | None]:
    """Robust standard deviations of one frame against the mean of its neighbours: of the centre and of the width."""
    moves, breaths = [], []
    for track in tracks:
        for number, one in track.seen.items():
            before, after = track.seen.get(number - 1), track.seen.get(number + 1)
            if before is None or after is None:
                continue
            moves += [(one.cx - (before.cx + after.cx) / 2) / one.w, (one.cy - (before.cy + after.cy) / 2) / one.h]
            breaths.append((one.w - (before.w + after.w) / 2) / one.w)
    if len(breaths) < 10:
        return None, None
    # of independent errors, one minus the mean of two has 1.5 times the variance; 1.48 makes a deviation of a median
    scale = 1.48 / 1.5**0.5
    return round(float(np.median(np.abs(moves)) * scale), 3), round(float(np.median(np.abs(breaths)) * scale), 3)


def describe_false(frames: Frames, visible: set[int]) -> dict[str, Any]:
    """What is named and not there: per frame, how long in a row, how strongly."""
    totals = np.zeros((len(frames), len(CONCEPTS)))
    for number, objects in enumerate(frames):
        for one in objects:
            totals[number, one.concept] += one.evidence
    totals[:, sorted(visible)] = 0.0
    runs = [len(run) for column in (totals >= SEEN).T for run in "".join("x" if v else " " for v in column).split()]
    strong = totals[totals >= 0.05]
    return {
        "per_frame_0.05": round(float((totals >= 0.05).sum() / len(frames)), 3),
        "per_frame_0.25": round(float((totals >= SEEN).sum() / len(frames)), 3),
        "per_frame_0.4": round(float((totals >= PRESENT).sum() / len(frames)), 3),
        "run_lengths": runs,
        "evidence": strong.round(2).tolist(),
        "concepts": len(np.flatnonzero((totals >= SEEN).any(axis=0))),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clip", nargs="*", default=[name for name in CLIPS if "bbb" not in name], help="not the cartoon"
    )
    parser.add_argument("--fps", type=float, default=2.0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # others may be at work on this machine
    encoder = SemanticEncoder()
    tracks: list[Track] = []
    false: dict[str, dict[str, Any]] = {}
    per_frame: list[int] = []
    for name in options.clip:
        encoder.reset()
        frames: Frames = [encoder.encode(image).detections for image in pictures(clip_path(name), options.fps)]
        visible = visible_in(name)
        tracks += [track for track in follow(frames, visible) if track.is_true_thing]
        false[name] = describe_false(frames, visible) | {"frames": len(frames)}
        per_frame += [len({one.concept for one in objects if one.evidence >= SEEN}) for objects in frames]
        print(f"{name:26s} {len(frames):4d} frames, not there: {false[name]['per_frame_0.25']:.3f} a frame", flush=True)
    report(tracks, false, per_frame, options.fps)


def report(tracks: list[Track], false: dict[str, dict[str, Any]], per_frame: list[int], fps: float) -> None:
    sizes = {}
    for low, high in zip(SIZES, SIZES[1:], strict=False):
        group = [track for track in tracks if low <= track.area() < high]
        if group:
            sizes[f"{low:g}..{min(high, 1):g}"] = describe_size(group)
    for name, figures in sizes.items():
        print(f"area {name:12s} {figures}")
    runs = [run for figures in false.values() for run in figures["run_lengths"]]
    result = {
        "fps": fps,
        "sizes": sizes,
        "false": {name: {k: v for k, v in f.items() if k != "evidence"} for name, f in false.items()},
        "false_run_frames_mean": round(float(np.mean(runs)), 2) if runs else None,
        "concepts_per_frame_quantiles_10_50_90": np.quantile(per_frame, (0.1, 0.5, 0.9)).tolist(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
