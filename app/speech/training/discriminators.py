"""Discriminators, for training alone: of waveforms (periods, spectrograms), of mels, and of frozen speech features.

Sources: HiFi-GAN (arXiv 2010.05646) for periods, UnivNet (arXiv 2106.07889) for spectrograms, FlashSpeech
(arXiv 2404.14700, section 3.4) for the projection on frozen features; least-squares objective throughout.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

__all__ = [
    "AudioDiscriminator",
    "FeatureDiscriminator",
    "MelDiscriminator",
    "Scores",
    "discriminator_loss",
    "feature_distance",
    "generator_loss",
]

Scores = list[list[Tensor]]  # for each part: its hidden maps, the last one its verdict
_PERIODS = (2, 3, 5, 7, 11)
_RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))


class _Stack(nn.Module):
    """2-D convolutions; gives all maps."""

    def __init__(self, sizes: Sequence[tuple[int, int, tuple[int, int], tuple[int, int]]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                weight_norm(nn.Conv2d(into, out, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2)))
                for into, out, kernel, stride in sizes
            ]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i < len(self.layers) - 1:
                x = F.leaky_relu(x, 0.1)
            maps.append(x)
        return maps


def _spectrogram_stack(width: int, channels: int = 1) -> _Stack:
    inner = [(channels, width, (3, 9), (1, 1)), (width, width, (3, 9), (1, 2)), (width, width, (3, 9), (1, 2))]
    return _Stack([*inner, (width, width, (3, 3), (1, 1)), (width, 1, (3, 3), (1, 1))])


class AudioDiscriminator(nn.Module):
    """Audio [B, S] seen at five periods and as three spectrograms."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w = width
        sizes = [(1, w, (5, 1), (3, 1)), (w, 2 * w, (5, 1), (3, 1)), (2 * w, 4 * w, (5, 1), (3, 1))]
        sizes += [(4 * w, 4 * w, (5, 1), (1, 1)), (4 * w, 1, (3, 1), (1, 1))]
        self.periods = nn.ModuleList([_Stack(sizes) for _ in _PERIODS])
        self.spectrograms = nn.ModuleList([_spectrogram_stack(width) for _ in _RESOLUTIONS])

    def forward(self, audio: Tensor) -> Scores:
        scores = []
        for period, stack in zip(_PERIODS, self.periods, strict=True):
            whole = audio[:, : audio.shape[1] // period * period]
            scores.append(stack(whole.view(len(audio), 1, -1, period)))
        for (size, hop), stack in zip(_RESOLUTIONS, self.spectrograms, strict=True):
            window = torch.hann_window(size, device=audio.device)
            with torch.autocast(audio.device.type, enabled=False):
                magnitude = torch.stft(audio.float(), size, hop, window=window, return_complex=True).abs()
            scores.append(stack(torch.log(magnitude.clamp(min=1e-5)).transpose(1, 2)[:, None]))
        return scores


class MelDiscriminator(nn.Module):
    """D(x | coarse): latents [B, F, NUM_MELS] beside the coarse ones that they are to refine; fine and at half size."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stacks = nn.ModuleList([_spectrogram_stack(width, 2) for _ in range(2)])

    def forward(self, latent: Tensor, coarse: Tensor) -> Scores:
        both = torch.stack([latent - coarse, coarse], dim=1)  # [B, 2, F, NUM_MELS]
        return [self.stacks[0](both), self.stacks[1](F.avg_pool2d(both, 2))]


class FeatureDiscriminator(nn.Module):
    """D(x | prompt): features [B, T, D] of frozen layers, times the time average of the prompt's features."""

    def __init__(self, feature_width: int, width: int = 256) -> None:
        super().__init__()
        sizes = [(feature_width, width, 1), (width, width, 5), (width, width, 5), (width, 1, 3)]
        self.layers = nn.ModuleList([weight_norm(nn.Conv1d(a, b, k, padding=k // 2)) for a, b, k in sizes])

    def forward(self, features: Tensor, prompt: Tensor) -> Scores:
        x = features * F.normalize(prompt.mean(dim=1, keepdim=True), dim=-1) * prompt.shape[2] ** 0.5
        x = x.transpose(1, 2)
        maps = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i < len(self.layers) - 1:
                x = F.leaky_relu(x, 0.2)
            maps.append(x)
        return [maps]


def discriminator_loss(real: Scores, fake: Scores) -> Tensor:
    """Real towards 1, fake towards 0; the mean over the parts."""
    parts = [((1 - r[-1]) ** 2).mean() + (f[-1] ** 2).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(parts).mean()


def generator_loss(fake: Scores) -> Tensor:
    """Fake towards 1."""
    return torch.stack([((1 - f[-1]) ** 2).mean() for f in fake]).mean()


def feature_distance(real: Scores, fake: Scores) -> Tensor:
    """Mean absolute difference of the hidden maps."""
    parts = [F.l1_loss(f, r.detach()) for rs, fs in zip(real, fake, strict=True) for r, f in zip(rs, fs, strict=True)]
    return torch.stack(parts).mean()
