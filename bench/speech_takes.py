"""Takes of many sentences by many voices, and their scores, kept in a folder so that a long run can go on later.

In: texts, a voice, scorers. Out: per text one take (16 bits, 24 kHz) and one line of JSON a scorer. A take or score
that is there is not made again: use a new folder for other weights. One process at a time for each folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.speech.audio import loudness_lufs
from app.speech.mel import SAMPLE_RATE
from app.speech.normalising import normalise
from bench.speech_scoring import Listener, NoiseScorer, OpinionScorer, SecondListener, word_errors
from bench.speech_voices import Say

__all__ = ["SCORERS", "Takes", "summary"]

Score = Callable[[str, np.ndarray], dict[str, float]]


def _word_scorer(listener: Listener | SecondListener) -> Score:
    def score(text: str, audio: np.ndarray) -> dict[str, float]:
        wrong, total = word_errors(normalise(text), listener.hear(audio))
        return {"wrong": wrong, "words": total}

    return score


def _opinion(scorer: OpinionScorer | NoiseScorer) -> Score:
    return lambda _, audio: {"opinion": scorer.score(audio)}


def _level(_: str, audio: np.ndarray) -> dict[str, float]:
    return {"lufs": loudness_lufs(audio), "seconds": len(audio) / SAMPLE_RATE}


SCORERS: dict[str, Callable[[], Score]] = {
    "level": lambda: _level,
    "distillmos": lambda: _opinion(OpinionScorer()),
    "moonshine": lambda: _word_scorer(SecondListener()),
    "whisper": lambda: _word_scorer(Listener()),
    "dnsmos": lambda: _opinion(NoiseScorer()),
}


class Takes:
    """One voice's takes in `folder`. `open_voice` is called when a take is missing."""

    def __init__(self, folder: Path, open_voice: Callable[[], Say]) -> None:
        self.folder, self._open_voice = folder, open_voice
        self._say: Say | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, text: str) -> np.ndarray:
        """Audio [S], made if it is not there."""
        path = self.folder / f"{_key(text)}.npy"
        if not path.is_file():
            self._say = self._say or self._open_voice()
            audio = self._say(text)
            assert np.isfinite(audio).all(), text
            unfinished = path.with_suffix(".part.npy")
            np.save(unfinished, (audio.clip(-1, 1) * 32767).astype(np.int16))
            unfinished.replace(path)
        return np.load(path).astype(np.float32) / 32767

    def score(self, name: str, scorer: Callable[[], Score], texts: list[str]) -> None:
        """Adds the scores that are missing."""
        known = self.scores(name)
        missing = [text for text in texts if _key(text) not in known]
        if not missing:
            return
        score = scorer()
        with open(self.folder / f"{name}.jsonl", "a", encoding="utf-8") as file:
            for text in missing:
                file.write(json.dumps({"key": _key(text)} | score(text, self.take(text))) + "\n")
                file.flush()

    def scores(self, name: str) -> dict[str, dict[str, float]]:
        """All that are there, by the text's key."""
        path = self.folder / f"{name}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return {row.pop("key"): row for row in map(json.loads, lines)}


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def summary(takes: Takes, texts: list[str]) -> dict[str, float]:
    """Word error rates in percent, opinions with their 10th percentile, level and number; scorers that ran alone."""
    row: dict[str, float] = {}
    for name in SCORERS:
        known = takes.scores(name)
        found = [known[_key(text)] for text in texts if _key(text) in known]
        if not found:
            continue
        if "wrong" in found[0]:
            row[f"{name}_wer"] = round(100 * sum(s["wrong"] for s in found) / sum(s["words"] for s in found), 2)
        elif "opinion" in found[0]:
            opinions = [s["opinion"] for s in found]
            row[name] = round(float(np.mean(opinions)), 2)
            row[f"{name}_p10"] = round(float(np.quantile(opinions, 0.1)), 2)
        else:
            row["lufs"] = round(float(np.mean([s["lufs"] for s in found])), 1)
        row[f"{name}_num"] = len(found)
    return row
