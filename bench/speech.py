"""How fast FlashSpeech speaks, beside the ready-made voice and itself without 8-bit products.

In: the weights in assets/models (or --folder). Out: for a clause and a sentence, the first block and the real-time
factor, by the clock and by the processor's time of this thread (which other work on the machine hardly moves); rounds
of all voices alternate. As the last line, one JSON object. Quality: bench/speech_quality.py.

    python -m bench.speech [--threads 2] [--rounds 15] [--voices hibari,flash2,flash1,flash2_float32]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from app.speech import WEIGHTS, SpeakOptions
from app.speech.flash_speaker import FlashSpeaker
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.inference import best_precision
from app.speech.mel import SAMPLE_RATE
from app.speech.phonemes import Phonemizer
from bench.speech_voices import flash_voice

TEXTS = {
    "clause": "There is a cat,",
    "sentence": "It was last seen near the red car at a quarter past ten, I think.",
}
Blocks = Callable[[str, int], Iterator[np.ndarray]]


def open_blocks(name: str, folder: Path, phonemizer: Phonemizer) -> Blocks:
    """A function from (text, seed) to blocks of audio."""
    speaker: FlashSpeaker | HibariSpeaker
    if name == "hibari":
        speaker = HibariSpeaker(phonemizer)
    else:
        precision = "float32" if name.endswith("_float32") else None
        speaker = flash_voice(folder, phonemizer, precision=precision)  # type: ignore[arg-type]
    steps = 1 if name.startswith("flash1") else 2
    return lambda text, seed: speaker.synthesise(text, SpeakOptions(seed=seed, steps=steps))


def timed(blocks: Blocks, text: str, seed: int) -> tuple[float, float, float]:
    """(seconds to the first block, real-time factor, the same by the processor's time)."""
    started_s, busy_s, samples, first_s = time.perf_counter(), time.process_time(), 0, 0.0
    for block in blocks(text, seed):
        first_s = first_s or time.perf_counter() - started_s
        samples += len(block)
    audio_s = samples / SAMPLE_RATE
    return first_s, (time.perf_counter() - started_s) / audio_s, (time.process_time() - busy_s) / audio_s


def figures(takes: list[tuple[float, float, float]]) -> dict[str, float]:
    """Medians, and the 95th percentile of the first block."""
    firsts, factors, busy = np.array(takes).T
    return {
        "first_ms_p50": round(1e3 * float(np.median(firsts)), 1),
        "first_ms_p95": round(1e3 * float(np.quantile(firsts, 0.95)), 1),
        "real_time_factor_p50": round(float(np.median(factors)), 4),
        "processor_time_factor_p50": round(float(np.median(busy)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Times FlashSpeech beside other voices.")
    parser.add_argument("--voices", default="hibari,flash2,flash1,flash2_float32")
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    phonemizer = Phonemizer()
    voices = {name: open_blocks(name, words.folder, phonemizer) for name in words.voices.split(",")}
    result: dict[str, object] = {"machine": platform.processor() or platform.machine(), "threads": words.threads}
    result |= {"torch": torch.__version__, "precision": best_precision()}
    for kind, text in TEXTS.items():
        takes: dict[str, list[tuple[float, float, float]]] = {name: [] for name in voices}
        for number in range(words.rounds + 2):
            for name in voices if number % 2 else reversed(voices):
                take = timed(voices[name], text, number)
                if number >= 2:  # the first two warm up
                    takes[name].append(take)
        for name, its in takes.items():
            result[f"{name}_{kind}"] = figures(its)
            print(f"{kind:9} {name:15} {result[f'{name}_{kind}']}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
