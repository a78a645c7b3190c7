"""Asks hand-written questions about real video and scores the answers: `python -m bench.real_clips --split dev`.

In: the question files of bench/real_clips, the clips (fetched by bench/clips.py). Out: tables by family and by clip,
and as the last line one JSON object. Each group of questions with one `at_s` is one run of `launch.py ask`, so a clip
is decoded once or a few times. Answers about held-out clips are counted, never shown. Thread: the main one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.clip_scoring import ItemScore, Vocabulary, load_clips, score_item
from bench.clips import ClipError, clip_path

__all__ = ["Row", "ask", "main", "run_clip", "summary", "tables"]

REPOSITORY = Path(__file__).resolve().parents[1]
QUESTIONS = REPOSITORY / "bench" / "real_clips"
CONCEPTS = REPOSITORY / "vision" / "encoders" / "concepts.json"
_CONSTANT_ANSWERS = ("Yes.", "No.", "I have not seen it.")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question, its answer and its score."""

    clip: str
    split: str
    item: Mapping[str, Any]
    answer: str
    score: ItemScore
    total_ms: float | None = None


def ask(clip: Path, at_s: float, questions: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """One run of `launch.py ask --json`; returns the answer objects in the order of the questions. Raises ClipError."""
    command = [
        options.python,
        str(REPOSITORY / "launch.py"),
        "ask",
        "--source",
        str(clip),
        "--at",
        f"{at_s:g}",
        "--speed",
        "max",
        "--json",
    ]
    if options.fps:
        command += ["--fps", f"{options.fps:g}"]
    for question in questions:
        command += ["--question", question]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=options.timeout_s)
    except subprocess.TimeoutExpired:
        raise ClipError(f"no answers within {options.timeout_s} s") from None
    answers = [
        entry
        for line in done.stdout.splitlines()
        if line.startswith("{") and (entry := json.loads(line))["type"] == "answer"
    ]
    if done.returncode or len(answers) != len(questions):
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ClipError(
            f"launch.py ask ended with {done.returncode} and {len(answers)} of {len(questions)} answers: {reason}"
        )
    return answers


def run_clip(clip: Mapping[str, Any], vocabulary: Vocabulary, options: argparse.Namespace) -> Iterator[Row]:
    """Asks everything about one clip. A failed run makes its questions wrong and is told on stderr."""
    path = clip_path(clip["clip"])
    for at_s, group in groupby(clip["questions"], key=lambda item: item["at_s"]):
        items = list(group)
        try:
            answers = ask(path, at_s, [item["question"] for item in items], options)
        except ClipError as error:
            print(f"{clip['clip']} at {at_s:g} s: {error}", file=sys.stderr)
            answers = [{"answer": "", "evidence": []} for _ in items]
        for item, given in zip(items, answers, strict=True):
            score = score_item(item, given["answer"], clip["visible_concepts"], vocabulary, given["evidence"])
            yield Row(
                clip=clip["clip"],
                split=clip["split"],
                item=item,
                answer=given["answer"],
                score=score,
                total_ms=given.get("total_ms"),
            )


def summary(rows: Sequence[Row], clips: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> dict[str, Any]:
    """The figures of a run, as one JSON-able object; `constant` tells what answers that never look would score."""
    pointed = [row.score.has_true_evidence for row in rows if row.score.has_true_evidence is not None]
    times_ms = [row.total_ms for row in rows if row.total_ms is not None]
    items = [(item, clip["visible_concepts"]) for clip in clips for item in clip["questions"]]
    return {
        "questions": len(rows),
        "right_percent": _percent([row.score.is_right for row in rows]),
        "answers_with_invented_objects": sum(bool(row.score.invented) for row in rows),
        "evidence_percent": _percent(pointed),
        "median_total_ms": round(statistics.median(times_ms)) if times_ms else None,
        "families": {name: _percent(hits) for name, hits in _grouped(rows, lambda row: row.item["family"]).items()},
        "clips": {name: _percent(hits) for name, hits in _grouped(rows, lambda row: row.clip).items()},
        "splits": {name: _percent(hits) for name, hits in _grouped(rows, lambda row: row.split).items()},
        "constant": {
            answer: _percent([score_item(item, answer, visible, vocabulary).is_right for item, visible in items])
            for answer in _CONSTANT_ANSWERS
        },
    }


def tables(rows: Sequence[Row]) -> str:
    """Per family and per clip: questions, right, invented objects, evidence that overlaps the true time."""
    lines = []
    for title, key in (("family", lambda row: row.item["family"]), ("clip", lambda row: f"{row.split}: {row.clip}")):
        lines += [f"{title:34} {'asked':>5} {'right':>6} {'invented':>8} {'evidence':>8}"]
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[key(row)].append(row)
        for name, group in sorted(groups.items()):
            pointed = [row.score.has_true_evidence for row in group if row.score.has_true_evidence is not None]
            right, invented = sum(row.score.is_right for row in group), sum(bool(row.score.invented) for row in group)
            lines.append(f"{name:34} {len(group):5d} {right:6d} {invented:8d} {f'{sum(pointed)}/{len(pointed)}':>8}")
        lines.append("")
    return "\n".join(lines)


def _grouped(rows: Sequence[Row], key: Any) -> dict[str, list[bool]]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row.score.is_right)
    return dict(sorted(groups.items()))


def _percent(hits: Sequence[bool]) -> float | None:
    return round(100 * sum(hits) / len(hits), 1) if hits else None


def _show_failures(rows: Sequence[Row]) -> None:
    """What went wrong on the dev clips; the held-out ones stay unseen, so that nobody tunes to them."""
    for row in rows:
        if row.split == "dev" and (not row.score.is_right or row.score.invented):
            wrong = [*row.score.failed_rules, *(f"invented {name}" for name in row.score.invented)]
            print(f"{row.item['id']} at {row.item['at_s']:g} s ({', '.join(wrong)})\n  Q {row.item['question']}")
            print(f"  A {row.answer}\n  T {row.item['truth']}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--split", choices=("dev", "held_out", "all"), default="all")
    parser.add_argument("--clip", action="append", metavar="NAME", help="only this clip (may be given again)")
    parser.add_argument("--failures", action="store_true", help="show the wrong answers about dev clips")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs launch.py (default: this one)")
    parser.add_argument("--fps", type=float, default=None, help="frames encoded a second (default: that of `ask`)")
    parser.add_argument("--timeout-s", type=float, default=3600.0, help="for one run of `ask`")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    clips = [clip for clip in load_clips(QUESTIONS, options.split) if not options.clip or clip["clip"] in options.clip]
    if not clips:
        print(f"no question file for {options.clip} in the split {options.split}", file=sys.stderr)
        return 2
    vocabulary = Vocabulary.load(CONCEPTS)
    rows: list[Row] = []
    asked = []
    for clip in clips:
        try:
            rows += run_clip(clip, vocabulary, options)
            asked.append(clip)
        except ClipError as error:
            print(f"{clip['clip']} left out: {error}", file=sys.stderr)
    if options.failures:
        _show_failures(rows)
    print(tables(rows))
    print(json.dumps({"bench": "real_clips", "split": options.split} | summary(rows, asked, vocabulary)))
    return 0 if len(asked) == len(clips) else 1


if __name__ == "__main__":
    sys.exit(main())
