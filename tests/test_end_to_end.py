"""The main job on real input: the demo clip, the real encoder, the real memory, the real language model."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from app.cli import main

DEMO = Path(__file__).parents[1] / "assets" / "demo" / "photo_walk.mp4"
QUESTIONS = (
    "Is there a cat right now?",
    "Did you see an elephant?",
    "What do you see?",
    "Have you seen a person so far?",
)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """The `answer` objects of one `ask` at 25 s of the demo clip, by question."""
    words = ["ask", "--source", str(DEMO), "--at", "25", "--fps", "1", "--json"]
    for question in QUESTIONS:
        words += ["--question", question]
    out = io.StringIO()
    with redirect_stdout(out):
        code = main(words)
    assert code == 0
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    return {one["question"]: one for one in objects if one["type"] == "answer"}


@pytest.mark.weights
def test_what_is_there_is_seen_and_what_was_never_there_is_not(answers: dict[str, dict[str, Any]]) -> None:
    assert "cat" in answers["Is there a cat right now?"]["answer"]
    assert "not seen any elephants" in answers["Did you see an elephant?"]["answer"]
    assert "cat" in answers["What do you see?"]["answer"]
    assert "person" in answers["Have you seen a person so far?"]["answer"]


@pytest.mark.weights
def test_the_evidence_lies_where_the_clip_shows_it(answers: dict[str, dict[str, Any]]) -> None:
    cat = answers["Is there a cat right now?"]["evidence"]
    assert any(one["start_s"] >= 20.0 and one["end_s"] <= 25.5 for one in cat)
    person = answers["Have you seen a person so far?"]["evidence"]
    assert any(one["start_s"] < 2.0 and 9.0 <= one["end_s"] <= 13.0 for one in person)


@pytest.mark.weights
def test_every_answer_carries_its_times_and_counts(answers: dict[str, dict[str, Any]]) -> None:
    for one in answers.values():
        assert one["asked_at_s"] == pytest.approx(25.0, abs=1.1)
        assert 0 < one["ttft_ms"] <= one["total_ms"]
        assert one["frames"]["encoded"] >= 20 and one["memory"]["tokens"] > 0
