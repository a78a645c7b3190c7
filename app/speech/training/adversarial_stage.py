"""The adversarial stage: consistency training goes on while discriminators judge the decoded speech.

Source: FlashSpeech (arXiv 2404.14700), section 3.4: D(x | prompt) on features of a frozen speech model of the decoded
waveform, weighted by the ratio of gradients at the last layer; here Whisper's encoder, and a discriminator of mels
beside it. Real speech is the vocoder's rendering of real mels, so that its own artefacts give nothing away.
"""

import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor

from app.speech.network import Vocoder, encode_pitch
from app.speech.training.acoustic_stage import AcousticStage, Reading, read_batch
from app.speech.training.discriminators import (
    FeatureDiscriminator,
    MelDiscriminator,
    discriminator_loss,
    generator_loss,
)
from app.speech.training.losses import consistency_loss
from app.speech.training.pool import Batch, Pool
from app.speech.training.whisper_features import WhisperFeatures

__all__ = ["AdversarialStage"]

log = logging.getLogger(__name__)
_CROP = 128  # frames that are decoded: 1.6 s
_ROWS = 24  # utterances of a batch that are decoded
_LARGEST_WEIGHT = 1e4


class AdversarialStage:
    """Two discriminators around an AcousticStage. Without `whisper` only the mel discriminator judges."""

    def __init__(self, stage: AcousticStage, vocoder: Vocoder, whisper: WhisperFeatures | None) -> None:
        self.stage, self.vocoder, self.whisper = stage, vocoder, whisper
        device = stage.model.mel_mean.device
        self.mel_judge = MelDiscriminator(stage.settings.discriminator_width).to(device)
        self.feature_judge = FeatureDiscriminator(5 * 384).to(device) if whisper is not None else None
        parameters = list(self.mel_judge.parameters())
        if self.feature_judge is not None:
            parameters += list(self.feature_judge.parameters())
        self.judges_optimiser = torch.optim.AdamW(parameters, stage.settings.adversarial_rate, betas=(0.8, 0.99))

    def run(self, pool: Pool, end_s: float, on_tick: Callable[[], None] = lambda: None) -> None:
        """Until the monotonic clock shows end_s."""
        stage, settings = self.stage, self.stage.settings
        started_s, step = time.monotonic(), 0
        while (now_s := time.monotonic()) < end_s:
            progress = (now_s - started_s) / max(end_s - started_s, 1e-6)
            for group in stage.optimiser.param_groups:
                group["lr"] = settings.adversarial_rate * (1 - 0.9 * progress)
            batch = pool.batch(settings.batch_frames)
            with torch.autocast(stage.device_type, torch.bfloat16):
                reading = read_batch(stage.model, batch, pool.prompts(batch.speaker, settings.prompt_frames), 0.1)
                args = (stage.model.mel_net, reading.latent, reading.condition, reading.voice, reading.track.mask)
                mel_loss, predicted = consistency_loss(*args, settings.last_levels + 1)
            judged, fooled = self._judge(batch, reading, predicted)
            weight = self._weight(mel_loss, fooled) * settings.adversarial_weight
            stage.apply(reading.regression + mel_loss + weight * fooled)
            step += 1
            if step % settings.log_every == 0:
                stage.tell("adversarial", reading, mel_loss)
                log.info("judges %.3f fooled %.3f weight %.4f", judged.item(), fooled.item(), weight.item())
                on_tick()

    def _judge(self, batch: Batch, reading: Reading, predicted: Tensor) -> tuple[Tensor, Tensor]:
        """Trains the discriminators a step. -> (their loss, the generator's loss)."""
        real, fake, f0 = self._crops(batch, reading.latent, predicted)
        real_views, prompt = self._views(real, f0), self._views(real.roll(_CROP // 2, dims=1), f0)
        with torch.no_grad():
            fake_views = self._views(fake.detach(), f0)
        judged = discriminator_loss(self.mel_judge(real), self.mel_judge(fake.detach()))
        if self.feature_judge is not None:
            judged = judged + discriminator_loss(
                self.feature_judge(real_views, prompt), self.feature_judge(fake_views, prompt)
            )
        self.judges_optimiser.zero_grad()
        judged.backward()
        self.judges_optimiser.step()
        fooled = generator_loss(self.mel_judge(fake))
        if self.feature_judge is not None:
            fooled = fooled + generator_loss(self.feature_judge(self._views(fake, f0), prompt))
        return judged.detach(), fooled

    def _crops(self, batch: Batch, real: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same stretch of real and predicted latents [R, C, 100], and its F0 [R, C]."""
        rows = slice(0, _ROWS)
        room = (batch.num_frames[rows] - _CROP).clamp(min=0)
        start = (torch.rand(len(room), device=room.device) * (room + 1)).long()
        frames = start[:, None] + torch.arange(_CROP, device=start.device)
        index = frames[..., None].expand(-1, -1, real.shape[2])
        return (
            real[rows].gather(1, index).float(),
            predicted[rows].gather(1, index).float(),
            batch.f0_hz[rows].gather(1, frames),
        )

    def _views(self, latent: Tensor, f0_hz: Tensor) -> Tensor:
        """Frozen features of the decoded audio, [R, T, D]."""
        if self.whisper is None:
            return latent
        audio = self.vocoder(latent, encode_pitch(f0_hz), f0_hz, torch.ones_like(latent[..., :1]))
        return torch.as_tensor(self.whisper(audio))

    def _weight(self, mel_loss: Tensor, fooled: Tensor) -> Tensor:
        """The ratio of the two gradients at the last layer (equation 17)."""
        last = self.stage.model.mel_net.out.weight
        (ours,) = torch.autograd.grad(mel_loss, last, retain_graph=True)
        (theirs,) = torch.autograd.grad(fooled, last, retain_graph=True)
        return (ours.norm() / theirs.norm().clamp(min=1e-8)).clamp(max=_LARGEST_WEIGHT).detach()
