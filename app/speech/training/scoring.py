"""Scores on held-out sentences, for the log of a run: errors of durations, F0 and mel, by the teacher's own labels.

Not judgements of quality: those are made by bench/speech_quality.py with scorers that nothing is trained on.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from app.speech.network import AcousticModel, decode_pitch, sample
from app.speech.training.acoustic_stage import read_batch
from app.speech.training.losses import masked_mean
from app.speech.training.pool import Pool

__all__ = ["score", "sharpness"]


@torch.no_grad()
def score(
    model: AcousticModel, pool: Pool, num_batches: int, batch_frames: int, prompt_frames: int
) -> dict[str, float]:
    """Means over batches: frames a phoneme, Hz where both are voiced, mel error (mean absolute, in natural-log units;
    with `_rms`, root mean square) and `detail_`: the fine structure of the mels, as large as the real ones' at 1."""
    sums: dict[str, float] = {}
    for _ in range(num_batches):
        batch = pool.batch(batch_frames)
        reading = read_batch(model, batch, pool.prompts(batch.speaker, prompt_frames))
        scale = model.mel_std.mean().item() * 2  # latent -> log-mel
        mask = reading.track.mask
        args = (reading.condition, reading.voice, mask)
        mels = {"coarse": reading.coarse}
        for steps in (1, 2):
            mels[f"{steps}_step"] = model.with_details(sample(model.mel_net, *args, steps), reading.coarse)
        log_durations, _ = model.durations(reading.text, reading.text_mask, reading.voice)
        frames = torch.expm1(log_durations[..., 0]).round().clamp(min=1)
        pitch, _ = model.pitch(reading.track.features, reading.track.mask, reading.voice)
        f0 = decode_pitch(torch.stack([pitch[..., 0], pitch[..., 1].sigmoid()], dim=-1))
        both = ((f0 > 0) & (batch.f0_hz > 40)).float() * reading.track.mask[..., 0]
        values = {}
        for name, mel in mels.items():
            values[f"mel_{name}"] = masked_mean((mel - reading.latent).abs(), mask) * scale
            values[f"mel_rms_{name}"] = masked_mean((mel - reading.latent) ** 2, mask).sqrt() * scale
            values[f"detail_{name}"] = sharpness(mel, mask) / sharpness(reading.latent, mask)
        values["duration_frames"] = masked_mean((frames - batch.durations).abs()[..., None], reading.text_mask)
        values["f0_hz"] = ((f0 - batch.f0_hz).abs() * both).sum() / both.sum().clamp(min=1)
        values["voicing_share_wrong"] = masked_mean(
            ((f0 > 0) != (batch.f0_hz > 40)).float()[..., None], reading.track.mask
        )
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value.item() / num_batches
    return sums


def sharpness(mel: Tensor, mask: Tensor) -> Tensor:
    """The root mean square of what a mel [B, F, NUM_MELS] has beyond its mean over 5 frames and 5 bins."""
    smooth = F.avg_pool2d((mel * mask)[:, None], 5, 1, padding=2, count_include_pad=False)[:, 0]
    return masked_mean((mel - smooth) ** 2, mask).sqrt()
