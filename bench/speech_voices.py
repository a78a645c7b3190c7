"""The voices that bench/speech_quality.py compares, as functions from a text to audio at 24 kHz.

flash2, flash1: ours with two steps and one; flash2_float32: the same without 8-bit products; plain2: before the
adversarial stage; coarse: without the consistency model; copy: the teacher's own mel and F0 through our vocoder, its
ceiling; hibari: the ready-made voice; espeak: espeak-ng, the floor. Any thread, one at a time.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from app.speech import SpeakOptions
from app.speech.flash_speaker import FlashSpeaker, Utterance
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.inference import Precision
from app.speech.mel import SAMPLE_RATE, log_mel
from app.speech.network import FrameTrack, encode_pitch, expand
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder

__all__ = ["VOICES", "Say", "coarse_latent", "flash_voice", "make_voice", "say_with"]

VOICES = ["hibari", "flash2", "flash1", "flash2_float32", "plain2", "plain1", "coarse", "copy", "espeak"]
PLAIN_FILE = "acoustic_plain.safetensors"
Say = Callable[[str], np.ndarray]


def make_voice(name: str, folder: Path, phonemizer: Phonemizer) -> Say:
    """Raises SystemExit for a name that is not in VOICES, or a voice that is not on this machine."""
    if name == "hibari":
        return say_with(HibariSpeaker(phonemizer))
    if name == "espeak" and shutil.which("espeak-ng"):
        return espeak_voice
    if name == "copy":
        return copy_voice(flash_voice(folder, phonemizer), load_teacher(teacher_file()), phonemizer)
    if name == "coarse":
        return coarse_voice(flash_voice(folder, phonemizer))
    if name in VOICES and name.startswith(("flash", "plain")):
        file = ACOUSTIC_FILE if name.startswith("flash") else PLAIN_FILE
        precision: Precision | None = "float32" if name.endswith("_float32") else None
        return say_with(flash_voice(folder, phonemizer, file, precision), steps=int(name[5]))
    raise SystemExit(f"there is no voice {name!r} here; the voices are {', '.join(VOICES)}")


def flash_voice(
    folder: Path, phonemizer: Phonemizer, acoustic: str = ACOUSTIC_FILE, precision: Precision | None = None
) -> FlashSpeaker:
    """Ours, from other weights or in another precision than usual."""
    models = load_acoustic(folder / acoustic), load_vocoder(folder / VOCODER_FILE)
    return FlashSpeaker(*models, phonemizer, precision=precision)


def say_with(speaker: FlashSpeaker | HibariSpeaker, **options: float) -> Say:
    """Whole utterances by a Speaker."""
    return lambda text: np.concatenate(list(speaker.synthesise(text, SpeakOptions(**options))))  # type: ignore[arg-type]


@torch.inference_mode()
def coarse_latent(speaker: FlashSpeaker, text: str, options: SpeakOptions) -> tuple[Utterance, torch.Tensor]:
    """(the Utterance of a text, its coarse latent [1, F, 100])."""
    utterance, model = speaker.utterance(text, options), speaker._acoustic
    encoded = model.encode(utterance.ids, torch.ones(*utterance.ids.shape, 1), utterance.voice)
    features, mask = expand(encoded, utterance.durations, utterance.latent.shape[1])
    coarse, _ = model.coarse(FrameTrack(features, utterance.pitch, mask), utterance.voice)
    return utterance, coarse


def coarse_voice(speaker: FlashSpeaker) -> Say:
    """The coarse mel goes to the vocoder; prosody is that of flash2."""

    def say(text: str) -> np.ndarray:
        utterance, coarse = coarse_latent(speaker, text, SpeakOptions())
        return np.concatenate(list(speaker.render(replace(utterance, latent=coarse))))

    return say


def copy_voice(speaker: FlashSpeaker, teacher: Teacher, phonemizer: Phonemizer) -> Say:
    """The teacher's own mel and F0."""

    def say(text: str) -> np.ndarray:
        ids = phonemizer.ids(phonemizer.phonemes(normalise(text)))
        spoken = teacher.speak(torch.tensor([ids]), torch.tensor([len(ids)]))
        latent = speaker._acoustic.standardise(log_mel(spoken.audio))
        with torch.inference_mode():
            mask = torch.ones_like(latent[..., :1])
            audio = speaker._vocoder(latent, encode_pitch(spoken.f0_hz), spoken.f0_hz, mask)[0]
        return np.asarray(audio.numpy())

    return say


def espeak_voice(text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), text], check=True)
        with wave.open(str(path)) as file:
            audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
            rate = file.getframerate()
    size = round(len(audio) * SAMPLE_RATE / rate)
    return np.interp(np.linspace(0, len(audio) - 1, size), np.arange(len(audio)), audio).astype(np.float32)
