"""Prosody of whole sentences: errors beside the teacher's labels, and how much it varies from seed to seed.

In: held-out sentences. Out: errors of length, of durations (frames a phoneme) and of F0 (each phoneme's mean, where
both are voiced, so that other durations do not count as other F0); standard deviations over seeds, at several `alpha`.
As the last line, one JSON object.

    python -m bench.speech_prosody [--num 200] [--seeds 8] [--varied 20]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from app.speech import WEIGHTS, SpeakOptions
from app.speech.flash_speaker import FlashSpeaker, Utterance
from app.speech.network import decode_pitch
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.training.teacher import Teacher, load_teacher
from bench.speech_voices import flash_voice

__all__ = ["errors", "phoneme_f0", "variety"]

SENTENCES = Path(__file__).with_name("speech_sentences.txt")
_VOICED_HZ = 40.0


def phoneme_f0(f0_hz: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Each phoneme's mean F0 over its voiced frames, NaN without any: f0_hz [F], durations [T] frames -> [T]."""
    ends = durations.cumsum()
    means = np.full(len(durations), np.nan)
    for i, (start, end) in enumerate(zip(ends - durations, ends, strict=True)):
        voiced = f0_hz[start:end][f0_hz[start:end] > _VOICED_HZ]
        if len(voiced):
            means[i] = voiced.mean()
    return means


def semitones(f0_hz: np.ndarray) -> np.ndarray:
    return np.asarray(12 * np.log2(f0_hz))


def of_utterance(utterance: Utterance) -> tuple[np.ndarray, np.ndarray]:
    """(durations [T], mean F0 of each phoneme [T])."""
    durations = utterance.durations[0].numpy()
    return durations, phoneme_f0(decode_pitch(utterance.pitch)[0].numpy(), durations)


def errors(speaker: FlashSpeaker, teacher: Teacher, texts: list[str]) -> dict[str, float]:
    """Means over all sentences, phonemes and voiced phonemes."""
    lengths, frames, hertz, tones, ranges = [], [], [], [], []
    for text in texts:
        utterance = speaker.utterance(text, SpeakOptions(alpha=0.2))
        durations, f0 = of_utterance(utterance)
        spoken = teacher.speak(utterance.ids, torch.tensor([utterance.ids.shape[1]]))
        theirs = spoken.durations[0].numpy()
        their_f0 = phoneme_f0(spoken.f0_hz[0].numpy(), theirs)
        lengths.append(durations.sum() / theirs.sum() - 1)
        frames += np.abs(durations - theirs).tolist()
        both = ~np.isnan(f0) & ~np.isnan(their_f0)
        hertz += (f0 - their_f0)[both].tolist()
        tones += (semitones(f0) - semitones(their_f0))[both].tolist()
        ranges.append(np.std(semitones(f0[both])) / max(np.std(semitones(their_f0[both])), 1e-6))
    return {
        "sentences": len(texts),
        "length_error_percent": round(100 * float(np.abs(lengths).mean()), 2),
        "length_bias_percent": round(100 * float(np.mean(lengths)), 2),
        "duration_error_frames": round(float(np.mean(frames)), 3),
        "f0_rmse_hz": round(float(np.sqrt(np.square(hertz).mean())), 2),
        "f0_rmse_semitones": round(float(np.sqrt(np.square(tones).mean())), 2),
        "f0_range_ratio": round(float(np.mean(ranges)), 3),
    }


def variety(speaker: FlashSpeaker, texts: list[str], num_seeds: int, alpha: float) -> dict[str, float]:
    """Standard deviations over seeds, averaged over sentences and phonemes."""
    lengths, tones = [], []
    for text in texts:
        takes = [of_utterance(speaker.utterance(text, SpeakOptions(seed=s, alpha=alpha))) for s in range(num_seeds)]
        totals = np.array([durations.sum() for durations, _ in takes])
        lengths.append(totals.std() / totals.mean())
        f0 = np.array([means for _, means in takes])  # [seeds, T]
        tones += semitones(f0[:, ~np.isnan(f0).any(axis=0)]).std(axis=0).tolist()
    return {
        "length_std_percent": round(100 * float(np.mean(lengths)), 2),
        "f0_std_semitones": round(float(np.mean(tones)), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Errors of prosody, and its variety over seeds.")
    parser.add_argument("--num", type=int, default=200)
    parser.add_argument("--varied", type=int, default=20, help="sentences that are spoken with every seed")
    parser.add_argument("--seeds", type=int, default=8)
    words = parser.parse_args()
    torch.set_num_threads(1)
    texts = SENTENCES.read_text(encoding="utf-8").strip().split("\n")
    speaker = flash_voice(WEIGHTS, Phonemizer())
    result = {"errors": errors(speaker, load_teacher(teacher_file()), texts[: words.num])}
    for alpha in (0.0, 0.2, 0.5, 1.0):
        result[f"alpha_{alpha:g}"] = variety(speaker, texts[: words.varied], words.seeds, alpha)
    for name, row in result.items():
        print(f"{name:10} {row}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
