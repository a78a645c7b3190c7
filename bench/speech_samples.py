"""Writes samples for docs/: one sentence by the ready-made voice and by ours, as WAV files and as a picture.

In: a sentence that training did not see. Out: speech_hibari.wav, speech_flash2.wav, speech_flash1.wav (16 bits, mono,
24 kHz) and speech_mels.png, top to bottom in that order: time to the right, 0 to 12 kHz upwards on the mel scale.

    python -m bench.speech_samples --out docs/images
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from app.speech import SpeakOptions, open_voice
from app.speech.mel import SAMPLE_RATE, log_mel

__all__ = ["mel_picture", "write_wav"]

SENTENCE = "You asked about the basket; it was last seen by the fountain."
_LOWEST, _HIGHEST = -8.0, 2.0  # natural log of magnitude, shown black to white
_PIXELS = 3  # a frame's and a bin's height and width
_GAP = 8


def write_wav(path: Path, audio: np.ndarray) -> None:
    """Audio [S] in -1..1 -> 16 bits, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((audio.clip(-1, 1) * 32767).astype("<i2").tobytes())


def mel_picture(takes: list[np.ndarray]) -> np.ndarray:
    """Audio [S] each -> grey uint8 [H, W], one below the other; shorter ones end early."""
    mels = [log_mel(torch.from_numpy(audio)[None])[0].numpy().T[::-1] for audio in takes]  # [100, F] each
    width = max(mel.shape[1] for mel in mels)
    rows = []
    for mel in mels:
        grey = ((mel - _LOWEST) / (_HIGHEST - _LOWEST)).clip(0, 1) * 255
        grey = np.pad(grey, ((0, 0), (0, width - mel.shape[1]))).astype(np.uint8).repeat(_PIXELS, 0).repeat(_PIXELS, 1)
        rows += [grey, np.full((_GAP, grey.shape[1]), 255, np.uint8)]
    return np.concatenate(rows[:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes sample WAVs and a picture of their mels.")
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    torch.set_num_threads(1)
    takes = []
    for name, voice, steps in (("hibari", "hibari", 2), ("flash2", "flashspeech", 2), ("flash1", "flashspeech", 1)):
        blocks = open_voice(voice).synthesise(SENTENCE, SpeakOptions(steps=steps))
        takes.append(np.concatenate(list(blocks)))
        write_wav(words.out / f"speech_{name}.wav", takes[-1])
    Image.fromarray(mel_picture(takes)).save(words.out / "speech_mels.png")


if __name__ == "__main__":
    main()
