"""How fast FlashSpeech's networks speak on a GPU: real-time factors of a clause and a sentence, batch 1.

In: the weights in assets/models (or --folder). Out: for one step and two, in float32 and float16, the median and the
20th and 80th percentile of the time from phonemes to audio on the device, by the clock, with the device waited for;
phonemes from text are timed apart, on the processor. First the float16 mels are held against the float32 ones: without
their likeness there are no figures. As the last line, one JSON object. The paper's 0.02 is of a V100 and a network of
377 M parameters (docs/SPEECH.md). On processors: bench/speech.py.

    python -m bench.speech_cuda [--folder DIR] [--rounds 30] [--device cuda]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.speech import WEIGHTS
from app.speech.mel import FRAMES_PER_S
from app.speech.network import AcousticModel, FrameTrack, Vocoder, decode_pitch, expand, sample
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder
from bench.speech import TEXTS

_MAX_FRAMES = 60  # of one phoneme
_LARGEST_DIFFERENCE = 0.05  # of mels, relative


class Voice:
    """The two networks on a device, with the default voice; mel and vocoder run in `precision`, as in the product."""

    def __init__(self, acoustic: AcousticModel, vocoder: Vocoder, device: str, precision: torch.dtype) -> None:
        self.acoustic, self.vocoder = acoustic.to(device), vocoder.to(device)
        self.device, self.precision = device, precision

    @torch.inference_mode()
    def speak(self, ids: Tensor, steps: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """ids: [1, T] -> (mel in standard form [1, F, 100], audio [1, S])."""
        model, voice = self.acoustic, self.acoustic.default_voice[None]
        generator = torch.Generator(self.device).manual_seed(seed)
        ones = torch.ones(*ids.shape, 1, device=self.device)
        text = model.encode(ids, ones, voice)
        logs, _ = model.durations(text, ones, voice)
        durations = torch.expm1(logs[..., 0]).round().clamp(1, _MAX_FRAMES).long()
        features, mask = expand(text, durations, int(durations.sum()))  # sync: shapes need the length
        raw, _ = model.pitch(features, mask, voice)
        voiced = (raw[..., 1:] > 0).float()
        pitch = torch.cat([raw[..., :1] * voiced, voiced], dim=-1)
        with torch.autocast(self.device, self.precision, enabled=self.precision != torch.float32):
            coarse, condition = model.coarse(FrameTrack(features, pitch, mask), voice)
            made = sample(model.mel_net, condition, voice, mask, steps, generator)
            latent = model.with_details(made.float(), coarse.float())
            return latent, self.vocoder(latent, pitch, decode_pitch(pitch), mask, generator)


def timed(speak: Callable[[], object], device: str) -> float:
    """Seconds until the device has done it."""
    started_s = time.perf_counter()
    speak()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started_s


def figures(seconds: list[float], audio_s: float) -> dict[str, float]:
    low, middle, high = np.quantile(seconds, [0.2, 0.5, 0.8])
    return {
        "real_time_factor_p50": round(float(middle) / audio_s, 5),
        "real_time_factor_p20": round(float(low) / audio_s, 5),
        "real_time_factor_p80": round(float(high) / audio_s, 5),
        "ms_p50": round(float(middle) * 1e3, 2),
        "audio_s": round(audio_s, 2),
    }


def likeness(voices: dict[str, Voice], ids: Tensor) -> float:
    """The largest relative difference of the float16 mels from the float32 ones, with the same draws."""
    worst = 0.0
    for steps in (1, 2):
        one, other = (voice.speak(ids, steps)[0] for voice in voices.values())
        worst = max(worst, float((one - other).norm() / one.norm()))
    if worst > _LARGEST_DIFFERENCE:
        raise SystemExit(f"float16 gives other mels than float32 (relative difference {worst:.3f}): no figures")
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description="Times FlashSpeech on a GPU, batch 1.")
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    words = parser.parse_args()
    phonemizer = Phonemizer()
    voices = {
        str(precision).removeprefix("torch."): Voice(
            load_acoustic(words.folder / ACOUSTIC_FILE),
            load_vocoder(words.folder / VOCODER_FILE),
            words.device,
            precision,
        )
        for precision in (torch.float32, torch.float16 if words.device == "cuda" else torch.bfloat16)
    }
    name = torch.cuda.get_device_name() if words.device == "cuda" else "processor"
    result: dict[str, object] = {"device": name, "torch": torch.__version__, "paper_v100": 0.02}
    for kind, text in TEXTS.items():
        ids = torch.tensor([phonemizer.ids(phonemizer.phonemes(normalise(text)))], device=words.device)
        result[f"{kind}_mel_difference"] = round(likeness(voices, ids), 4)
        to_ids = [timed(lambda: phonemizer.phonemes(normalise(text)), "cpu") for _ in range(words.rounds)]  # noqa: B023
        result[f"{kind}_phonemes_ms"] = round(float(np.median(to_ids)) * 1e3, 2)
        takes: dict[tuple[str, int], list[float]] = {(p, steps): [] for p in voices for steps in (1, 2)}
        for number in range(words.rounds + 3):
            for precision, steps in takes if number % 2 else reversed(takes):
                seconds = timed(lambda: voices[precision].speak(ids, steps), words.device)  # noqa: B023
                if number >= 3:  # the first three warm up
                    takes[precision, steps].append(seconds)
        for (precision, steps), seconds_all in takes.items():
            audio_s = voices[precision].speak(ids, steps)[0].shape[1] / FRAMES_PER_S
            result[f"{kind}_{precision}_{steps}_step"] = figures(seconds_all, audio_s)
            print(f"{kind:9} {precision:9} {steps} {result[f'{kind}_{precision}_{steps}_step']}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
