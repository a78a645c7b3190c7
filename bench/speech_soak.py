"""Speaks sentence after sentence with one voice and watches it: NaN, truncation, silence, loudness, memory.

In: a voice's name, sentences (the held-out ones, over and over, each time with another seed). Out: a table row and, as
the last line, one JSON object. Truncation is judged by the length beside the ready-made voice's for the same text.

    python -m bench.speech_soak [--num 500] [--voice flashspeech] [--steps 1] [--threads 1]
"""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path

import numpy as np
import torch

from app.speech import Speaker, SpeakOptions, open_voice
from app.speech.audio import loudness_lufs
from app.speech.mel import SAMPLE_RATE

__all__ = ["longest_silence_s", "soak"]

SENTENCES = Path(__file__).with_name("speech_sentences.txt")
_WINDOW_S = 0.02
_SILENT_DB = -60.0
_WARM_UP = 200  # utterances after which memory should grow no more: each sentence was spoken once


def longest_silence_s(audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> float:
    """The longest stretch below -60 dB of full scale inside audio [S], in windows of 20 ms."""
    size = round(_WINDOW_S * sample_rate)
    windows = audio[: len(audio) // size * size].reshape(-1, size).astype(np.float64)
    is_silent = 10 * np.log10((windows**2).mean(axis=1) + 1e-12) < _SILENT_DB
    longest = run = 0
    for silent in is_silent:
        run = run + 1 if silent else 0
        longest = max(longest, run)
    return longest * _WINDOW_S


def soak(speaker: Speaker, baseline: Speaker, texts: list[str], num: int, steps: int) -> dict[str, float]:
    """Extremes over `num` utterances. Lengths are compared with the baseline's of the same text."""
    expected_s = [_spoken(baseline, text, SpeakOptions()).size / SAMPLE_RATE for text in texts]
    levels, ratios, silences, peaks = [], [], [], []
    num_broken, start_bytes = 0, 0
    for i in range(num):
        audio = _spoken(speaker, texts[i % len(texts)], SpeakOptions(seed=i, steps=steps))
        num_broken += not np.isfinite(audio).all()
        levels.append(loudness_lufs(audio))
        ratios.append(audio.size / SAMPLE_RATE / expected_s[i % len(texts)])
        silences.append(longest_silence_s(audio))
        peaks.append(float(np.abs(audio).max()))
        if i == min(_WARM_UP, num - 1):
            start_bytes = _peak_bytes()
    return {
        "utterances": num,
        "not_finite": num_broken,
        "lufs_min": round(min(levels), 1),
        "lufs_mean": round(float(np.mean(levels)), 1),
        "lufs_max": round(max(levels), 1),
        "outside_3_lu": int((np.abs(np.array(levels) + 23) > 3).sum()),
        "length_ratio_min": round(min(ratios), 3),
        "length_ratio_mean": round(float(np.mean(ratios)), 3),
        "length_ratio_max": round(max(ratios), 3),
        "longest_silence_s": round(max(silences), 2),
        "peak_max": round(max(peaks), 3),
        "peak_memory_growth_mb": round((_peak_bytes() - start_bytes) / 2**20, 1),
    }


def _spoken(speaker: Speaker, text: str, options: SpeakOptions) -> np.ndarray:
    return np.concatenate(list(speaker.synthesise(text, options)))


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="Speaks many sentences in a row and watches for trouble.")
    parser.add_argument("--num", type=int, default=500)
    parser.add_argument("--voice", default="flashspeech")
    parser.add_argument("--steps", type=int, default=1, choices=(1, 2))
    parser.add_argument("--threads", type=int, default=1)
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    texts = SENTENCES.read_text(encoding="utf-8").strip().split("\n")
    result = soak(open_voice(words.voice), open_voice("hibari"), texts, words.num, words.steps)
    print(json.dumps({"voice": words.voice, "steps": words.steps, "torch": torch.__version__} | result))


if __name__ == "__main__":
    main()
