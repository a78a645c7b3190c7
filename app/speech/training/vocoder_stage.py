"""Trains the vocoder: its front learns to feed the teacher's decoder, then all of it learns with discriminators.

In: a pool of utterances. Out: a Vocoder. One thread; the device of the pool.
"""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from app.speech.mel import HOP, log_mel
from app.speech.network import AcousticModel, Vocoder, encode_pitch, mask_of
from app.speech.training.discriminators import (
    AudioDiscriminator,
    discriminator_loss,
    feature_distance,
    generator_loss,
)
from app.speech.training.losses import masked_mean, spectral_loss
from app.speech.training.pool import Batch, Pool
from app.speech.training.settings import Settings
from app.speech.training.teacher import Teacher

__all__ = ["Average", "VocoderStage", "start_from_teacher"]

log = logging.getLogger(__name__)
MelSource = Callable[[Batch], Tensor]


def start_from_teacher(vocoder: Vocoder, teacher: Teacher) -> None:
    """Copies the teacher's decoder, from its third block on, with norm and head."""
    first = vocoder.config.num_front_blocks
    for ours, theirs in zip(vocoder.blocks[first:], teacher.dec[first:], strict=True):
        ours.load_state_dict(theirs.state_dict())
    vocoder.norm.load_state_dict(teacher.dec_norm.state_dict())
    vocoder.head.load_state_dict(teacher.head.state_dict())


class VocoderStage:
    """Vocoder, discriminators and their optimisers; `latents` gives the standardised mels of a batch."""

    def __init__(self, vocoder: Vocoder, scaler: AcousticModel, settings: Settings, latents: MelSource) -> None:
        self.vocoder, self.scaler, self.settings, self.latents = vocoder, scaler, settings, latents
        device = next(vocoder.parameters()).device
        self.device_type = device.type
        self.discriminator = AudioDiscriminator(settings.discriminator_width).to(device)
        self.optimiser = torch.optim.AdamW(vocoder.parameters(), settings.vocoder_rate, betas=(0.8, 0.99))
        self.discriminator_optimiser = torch.optim.AdamW(
            self.discriminator.parameters(), settings.vocoder_rate, betas=(0.8, 0.99)
        )
        self.average = Average(vocoder)

    def match_front(self, pool: Pool, teacher: Teacher, seconds: float) -> None:
        """The front learns the features that the teacher's decoder reads, from the teacher's own voice."""
        front = [*self.vocoder.into.parameters()]
        for block in self.vocoder.blocks[: self.vocoder.config.num_front_blocks]:
            front += list(block.parameters())
        optimiser = torch.optim.AdamW(front, 2e-3, betas=(0.9, 0.99))
        end_s, step = time.monotonic() + seconds, 0
        while time.monotonic() < end_s:
            for group in optimiser.param_groups:
                group["lr"] = 2e-3 * min(1.0, 0.05 + (end_s - time.monotonic()) / seconds)
            batch = pool.batch(self.settings.batch_frames)
            spoken = teacher.speak(batch.ids, batch.num_phonemes)
            f0 = spoken.f0_hz
            mask = mask_of(spoken.lengths, f0.shape[1])
            latent = self.scaler.standardise(log_mel(spoken.audio)) * mask
            with torch.autocast(self.device_type, torch.bfloat16):
                features = self.vocoder.front(latent, encode_pitch(f0), mask)
            loss = masked_mean((features.float() - spoken.features) ** 2, mask)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            if step % self.settings.log_every == 0:
                log.info("front %d: squared error %.4f", step, loss.item())

    def run(self, pool: Pool, end_s: float, warmup_s: float = 0.0, on_tick: Callable[[], None] = lambda: None) -> None:
        """Until the monotonic clock shows end_s; for the first warmup_s without discriminators."""
        started_s, step = time.monotonic(), 0
        while (now_s := time.monotonic()) < end_s:
            progress = (now_s - started_s) / max(end_s - started_s, 1e-6)
            rate = self.settings.vocoder_rate * (1.0 - 0.9 * progress) * min(1.0, (step + 1) / 100)
            for optimiser in (self.optimiser, self.discriminator_optimiser):
                for group in optimiser.param_groups:
                    group["lr"] = rate
            losses = self.step(pool.batch(self.settings.batch_frames), now_s - started_s > warmup_s)
            step += 1
            if step % self.settings.log_every == 0:
                log.info("vocoder %d: %s", step, " ".join(f"{name} {float(v):.3f}" for name, v in losses.items()))
                on_tick()

    def step(self, batch: Batch, is_adversarial: bool) -> dict[str, Tensor]:
        """One step on one second of each utterance."""
        latent, pitch, f0, audio = self._crops(batch)
        mask = torch.ones_like(latent[..., :1])
        with torch.autocast(self.device_type, torch.bfloat16):
            made = self.vocoder(latent, pitch, f0, mask)
        spectral = spectral_loss(made, audio)
        losses = {"spectral": spectral.detach()}
        loss = spectral
        if is_adversarial:
            with torch.autocast(self.device_type, torch.bfloat16):
                judged = discriminator_loss(self.discriminator(audio), self.discriminator(made.detach()))
            _step(self.discriminator_optimiser, self.discriminator, judged)
            self.discriminator.requires_grad_(False)
            with torch.autocast(self.device_type, torch.bfloat16):
                with torch.no_grad():
                    real = self.discriminator(audio)
                fake = self.discriminator(made)
                fooled, distance = generator_loss(fake), feature_distance(real, fake)
            self.discriminator.requires_grad_(True)
            loss = loss + self.settings.adversarial_weight * (fooled + 2 * distance)
            losses |= {"judge": judged.detach(), "fooled": fooled.detach(), "maps": distance.detach()}
        _step(self.optimiser, self.vocoder, loss)
        self.average.update()
        return losses

    def _crops(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(latent [B, C, 100], pitch [B, C, 2], f0 [B, C], audio [B, C * HOP]) with C = settings.crop_frames."""
        size = self.settings.crop_frames
        latent = self.latents(batch)
        latent = latent + 0.02 * torch.randn_like(latent)
        room = (batch.num_frames - size).clamp(min=0)
        start = (torch.rand(len(room), device=room.device) * (room + 1)).long()
        frames = start[:, None] + torch.arange(size, device=start.device)  # [B, C]
        samples = start[:, None] * HOP + torch.arange(size * HOP, device=start.device)
        f0 = batch.f0_hz.gather(1, frames)
        latent = latent.gather(1, frames[..., None].expand(-1, -1, latent.shape[2]))
        return latent, encode_pitch(f0), f0, batch.audio.gather(1, samples)


class Average:
    """The exponential moving average of a module's weights, which is what is shipped."""

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self._module, self._decay, self._steps = module, decay, 0
        self._weights = [parameter.detach().clone() for parameter in module.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        torch._foreach_lerp_(self._weights, [p.detach() for p in self._module.parameters()], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the module's weights with the averaged ones; calling it again undoes that."""
        for kept, parameter in zip(self._weights, self._module.parameters(), strict=True):
            current = parameter.detach().clone()
            parameter.copy_(kept)
            kept.copy_(current)


def _step(optimiser: torch.optim.Optimizer, module: nn.Module, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(module.parameters(), 5.0)
    if torch.isfinite(norm):  # sync: a step on broken gradients would lose the run
        optimiser.step()
