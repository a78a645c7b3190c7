"""Losses: spectrograms at several resolutions, pseudo-Huber distances, and the steps of consistency training.

Sources: consistency training as in FlashSpeech (arXiv 2404.14700, section 3.3) and "Improved Techniques for Training
Consistency Models" (arXiv 2310.14189); spectral losses as in Parallel WaveGAN (arXiv 1910.11480).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from app.speech.mel import log_mel
from app.speech.network import SIGMA_DATA, SIGMA_MAX, SIGMA_MIN, ConsistencyNet

__all__ = ["consistency_loss", "denoising_loss", "frame_distance", "masked_mean", "num_levels", "spectral_loss"]

_HUBER = 0.003  # well under the step between neighbouring levels, so that small ones count (docs/SPEECH.md)
_RHO = 7.0
_LEVEL_MEAN, _LEVEL_STD = -1.1, 2.0  # of ln(sigma), at which steps are drawn
_RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of values [B, T, D] where mask [B, T, 1] is 1."""
    return (values * mask).sum() / (mask.sum() * values.shape[2]).clamp(min=1.0)


def frame_distance(a: Tensor, b: Tensor) -> Tensor:
    """Pseudo-Huber of each frame, over the root mean square of its channels: [B, T, D] -> [B, T, 1]."""
    squared = ((a - b) ** 2).mean(dim=2, keepdim=True)
    return (squared + _HUBER**2).sqrt() - _HUBER


def denoising_loss(
    net: ConsistencyNet, clean: Tensor, condition: Tensor, voice: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """A warm start: predict the clean sample from any level, straight. -> (loss, the prediction)."""
    sigma = torch.exp(torch.randn(len(clean), device=clean.device) * _LEVEL_STD + _LEVEL_MEAN)
    sigma = torch.where(torch.rand_like(sigma) < 0.2, torch.full_like(sigma, SIGMA_MAX), sigma.clamp(0.01, SIGMA_MAX))
    noisy = clean + sigma[:, None, None] * torch.randn_like(clean)
    predicted = net(noisy, sigma, condition, voice, mask)
    c_out = SIGMA_DATA * (sigma - SIGMA_MIN) / (sigma**2 + SIGMA_DATA**2).sqrt()
    return masked_mean(frame_distance(predicted, clean) / c_out[:, None, None], mask), predicted


def num_levels(progress: float, first: int, last: int) -> int:
    """N(k): doubles from `first` to `last` in equal stretches of the stage; progress in 0..1."""
    doublings = math.floor(progress * (math.log2(last / first) + 1))
    return min(first * 2**doublings, last) + 1


def consistency_loss(
    net: ConsistencyNet,
    clean: Tensor,
    condition: Tensor,
    voice: Tensor,
    mask: Tensor,
    levels: int,
    jump_share: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Two neighbouring noise levels of one noise must give one answer. -> (loss, the answer from the noisier).

    For `jump_share` of the rows the two are the last level and the first, where the answer is the clean sample: right
    where the condition leaves little open, and the shortest way to a first step that is good.
    """
    steps = torch.arange(levels, device=clean.device) / (levels - 1)
    sigmas = (SIGMA_MIN ** (1 / _RHO) + steps * (SIGMA_MAX ** (1 / _RHO) - SIGMA_MIN ** (1 / _RHO))) ** _RHO
    scaled = (sigmas.log() - _LEVEL_MEAN) / (math.sqrt(2) * _LEVEL_STD)
    chances = torch.erf(scaled[1:]) - torch.erf(scaled[:-1])
    index = torch.multinomial(chances, len(clean), replacement=True)
    low, high = sigmas[index], sigmas[index + 1]
    span = high - low
    is_jump = torch.rand_like(low) < jump_share
    low, high = low.masked_fill(is_jump, SIGMA_MIN), high.masked_fill(is_jump, SIGMA_MAX)
    span = span.masked_fill(is_jump, SIGMA_DATA)  # as the plain denoising loss weighs the last level
    noise = torch.randn_like(clean)
    with torch.no_grad():
        target = net(clean + low[:, None, None] * noise, low, condition, voice, mask)
    predicted = net(clean + high[:, None, None] * noise, high, condition, voice, mask)
    return masked_mean(frame_distance(predicted, target) / span[:, None, None], mask), predicted


def spectral_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Audio [B, S] each: log magnitude and spectral convergence at three resolutions, and log-mel, twice."""
    loss = 2 * F.l1_loss(log_mel(predicted), log_mel(target))
    for size, hop in _RESOLUTIONS:
        window = torch.hann_window(size, device=target.device)
        magnitudes = [
            torch.stft(audio, size, hop, window=window, return_complex=True).abs().clamp(min=1e-5)
            for audio in (predicted, target)
        ]
        loss = loss + F.l1_loss(magnitudes[0].log(), magnitudes[1].log())
        loss = loss + (magnitudes[0] - magnitudes[1]).norm() / magnitudes[1].norm().clamp(min=1e-3)
    return loss
