"""Trains the acoustic model: prosody and coarse mel by regression, the mel latent by consistency, then adversarially.

Source: FlashSpeech (arXiv 2404.14700), sections 3.3 to 3.6. In: a pool. Out: an AcousticModel. One thread.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from app.speech.network import DURATION_SCALE, PITCH_SCALE, AcousticModel, FrameTrack, encode_pitch, expand, mask_of
from app.speech.training.losses import consistency_loss, denoising_loss, masked_mean, num_levels
from app.speech.training.pool import Batch, Pool
from app.speech.training.settings import Settings
from app.speech.training.vocoder_stage import Average

__all__ = ["AcousticStage", "Reading", "read_batch"]

log = logging.getLogger(__name__)
_PROSODY_WARM_SHARE = 0.25  # plain denoising before consistency


@dataclass(frozen=True)
class Reading:
    """What the model makes of a batch before any noise: losses of the regressions, and conditions.

    `details` is what the mel's consistency model is to make.
    """

    regression: Tensor
    losses: dict[str, Tensor]
    latent: Tensor
    details: Tensor
    coarse: Tensor
    condition: Tensor
    voice: Tensor
    track: FrameTrack
    text: Tensor
    text_mask: Tensor
    log_durations: Tensor


def read_batch(model: AcousticModel, batch: Batch, prompts: Tensor, null_share: float = 0.0) -> Reading:
    """Runs all but the consistency models. prompts: log-mel [B, P, 100]."""
    ones = torch.ones_like(prompts[..., :1])
    voice = model.voice_of(model.standardise(prompts), ones)
    is_null = torch.rand(len(voice), 1, device=voice.device) < null_share
    voice = torch.where(is_null, model.null_voice.to(voice.dtype), voice)
    text_mask = mask_of(batch.num_phonemes, batch.ids.shape[1])
    text = model.encode(batch.ids, text_mask, voice)
    durations, _ = model.durations(text, text_mask, voice)
    log_durations = torch.log1p(batch.durations.float())[..., None]
    features, mask = expand(text.float(), batch.durations, batch.mel.shape[1])
    pitch, _ = model.pitch(features, mask, voice)
    target = encode_pitch(batch.f0_hz)
    track = FrameTrack(features, target, mask)
    coarse, condition = model.coarse(track, voice)
    latent = model.standardise(batch.mel) * mask
    voiced = mask * target[..., 1:]
    losses = {
        "duration": masked_mean((durations.float() - log_durations).abs(), text_mask),
        "pitch": masked_mean((pitch[..., :1].float() - target[..., :1]).abs(), voiced),
        "voicing": masked_mean(
            F.binary_cross_entropy_with_logits(pitch[..., 1:].float(), target[..., 1:], reduction="none"), mask
        ),
        "coarse": masked_mean((coarse.float() - latent).abs(), mask),
    }
    regression = losses["duration"] + losses["pitch"] + 0.5 * losses["voicing"] + 2 * losses["coarse"]
    details = model.details(latent, coarse.detach().float()) * mask
    return Reading(regression, losses, latent, details, coarse, condition, voice, track, text, text_mask, log_durations)


class AcousticStage:
    """The model with its optimiser and moving average."""

    def __init__(self, model: AcousticModel, settings: Settings) -> None:
        self.model, self.settings = model, settings
        self.device_type = next(model.parameters()).device.type
        self.optimiser = torch.optim.AdamW(
            model.parameters(), settings.acoustic_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.average = Average(model)
        self.num_steps = 0

    def run(self, pool: Pool, end_s: float, warm_share: float, on_tick: Callable[[], None] = lambda: None) -> None:
        """Regression and consistency, until the monotonic clock shows end_s.

        For `warm_share` of the time plain denoising, then more and more levels; with 0, all levels from the start.
        """
        started_s = time.monotonic()
        while (now_s := time.monotonic()) < end_s:
            progress = (now_s - started_s) / max(end_s - started_s, 1e-6)
            self._set_rate(self.settings.acoustic_rate * (1 - 0.9 * progress))
            batch = pool.batch(self.settings.batch_frames)
            warm = progress < warm_share
            with torch.autocast(self.device_type, torch.bfloat16):
                reading = read_batch(self.model, batch, self._prompts(pool, batch), null_share=0.1)
                args = (self.model.mel_net, reading.details, reading.condition, reading.voice, reading.track.mask)
                if warm:
                    mel_loss, _ = denoising_loss(*args)
                else:
                    stage = (progress - warm_share) / (1 - warm_share) if warm_share else 1.0
                    levels = num_levels(stage, self.settings.first_levels, self.settings.last_levels)
                    mel_loss, _ = consistency_loss(*args, levels, self.settings.jump_share)
            self.apply(reading.regression + mel_loss)
            if self.num_steps % self.settings.log_every == 0:
                self.tell("warm" if warm else "consistency", reading, mel_loss)
                on_tick()

    def refine_prosody(self, pool: Pool, end_s: float) -> None:
        """The consistency models of prosody's residuals (section 3.5); everything else stays as it is."""
        refiners = [*self.model.duration_refiner.parameters(), *self.model.pitch_refiner.parameters()]
        optimiser = torch.optim.AdamW(refiners, 1e-3)
        started_s, step = time.monotonic(), 0
        while (now_s := time.monotonic()) < end_s:
            progress = (now_s - started_s) / max(end_s - started_s, 1e-6)
            for group in optimiser.param_groups:
                group["lr"] = 1e-3 * (1 - 0.9 * progress)
            loss = self._prosody_loss(pool, num_levels(progress, 10, 40), progress < _PROSODY_WARM_SHARE)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(refiners, 1.0)
            optimiser.step()
            step += 1
            if step % self.settings.log_every == 0:
                log.info("prosody %d: %.4f", step, loss.item())

    def _prosody_loss(self, pool: Pool, levels: int, warm: bool) -> Tensor:
        batch = pool.batch(self.settings.batch_frames)
        model = self.model
        with torch.no_grad():
            reading = read_batch(model, batch, self._prompts(pool, batch))
            durations, duration_state = model.durations(reading.text, reading.text_mask, reading.voice)
            pitch, pitch_state = model.pitch(reading.track.features, reading.track.mask, reading.voice)
            duration_rest = (reading.log_durations - durations) * DURATION_SCALE * reading.text_mask
            voiced = reading.track.mask * reading.track.pitch[..., 1:]
            pitch_rest = (reading.track.pitch[..., :1] - pitch[..., :1]) * PITCH_SCALE * voiced
        parts = []
        for net, rest, state, mask in (
            (model.duration_refiner, duration_rest, duration_state, reading.text_mask),
            (model.pitch_refiner, pitch_rest, pitch_state, reading.track.mask),
        ):
            if warm:
                parts.append(denoising_loss(net, rest, state, reading.voice, mask)[0])
            else:
                parts.append(consistency_loss(net, rest, state, reading.voice, mask, levels)[0])
        return parts[0] + parts[1]

    @torch.no_grad()
    def fix_default_voice(self, pool: Pool) -> None:
        """The default voice is the mean of the prompt encodings of the teacher's own voice."""
        speaker = torch.zeros(64, dtype=torch.long, device=self.model.mel_mean.device)
        prompts = pool.prompts(speaker, self.settings.prompt_frames)
        latent = self.model.standardise(prompts)
        self.model.default_voice.copy_(self.model.voice_of(latent, torch.ones_like(latent[..., :1])).mean(dim=0))

    def apply(self, loss: Tensor) -> None:
        """One optimiser step."""
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):  # sync: a step on broken gradients would lose the run
            self.optimiser.step()
            self.average.update()
        self.num_steps += 1

    def tell(self, name: str, reading: Reading, mel_loss: Tensor) -> None:
        """A line in the log."""
        parts = " ".join(f"{key} {value.item():.3f}" for key, value in reading.losses.items())
        log.info("%s %d: %s mel %.3f", name, self.num_steps, parts, mel_loss.item())

    def _prompts(self, pool: Pool, batch: Batch) -> Tensor:
        return pool.prompts(batch.speaker, self.settings.prompt_frames)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate * min(1.0, (self.num_steps + 1) / self.settings.warmup_steps)
