"""The vocoder's part of a run: a process of its own beside the acoustic model, and the tuning on generated mels.

In: a Run. Out: flashspeech_vocoder.safetensors and discriminators.safetensors in its folder.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.speech.network import AcousticConfig, AcousticModel, Vocoder, VocoderConfig, mask_of, sample
from app.speech.phonemes import teacher_file
from app.speech.training.acoustic_stage import read_batch
from app.speech.training.pool import Batch, Pool
from app.speech.training.run import Run, make_run_pool
from app.speech.training.settings import tiny
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.training.vocoder_stage import VocoderStage, start_from_teacher
from app.speech.weights import VOCODER_FILE, load_vocoder, save_model

__all__ = [
    "IDS_FILE",
    "JUDGES_FILE",
    "STATS_FILE",
    "load_growing_vocoder",
    "start_vocoder",
    "train_vocoder",
    "tune_vocoder",
]

STATS_FILE, IDS_FILE, JUDGES_FILE = "mel_stats.pt", "phonemes.json", "discriminators.safetensors"
_FRONT_SHARE, _SPECTRAL_SHARE = 0.09, 0.08  # of the vocoder's own time
_REAL_SHARE = 0.3  # of the mels in the tuning


def start_vocoder(run: Run) -> "subprocess.Popen[bytes]":
    """The vocoder's stage as a process of its own, with the same clock."""
    command = [sys.executable, "-m", "app.speech.training.train", "--stage", "vocoder", "--out", str(run.out)]
    command += ["--minutes", str(run.minutes), "--started", str(run.started_s), "--device", run.device]
    command += ["--seed", str(run.seed)]
    if run.resume is not None:
        command += ["--resume", str(run.resume)]
    if run.settings == tiny():
        command += ["--tiny"]
    return subprocess.Popen(command)


def train_vocoder(run: Run, end_share: float) -> None:
    """Front, spectral loss, discriminators; from a resumed vocoder the discriminators at once."""
    teacher = load_teacher(teacher_file()).to(run.device)
    phonemes = json.loads((run.out / IDS_FILE).read_text())
    scaler = _scaler(run)
    vocoder = _new_or_resumed_vocoder(run, teacher)
    stage = VocoderStage(vocoder, scaler, run.settings, lambda batch: _real_latents(scaler, batch))
    pool = make_run_pool(run, teacher, phonemes, run.seed + 1)
    end_s = run.at(end_share)
    left_s = end_s - time.monotonic()
    if run.resume is None:
        stage.match_front(pool, teacher, left_s * _FRONT_SHARE)
    elif (run.resume / JUDGES_FILE).exists():
        _load_judges(stage.discriminator, run.resume / JUDGES_FILE)

    def save() -> None:
        stage.average.swap()
        save_model(vocoder, run.out / VOCODER_FILE)
        stage.average.swap()

    save()
    stage.run(pool, end_s, left_s * _SPECTRAL_SHARE if run.resume is None else 0.0, save)
    save()
    _save_judges(stage.discriminator, run.out / JUDGES_FILE)


def tune_vocoder(run: Run, model: AcousticModel, pool: Pool, end_s: float) -> None:
    """The vocoder learns to read mels as they are spoken, and real ones still, at a small rate."""
    vocoder = load_vocoder(run.out / VOCODER_FILE).to(run.device).train().requires_grad_(True)
    source = _spoken_latents(run, model, pool)
    stage = VocoderStage(vocoder, model, replace(run.settings, vocoder_rate=1e-4), source)
    _load_judges(stage.discriminator, run.out / JUDGES_FILE)
    stage.run(pool, end_s)
    stage.average.swap()
    save_model(vocoder, run.out / VOCODER_FILE)
    _save_judges(stage.discriminator, run.out / JUDGES_FILE)


def _spoken_latents(run: Run, model: AcousticModel, pool: Pool) -> Callable[[Batch], Tensor]:
    """Mels of one step or two, in turn, with real ones between them."""
    num_calls = 0

    @torch.no_grad()
    def latents(batch: Batch) -> Tensor:
        nonlocal num_calls
        num_calls += 1
        reading = read_batch(model, batch, pool.prompts(batch.speaker, run.settings.prompt_frames))
        details = sample(model.mel_net, reading.condition, reading.voice, reading.track.mask, 1 + num_calls % 2)
        made = model.with_details(details, reading.coarse) * reading.track.mask
        is_real = torch.rand(len(made), 1, 1, device=made.device) < _REAL_SHARE
        return torch.where(is_real, reading.latent, made)

    return latents


def load_growing_vocoder(run: Run, helper: "subprocess.Popen[bytes]") -> Vocoder:
    """What the other process has saved by now, frozen; waits for its first save."""
    while not (run.out / VOCODER_FILE).exists():
        if helper.poll() is not None:
            raise RuntimeError(f"the vocoder's process ended before its first save; see {run.out / 'vocoder.log'}")
        time.sleep(1.0)
    return load_vocoder(run.out / VOCODER_FILE).to(run.device)


def _new_or_resumed_vocoder(run: Run, teacher: Teacher) -> Vocoder:
    if run.resume is not None:
        return load_vocoder(run.resume / VOCODER_FILE).to(run.device).train().requires_grad_(True)
    vocoder = Vocoder(VocoderConfig()).to(run.device)
    start_from_teacher(vocoder, teacher)
    return vocoder


def _scaler(run: Run) -> AcousticModel:
    """An acoustic model that only standardises mels."""
    stats = torch.load(run.out / STATS_FILE, weights_only=True)
    scaler = AcousticModel(AcousticConfig())
    scaler.mel_mean.copy_(stats["mean"])
    scaler.mel_std.copy_(stats["std"])
    return scaler.to(run.device).requires_grad_(False)


def _real_latents(scaler: AcousticModel, batch: Batch) -> Tensor:
    return scaler.standardise(batch.mel) * mask_of(batch.num_frames, batch.mel.shape[1])


def _save_judges(module: nn.Module, path: Path) -> None:
    save_file({name: tensor.half().cpu().contiguous() for name, tensor in module.state_dict().items()}, path)


def _load_judges(module: nn.Module, path: Path) -> None:
    module.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
