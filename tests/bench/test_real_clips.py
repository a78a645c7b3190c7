import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

import bench.real_clips
from bench.clip_scoring import Vocabulary
from bench.clips import ClipError
from bench.real_clips import ask, run_clip, summary, tables

OPTIONS = argparse.Namespace(python=sys.executable, fps=None, timeout_s=10.0)
VOCABULARY = Vocabulary([{"name": "dog"}, {"name": "cat"}])
CLIP = {
    "clip": "one.mp4",
    "split": "held_out",
    "visible_concepts": ["dog"],
    "questions": [
        {
            "id": "1",
            "at_s": 2.0,
            "family": "exists_now",
            "question": "a dog?",
            "accept": [{"yes_no": "yes"}],
            "evidence": [0, 2],
        },
        {
            "id": "2",
            "at_s": 2.0,
            "family": "exists_ever",
            "question": "a cat?",
            "accept": [{"yes_no": "no"}],
            "evidence": [],
        },
        {
            "id": "3",
            "at_s": 5.0,
            "family": "exists_ever",
            "question": "a cat?",
            "accept": [{"yes_no": "no"}],
            "evidence": [],
        },
    ],
}


def answering(monkeypatch, answer_of, returncode=0):
    """Puts a fake `launch.py ask` in place; returns the commands it was given."""
    commands = []

    def run(command, **_):
        commands.append(command)
        questions = [command[place + 1] for place, word in enumerate(command) if word == "--question"]
        lines = [json.dumps({"type": "progress"})]
        lines += [json.dumps({"type": "answer", "total_ms": 10.0} | answer_of(question)) for question in questions]
        return subprocess.CompletedProcess(command, returncode, "\n".join(lines), "why it failed")

    monkeypatch.setattr(bench.real_clips.subprocess, "run", run)
    monkeypatch.setattr(bench.real_clips, "clip_path", lambda name: Path(name))
    return commands


def always_yes(question):
    return {"answer": f"Yes, I can see {question[:-1]}.", "evidence": [{"start_s": 1.0, "end_s": 2.0, "frame_id": 3}]}


def test_questions_of_one_time_are_one_run(monkeypatch):
    commands = answering(monkeypatch, always_yes)
    rows = list(run_clip(CLIP, VOCABULARY, OPTIONS))
    assert [row.item["id"] for row in rows] == ["1", "2", "3"]
    assert [command[command.index("--at") + 1] for command in commands] == ["2", "5"]


def test_summary_counts_right_answers_inventions_and_constant_policies(monkeypatch):
    answering(monkeypatch, always_yes)
    rows = list(run_clip(CLIP, VOCABULARY, OPTIONS))
    result = summary(rows, [CLIP], VOCABULARY)
    assert result["questions"] == 3 and result["right_percent"] == 33.3
    assert result["answers_with_invented_objects"] == 2
    assert result["evidence_percent"] == 100.0
    assert result["constant"]["No."] == 66.7
    assert "held_out: one.mp4" in tables(rows) and "exists_ever" in tables(rows)


def test_failed_run_makes_its_questions_wrong_and_says_why(monkeypatch, capsys):
    answering(monkeypatch, always_yes, returncode=5)
    rows = list(run_clip(CLIP, VOCABULARY, OPTIONS))
    assert not any(row.score.is_right for row in rows)
    assert "why it failed" in capsys.readouterr().err


def test_missing_answers_are_an_error(monkeypatch):
    answering(monkeypatch, always_yes)
    monkeypatch.setattr(bench.real_clips.json, "loads", lambda line: {"type": "progress"})
    with pytest.raises(ClipError, match="0 of 1 answers"):
        ask(Path("one.mp4"), 2.0, ["a dog?"], OPTIONS)
