"""Scores on held-out sentences, for the log of a run: errors of durations, F0 and mel, by the teacher's own labels.

Not judgements of quality: those are made by bench/speech_quality.py with scorers that nothing is trained on.
"""

import torch

from app.speech.network import AcousticModel, decode_pitch, sample
from app.speech.training.acoustic_stage import read_batch
from app.speech.training.losses import masked_mean
from app.speech.training.pool import Pool

__all__ = ["score"]


@torch.no_grad()
def score(
    model: AcousticModel, pool: Pool, num_batches: int, batch_frames: int, prompt_frames: int
) -> dict[str, float]:
    """Means over batches: frames a phoneme, Hz where both are voiced, and mel error in natural-log units."""
    sums: dict[str, float] = {}
    for _ in range(num_batches):
        batch = pool.batch(batch_frames)
        reading = read_batch(model, batch, pool.prompts(batch.speaker, prompt_frames))
        scale = model.mel_std.mean().item() * 2  # latent -> log-mel
        args = (reading.condition, reading.voice, reading.track.mask)
        mels = {"mel_coarse": reading.coarse}
        mels |= {f"mel_{steps}_step": sample(model.mel_net, *args, steps) for steps in (1, 2)}
        log_durations, _ = model.durations(reading.text, reading.text_mask, reading.voice)
        frames = torch.expm1(log_durations[..., 0]).round().clamp(min=1)
        pitch, _ = model.pitch(reading.track.features, reading.track.mask, reading.voice)
        f0 = decode_pitch(torch.stack([pitch[..., 0], pitch[..., 1].sigmoid()], dim=-1))
        both = ((f0 > 0) & (batch.f0_hz > 40)).float() * reading.track.mask[..., 0]
        values = {
            name: masked_mean((mel - reading.latent).abs(), reading.track.mask) * scale for name, mel in mels.items()
        }
        values["duration_frames"] = masked_mean((frames - batch.durations).abs()[..., None], reading.text_mask)
        values["f0_hz"] = ((f0 - batch.f0_hz).abs() * both).sum() / both.sum().clamp(min=1)
        values["voicing_share_wrong"] = masked_mean(
            ((f0 > 0) != (batch.f0_hz > 40)).float()[..., None], reading.track.mask
        )
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value.item() / num_batches
    return sums
