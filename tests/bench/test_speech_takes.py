"""Takes and scores that are kept: what is there is not made again. Prosody's figures on sounds known by hand."""

from pathlib import Path

import numpy as np
import pytest

from bench.speech_prosody import phoneme_f0
from bench.speech_similarity import cosines
from bench.speech_takes import Takes, summary


def test_a_take_and_its_score_are_made_once(tmp_path: Path) -> None:
    said, scored = [], []

    def say(text: str) -> np.ndarray:
        said.append(text)
        return np.full(2400, 0.5, np.float32)

    def score(text: str, audio: np.ndarray) -> dict[str, float]:
        scored.append(text)
        return {"opinion": float(len(text))}

    for _ in range(2):  # the second time as another run would find the folder
        takes = Takes(tmp_path / "voice", lambda: say)
        takes.score("distillmos", lambda: score, ["a", "bbb"])
    assert said == scored == ["a", "bbb"]
    assert np.allclose(takes.take("a"), 0.5, atol=1e-4)
    assert summary(takes, ["a", "bbb", "not yet"]) == {
        "distillmos": 2.0,
        "distillmos_p10": pytest.approx(1.2),
        "distillmos_num": 2,
    }


def test_word_errors_are_counted_over_all_words(tmp_path: Path) -> None:
    takes = Takes(tmp_path, lambda: lambda text: np.zeros(10, np.float32))
    wrong = {"a": 1, "b": 0}
    takes.score("whisper", lambda: lambda text, audio: {"wrong": wrong[text], "words": 10}, ["a", "b"])
    assert summary(takes, ["a", "b"]) == {"whisper_wer": 5.0, "whisper_num": 2}


def test_f0_of_a_phoneme_is_that_of_its_voiced_frames() -> None:
    means = phoneme_f0(np.array([100.0, 0.0, 200.0, 0.0, 0.0]), np.array([3, 2]))
    assert means[0] == 150.0
    assert np.isnan(means[1])


def test_cosines_tell_own_from_other_and_from_chance() -> None:
    prompts = [np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    found = cosines([np.array([0.8, 0.6]), np.array([0.8, 0.6])], prompts)
    assert found["to_own_prompt"] == found["to_other_prompts"] == 0.7
    assert found["chance"] == 0.0
    assert found["own_prompt_is_nearest_percent"] == 50.0
