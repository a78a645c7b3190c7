"""One training run: where it reads and writes, when its stages end, and what all of them need.

In: the options of train.py. Out: sentences, pools, models and scores. One thread.
"""

import logging
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from app.speech.network import AcousticConfig, AcousticModel, mask_of
from app.speech.training.acoustic_stage import read_batch
from app.speech.training.pool import Pool, draw_speakers, make_pool
from app.speech.training.scoring import score
from app.speech.training.sentences import phoneme_ids
from app.speech.training.settings import Settings
from app.speech.training.teacher import Teacher
from app.speech.training.whisper_features import WhisperFeatures
from app.speech.weights import ACOUSTIC_FILE, load_acoustic

__all__ = [
    "Run",
    "as_residual",
    "make_run_pool",
    "measure_mels",
    "new_or_resumed_acoustic",
    "open_whisper",
    "phonemes_of",
    "scores_of",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What every stage needs. Times are of the monotonic clock, which processes of one machine share."""

    out: Path
    resume: Path | None
    whisper: Path | None
    settings: Settings
    device: str
    seed: int
    started_s: float
    minutes: float

    def at(self, share: float) -> float:
        """The moment at which `share` of the time is over."""
        return self.started_s + share * self.minutes * 60


def open_whisper(run: Run) -> WhisperFeatures | None:
    """The frozen features of the adversarial stage, where they were given."""
    return WhisperFeatures(run.whisper).to(run.device).requires_grad_(False) if run.whisper is not None else None


def phonemes_of(run: Run, texts: Path | None) -> list[list[int]]:
    """The run's sentences as phoneme ids."""
    processes = min(os.cpu_count() or 1, 14) if run.device == "cuda" else 1
    phonemes = phoneme_ids(run.settings.num_sentences, run.seed, texts, processes)
    log.info("%d sentences as phonemes after %.0f s", len(phonemes), time.monotonic() - run.started_s)
    return phonemes


def make_run_pool(run: Run, teacher: Teacher, phonemes: list[list[int]], seed: int) -> Pool:
    """The sentences, spoken by the run's pseudo-speakers."""
    settings = run.settings
    speakers = draw_speakers(settings.num_speakers, seed=1)
    pool = make_pool(teacher, phonemes, speakers, settings.own_share, seed, settings.speak_batch)
    log.info("%.1f h of speech after %.0f s", pool.num_frames / 80 / 3600, time.monotonic() - run.started_s)
    return pool


def new_or_resumed_acoustic(run: Run) -> AcousticModel:
    """A new model, or the one to go on from; all of it learns."""
    if run.resume is None:
        return AcousticModel(AcousticConfig(is_residual=True)).to(run.device)
    model = load_acoustic(run.resume / ACOUSTIC_FILE).to(run.device)
    return model.train().requires_grad_(True)


def measure_mels(model: AcousticModel, pool: Pool) -> None:
    """Mean and standard deviation of each mel bin, over real frames."""
    batches = [pool.batch(20_000) for _ in range(8)]
    frames = torch.cat([b.mel[mask_of(b.num_frames, b.mel.shape[1])[..., 0] > 0] for b in batches])
    model.mel_mean.copy_(frames.mean(dim=0))
    model.mel_std.copy_(frames.std(dim=0).clamp(min=0.1))


@torch.no_grad()
def as_residual(model: AcousticModel, pool: Pool, settings: Settings) -> AcousticModel:
    """A model whose consistency model made whole mels -> one whose consistency model makes what the coarse mel lacks.

    Everything but the consistency model's last layer, which starts again from 0, is kept; the standard deviation of
    what is lacking is measured on the pool. A model that is so already comes back as it is.
    """
    if model.config.is_residual:
        return model
    changed = AcousticModel(replace(model.config, is_residual=True)).to(model.mel_mean.device)
    lacking = []
    for _ in range(8):
        batch = pool.batch(settings.batch_frames)
        reading = read_batch(model, batch, pool.prompts(batch.speaker, settings.prompt_frames))
        lacking.append((reading.latent - reading.coarse)[reading.track.mask[..., 0] > 0])
    changed.load_state_dict(model.state_dict() | {"residual_std": torch.cat(lacking).std(dim=0).clamp(min=0.01)})
    torch.nn.init.zeros_(changed.mel_net.out.weight)
    torch.nn.init.zeros_(changed.mel_net.out.bias)
    return changed.train()


def scores_of(run: Run, model: AcousticModel, teacher: Teacher) -> dict[str, float]:
    """On sentences and pseudo-speakers that no training saw."""
    settings = run.settings
    phonemes = phoneme_ids(settings.num_scored, run.seed + 1000, None, 1)
    unseen = draw_speakers(settings.num_unseen + 1, seed=2)
    pool = make_pool(teacher, phonemes, unseen, 0.5, run.seed, min(settings.speak_batch, 16))
    return score(model, pool, 4, settings.batch_frames // 4, settings.prompt_frames)
