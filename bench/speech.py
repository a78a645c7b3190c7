"""How well and how fast FlashSpeech speaks, beside the ready-made voice and, where it is installed, espeak-ng.

In: the weights in assets/models (or --folder) and held-out sentences. Out: a table and, as the last line, one JSON
object. Nothing that scores was trained on (bench/speech_scoring.py says what to install).

    python -m bench.speech [--num 200] [--skip 0] [--voices hibari,flash2,flash1,coarse,copy,plain2,espeak]
                           [--folder DIR] [--answers FILE] [--threads 2] [--speed-only] [--similarity N]
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from app.speech import WEIGHTS, SpeakOptions, open_voice
from app.speech.audio import loudness_lufs
from app.speech.flash_speaker import FlashSpeaker
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.mel import SAMPLE_RATE, log_mel
from app.speech.network import FrameTrack, encode_pitch, expand
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.training.pool import draw_speakers, speak_as
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder
from bench.speech_scoring import Listener, OpinionScorer, VoiceComparer, word_errors

SENTENCES = Path(__file__).with_name("speech_sentences.txt")
PLAIN_FILE = "acoustic_plain.safetensors"
Say = Callable[[str], np.ndarray]


def flash_voice(folder: Path, phonemizer: Phonemizer, acoustic: str = ACOUSTIC_FILE) -> FlashSpeaker:
    return FlashSpeaker(load_acoustic(folder / acoustic), load_vocoder(folder / VOCODER_FILE), phonemizer)


def say_with(speaker: FlashSpeaker | HibariSpeaker, **options: float) -> Say:
    """Whole utterances by a Speaker."""
    return lambda text: np.concatenate(list(speaker.synthesise(text, SpeakOptions(**options))))  # type: ignore[arg-type]


def coarse_voice(speaker: FlashSpeaker) -> Say:
    """The ablation without the consistency model: the coarse mel goes to the vocoder."""

    def say(text: str) -> np.ndarray:
        utterance = speaker.utterance(text, SpeakOptions(alpha=0.0))
        model = speaker._acoustic
        with torch.inference_mode():
            encoded = model.encode(utterance.ids, torch.ones(*utterance.ids.shape, 1), utterance.voice)
            features, mask = expand(encoded, utterance.durations, utterance.latent.shape[1])
            coarse, _ = model.coarse(FrameTrack(features, utterance.pitch, mask), utterance.voice)
        return np.concatenate(list(speaker.render(replace(utterance, latent=coarse))))

    return say


def copy_voice(speaker: FlashSpeaker, teacher: Teacher, phonemizer: Phonemizer) -> Say:
    """Copy synthesis, the vocoder's ceiling: the teacher's own mel and F0."""

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


def make_voices(names: list[str], folder: Path) -> dict[str, Say]:
    """The named voices that exist here."""
    phonemizer = Phonemizer()
    voices: dict[str, Say] = {}
    for name in names:
        if name == "hibari":
            voices[name] = say_with(HibariSpeaker(phonemizer))
        elif name == "espeak":
            if shutil.which("espeak-ng"):
                voices[name] = espeak_voice
        elif name == "copy":
            voices[name] = copy_voice(flash_voice(folder, phonemizer), load_teacher(teacher_file()), phonemizer)
        elif name == "coarse":
            voices[name] = coarse_voice(flash_voice(folder, phonemizer))
        elif name.startswith(("flash", "plain")):
            file = ACOUSTIC_FILE if name.startswith("flash") else PLAIN_FILE
            voices[name] = say_with(flash_voice(folder, phonemizer, file), steps=int(name[-1]))
        else:
            raise SystemExit(f"there is no voice {name!r}; see --help")
    return voices


def judge(say: Say, texts: list[str], listener: Listener, scorer: OpinionScorer) -> dict[str, float]:
    """Word error rate in percent, mean opinion, loudness, and speed on the same sentences."""
    errors = words = 0
    opinions, levels, audio_s, spent_s = [], [], 0.0, 0.0
    for text in texts:
        started_s = time.perf_counter()
        audio = say(text)
        spent_s += time.perf_counter() - started_s
        assert np.isfinite(audio).all(), text
        audio_s += len(audio) / SAMPLE_RATE
        wrong, total = word_errors(normalise(text), listener.hear(audio))
        errors, words = errors + wrong, words + total
        opinions.append(scorer.score(audio))
        levels.append(loudness_lufs(audio))
    return {
        "wer_percent": round(100 * errors / words, 2),
        "distillmos": round(float(np.mean(opinions)), 2),
        "distillmos_p10": round(float(np.quantile(opinions, 0.1)), 2),
        "lufs": round(float(np.mean(levels)), 1),
        "audio_s": round(audio_s, 1),
        "real_time_factor": round(spent_s / audio_s, 4),
    }


def similarity(folder: Path, num: int) -> dict[str, float]:
    """Cosine of our speech with its prompt, for pseudo-speakers of the training and new ones, beside another."""
    comparer, phonemizer = VoiceComparer(), Phonemizer()
    teacher = load_teacher(teacher_file())
    acoustic, vocoder = load_acoustic(folder / ACOUSTIC_FILE), load_vocoder(folder / VOCODER_FILE)
    texts = SENTENCES.read_text(encoding="utf-8").split("\n")

    def teacher_audio(text: str, voice: tuple[float, float]) -> np.ndarray:
        ids = phonemizer.ids(phonemizer.phonemes(normalise(text)))
        return np.asarray(speak_as(teacher, torch.tensor([ids]), torch.tensor([len(ids)]), voice).audio[0].numpy())

    found: dict[str, float] = {}
    for kind, seed in (("seen", 1), ("unseen", 3)):
        cosines, others, last = [], [], None
        for i, voice in enumerate(draw_speakers(num + 1, seed)[1:]):
            prompt = teacher_audio(texts[i], voice)
            speaker = FlashSpeaker(acoustic, vocoder, phonemizer, prompt)
            made = comparer.embed(say_with(speaker)(texts[100 + i]))
            theirs = comparer.embed(prompt)
            cosines.append(float(made @ theirs))
            if last is not None:
                others.append(float(made @ last))
            last = theirs
        found |= {
            f"{kind}_cosine": round(float(np.mean(cosines)), 3),
            f"{kind}_other_prompt": round(float(np.mean(others)), 3),
        }
    return found


def speed(say_blocks: FlashSpeaker | HibariSpeaker, repeats: int = 15) -> dict[str, float]:
    """First block and real-time factor of a clause and of a sentence."""
    texts = {
        "clause": "There is a cat,",
        "sentence": "It was last seen near the red car at a quarter past ten, I think.",
    }
    figures: dict[str, float] = {}
    for name, text in texts.items():
        firsts, factors = [], []
        for repeat in range(repeats + 2):
            started_s, samples, first_s = time.perf_counter(), 0, 0.0
            for block in say_blocks.synthesise(text, SpeakOptions(seed=repeat)):
                first_s = first_s or time.perf_counter() - started_s
                samples += len(block)
            if repeat >= 2:
                firsts.append(1e3 * first_s)
                factors.append((time.perf_counter() - started_s) * SAMPLE_RATE / samples)
        figures[f"{name}_first_ms_p50"] = round(float(np.median(firsts)), 1)
        figures[f"{name}_first_ms_p95"] = round(float(np.quantile(firsts, 0.95)), 1)
        figures[f"{name}_rtf_p50"] = round(float(np.median(factors)), 4)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores FlashSpeech beside other voices.")
    parser.add_argument("--num", type=int, default=200)
    parser.add_argument("--skip", type=int, default=0, help="sentences at the start to leave out")
    parser.add_argument("--voices", default="hibari,flash2,flash1,coarse,copy,espeak")
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    parser.add_argument("--answers", type=Path, help="answers of the assistant, one a line, in place of the sentences")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--similarity", type=int, default=0, metavar="N", help="pseudo-speakers of each kind")
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    texts = (words.answers or SENTENCES).read_text(encoding="utf-8").strip().split("\n")
    texts = texts[words.skip : words.skip + words.num]
    result: dict[str, object] = {"machine": platform.processor() or platform.machine(), "threads": words.threads}
    result |= {"torch": torch.__version__, "sentences": len(texts), "skipped": words.skip}
    names = words.voices.split(",")
    if not words.speed_only:
        listener, scorer = Listener(), OpinionScorer()
        for name, say in make_voices(names, words.folder).items():
            result[name] = judge(say, texts, listener, scorer)
            print(f"{name:8} {result[name]}", flush=True)
    if words.similarity:
        result["similarity"] = similarity(words.folder, words.similarity)
        print(f"similarity {result['similarity']}", flush=True)
    for name in names:
        if name in ("hibari", "flash2"):
            speaker = open_voice("hibari") if name == "hibari" else flash_voice(words.folder, Phonemizer())
            result[f"{name}_speed"] = speed(speaker)  # type: ignore[arg-type]
            print(f"{name} {result[f'{name}_speed']}", flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
