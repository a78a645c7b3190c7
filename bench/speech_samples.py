"""Writes samples for docs/: one sentence by the ready-made voice and in five ways by ours, as WAV files and a picture.

In: a sentence that training did not see. Out: speech_NAME.wav (16 bits, mono, 16 kHz, under 120 kB) for hibari, flash1
(one step), flash2 (two), prompted (a prompt that is the teacher at 0.85 of its size: lower), converted (flash1 into
that voice) and edited (a word of flash1 exchanged), and speech_mels.png with them in that order from the top: time
to the right, 0 to 12 kHz upwards on the mel scale.

    python -m bench.speech_samples --out docs/images
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from app.speech import WEIGHTS, SpeakOptions
from app.speech.flash_speaker import FlashSpeaker, Utterance
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.mel import log_mel
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.prompts import check_prompt
from app.speech.training.pool import speak_as
from app.speech.training.teacher import load_teacher
from bench.speech_scoring import to_16k
from bench.speech_voices import flash_voice, say_with

__all__ = ["mel_picture", "takes", "write_wav"]

SENTENCE = "The basket was last seen beside the fountain."
PROMPT = "The boat drifted slowly towards the far shore, and nobody noticed."
LOWER_VOICE = (0.85, 1.0)  # size and pitch, see app/speech/training/pool.py
EDIT = (1, 1, "big umbrella")
_LOWEST, _HIGHEST = -8.0, 0.5  # natural log of magnitude, shown black to white
_PIXELS = 2  # a frame's and a bin's height and width
_GAP = 8


def write_wav(path: Path, audio: np.ndarray, sample_rate: int) -> None:
    """Audio [S] in -1..1 -> 16 bits, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
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


def takes() -> dict[str, np.ndarray]:
    """Audio [S] at 24 kHz by name."""
    phonemizer, options = Phonemizer(), SpeakOptions(steps=1)
    speaker = flash_voice(WEIGHTS, phonemizer)
    ids = torch.tensor([phonemizer.ids(phonemizer.phonemes(PROMPT))])
    prompt = speak_as(load_teacher(teacher_file()), ids, torch.tensor([ids.shape[1]]), LOWER_VOICE).audio[0].numpy()
    prompted = FlashSpeaker(speaker._acoustic, speaker._vocoder, phonemizer, check_prompt(prompt))
    own = speaker.utterance(SENTENCE, options)
    edited = speaker.replace_words(SENTENCE, *EDIT, options)
    return {
        "hibari": say_with(HibariSpeaker(phonemizer))(SENTENCE),
        "flash1": _rendered(speaker, own),
        "flash2": say_with(speaker, steps=2)(SENTENCE),
        "prompted": say_with(prompted, steps=1)(SENTENCE),
        "converted": _rendered(speaker, speaker.convert(own, prompted.voice)),
        "edited": _rendered(speaker, edited),
    }


def _rendered(speaker: FlashSpeaker, utterance: Utterance) -> np.ndarray:
    return np.concatenate(list(speaker.render(utterance)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes sample WAVs and a picture of their mels.")
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    torch.set_num_threads(1)
    made = takes()
    for name, audio in made.items():
        write_wav(words.out / f"speech_{name}.wav", to_16k(audio), 16_000)
    Image.fromarray(mel_picture(list(made.values()))).save(words.out / "speech_mels.png", optimize=True)


if __name__ == "__main__":
    main()
