"""The adversarial stage: consistency training goes on while discriminators judge the decoded speech.

Source: FlashSpeech (arXiv 2404.14700), section 3.4: D(x | prompt) on features of a frozen speech model of the decoded
waveform, weighted by the ratio of gradients at the last layer; here Whisper's encoder, and a discriminator of mels
beside it. Real speech is the vocoder's rendering of real mels, so that its own artefacts give nothing away. What is
judged are samples as they are spoken, of one step and of two, not answers from any noise level; and since text, F0 and
durations leave little of the mel open here, they are to resemble the real ones themselves, and in hidden maps.
Only the mel's consistency model learns: the judges' gradient is larger than the coarse mel's own on the layers that
make it, points elsewhere, and made it worse (docs/SPEECH.md).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from app.speech.network import SIGMA_BETWEEN, SIGMA_DATA, SIGMA_MAX, Vocoder, encode_pitch
from app.speech.training.acoustic_stage import AcousticStage, Reading, read_batch
from app.speech.training.discriminators import (
    FeatureDiscriminator,
    MelDiscriminator,
    Scores,
    discriminator_loss,
    feature_distance,
    generator_loss,
)
from app.speech.training.losses import consistency_loss, frame_distance, masked_mean
from app.speech.training.pool import Batch, Pool
from app.speech.training.whisper_features import WhisperFeatures

__all__ = ["AdversarialStage"]

log = logging.getLogger(__name__)
_CROP = 128  # frames that are decoded: 1.6 s
_ROWS = 24  # utterances of a batch that are decoded
_MAPS_WEIGHT = 2.0  # of the distance of hidden maps, as in the vocoder's training
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
        """Until the monotonic clock shows end_s. Text, prosody, voices and the coarse mel stay as they are."""
        with _learning_alone(self.stage.model, self.stage.model.mel_net):
            self._run(pool, end_s, on_tick)

    def _run(self, pool: Pool, end_s: float, on_tick: Callable[[], None]) -> None:
        stage, settings = self.stage, self.stage.settings
        started_s, step = time.monotonic(), 0
        while (now_s := time.monotonic()) < end_s:
            progress = (now_s - started_s) / max(end_s - started_s, 1e-6)
            for group in stage.optimiser.param_groups:
                group["lr"] = settings.adversarial_rate * (1 - 0.9 * progress)
            batch = pool.batch(settings.batch_frames)
            with torch.autocast(stage.device_type, torch.bfloat16):
                reading = read_batch(stage.model, batch, pool.prompts(batch.speaker, settings.prompt_frames), 0.1)
                args = (stage.model.mel_net, reading.details, reading.condition, reading.voice, reading.track.mask)
                mel_loss, _ = consistency_loss(*args, settings.last_levels + 1, settings.jump_share)
                made = self._sample(reading)
            distance = frame_distance(made.float(), reading.details[:_ROWS]) / SIGMA_DATA
            mel_loss = mel_loss + masked_mean(distance, reading.track.mask[:_ROWS])
            judged, fooled = self._judge(batch, reading, made)
            weight = self._weight(mel_loss, fooled) * settings.adversarial_weight
            stage.apply(mel_loss + weight * fooled)
            step += 1
            if step % settings.log_every == 0:
                stage.tell("adversarial", reading, mel_loss)
                log.info("judges %.3f fooled %.3f weight %.4f", judged.item(), fooled.item(), weight.item())
                on_tick()

    def _sample(self, reading: Reading) -> Tensor:
        """Details as they are spoken: after one step for half of the rows, after two for the others."""
        net = self.stage.model.mel_net
        args = (reading.condition[:_ROWS], reading.voice[:_ROWS], reading.track.mask[:_ROWS])
        noise = torch.randn_like(reading.details[:_ROWS])
        one = net(SIGMA_MAX * noise, torch.full_like(noise[:, 0, 0], SIGMA_MAX), *args)
        again = one.detach() + SIGMA_BETWEEN * torch.randn_like(noise)
        two = net(again, torch.full_like(noise[:, 0, 0], SIGMA_BETWEEN), *args)
        is_second = torch.rand_like(noise[:, :1, :1]) < 0.5
        return torch.where(is_second, two, one)

    def _judge(self, batch: Batch, reading: Reading, made: Tensor) -> tuple[Tensor, Tensor]:
        """Trains the discriminators a step. -> (their loss, the generator's loss)."""
        frames, model = _crop(batch), self.stage.model
        masked = reading.coarse.detach() * reading.track.mask  # as the latent is, or the padding would give it away
        real, details, coarse = (_cut(x, frames) for x in (reading.latent, made, masked))
        fake = model.with_details(details, coarse)
        f0 = batch.f0_hz[: len(frames)].gather(1, frames)
        prompt = self._views(real.roll(_CROP // 2, dims=1), f0)
        with torch.no_grad():
            real_views, fake_views = self._views(real, f0), self._views(fake, f0)
        judged = discriminator_loss(
            self._verdicts(real, coarse, real_views, prompt), self._verdicts(fake.detach(), coarse, fake_views, prompt)
        )
        self.judges_optimiser.zero_grad()
        judged.backward()
        self.judges_optimiser.step()
        with torch.no_grad():
            wanted = self._verdicts(real, coarse, real_views, prompt)
        found = self._verdicts(fake, coarse, self._views(fake, f0), prompt)
        return judged.detach(), generator_loss(found) + _MAPS_WEIGHT * feature_distance(wanted, found)

    def _verdicts(self, latent: Tensor, coarse: Tensor, views: Tensor, prompt: Tensor) -> Scores:
        """All discriminators' maps."""
        scores: Scores = self.mel_judge(latent, coarse)
        return scores + self.feature_judge(views, prompt) if self.feature_judge is not None else scores

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


@contextmanager
def _learning_alone(model: nn.Module, part: nn.Module) -> Iterator[None]:
    """All of `model` but `part` stays as it is meanwhile; what learnt before learns again afterwards."""
    inside = {id(parameter) for parameter in part.parameters()}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in inside]
    for parameter in rest:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in rest:
            parameter.requires_grad_(True)


def _crop(batch: Batch) -> Tensor:
    """A stretch of each of the first rows: the numbers of its frames, [R, C]."""
    room = (batch.num_frames[:_ROWS] - _CROP).clamp(min=0)
    start = (torch.rand(len(room), device=room.device) * (room + 1)).long()
    return start[:, None] + torch.arange(_CROP, device=start.device)


def _cut(values: Tensor, frames: Tensor) -> Tensor:
    """values: [B, F, D]; frames: [R, C] -> [R, C, D] float32."""
    return values[: len(frames)].gather(1, frames[..., None].expand(-1, -1, values.shape[2])).float()
