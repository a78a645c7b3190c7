"""The vocoder: a mel spectrogram and its F0 in, 24 kHz audio out, by one inverse short-time Fourier transform.

A source-filter head: a pulse train at F0, filtered by a predicted spectrum, plus shaped noise, plus a free-phase part:
S = exp(h) e^{i pi tanh(t)} STFT(pulses(F0)) + exp(n) Z + exp(r) e^{i p}.
Blocks 2 and up, their norm and the head have the shape of the decoder of hibari-tts 0.2.1 (Apache-2.0) and start from
its weights; `into` and the first blocks, which read mels instead of text, are our own. Any thread.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.speech.mel import HOP, N_FFT, NUM_MELS, SAMPLE_RATE
from app.speech.network.blocks import ConvBlock

__all__ = ["MAX_LOG", "Vocoder", "VocoderConfig", "draw_noise", "render", "source_spectrum", "synthesise"]

_BINS = N_FFT // 2 + 1
MAX_LOG = 7.0  # of magnitudes, as in the teacher's own head
_UNVOICED_HZ = 40.0
_HIGHEST_HARMONIC_HZ = 11_000.0


@dataclass(frozen=True, kw_only=True)
class VocoderConfig:
    """Sizes; those of the teacher's decoder by default."""

    width: int = 256
    num_blocks: int = 8
    num_front_blocks: int = 2  # the first blocks, which are not the teacher's

    def __post_init__(self) -> None:
        if not 0 < self.num_front_blocks < self.num_blocks:
            raise ValueError(f"num_front_blocks must lie within 1..{self.num_blocks - 1}, got {self.num_front_blocks}")


class Vocoder(nn.Module):
    """Mels [B, F, NUM_MELS] in standardised form (see AcousticModel.standardise) and F0 in Hz -> audio [B, F * HOP]."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.into = nn.Conv1d(NUM_MELS + 2, config.width, 7, padding=3)
        self.blocks = nn.ModuleList([ConvBlock(config.width) for _ in range(config.num_blocks)])
        self.norm = nn.LayerNorm(config.width, eps=1e-5)
        self.head = nn.Linear(config.width, 5 * _BINS)

    def front(self, mel: Tensor, pitch: Tensor, mask: Tensor) -> Tensor:
        """Mels and encoded pitch [B, F, 2] -> the features that the decoder reads, [B, F, width]."""
        x = self.into((torch.cat([mel, pitch], dim=-1) * mask).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks[: self.config.num_front_blocks]:
            x = block(x, mask)
        return x

    def decode(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features -> the five parts of the spectrum, [B, F, 5 * bins]."""
        x = features
        for block in self.blocks[self.config.num_front_blocks :]:
            x = block(x, mask)
        return self.head(self.norm(x))

    def forward(
        self, mel: Tensor, pitch: Tensor, f0_hz: Tensor, mask: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        parts = self.decode(self.front(mel, pitch, mask), mask)
        return synthesise(parts.float(), f0_hz.float(), generator)


def pulses(f0_hz: Tensor) -> Tensor:
    """A band-limited pulse train, every harmonic at amplitude 1: F0 [B, F] -> [B, F * HOP]; unvoiced is 0."""
    f0 = F.interpolate(f0_hz[:, None], scale_factor=HOP, mode="linear", align_corners=False)[:, 0]
    voiced = f0 > _UNVOICED_HZ
    f0 = f0.clamp(min=_UNVOICED_HZ)
    cycles = torch.cumsum(f0.double() / SAMPLE_RATE, dim=-1) % 1.0
    angle = (cycles * 2 * math.pi).float()
    order = torch.floor(_HIGHEST_HARMONIC_HZ / f0) + 0.5  # sum_{h<=H} cos(h t) = sin((H + 1/2) t) / (2 sin(t/2)) - 1/2
    half = 2 * torch.sin(angle / 2)
    is_limit = half.abs() <= 2e-3
    train = torch.where(is_limit, order, torch.sin(order * angle) / torch.where(is_limit, torch.ones_like(half), half))
    return (train - 0.5) * voiced


def synthesise(parts: Tensor, f0_hz: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Log harmonic, its phase, log noise, log free part and its phase [B, F, 5 * bins] -> audio [B, F * HOP]."""
    return render(parts, source_spectrum(f0_hz), draw_noise(len(parts), parts.shape[1], parts.device, generator))


@torch.no_grad()
def source_spectrum(f0_hz: Tensor) -> Tensor:
    """The spectrum of the pulse train: F0 [B, F] -> complex [B, bins, F], magnitude 1 at each harmonic."""
    window = torch.hann_window(N_FFT, device=f0_hz.device) / (N_FFT / 4)
    spectrum = torch.stft(pulses(f0_hz), N_FFT, HOP, window=window, center=True, return_complex=True)
    return spectrum[:, :, : f0_hz.shape[1]]


def draw_noise(batch: int, num_frames: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
    """Complex Gaussian noise [B, bins, F]."""
    z = torch.randn((2, batch, _BINS, num_frames), generator=generator, device=device)
    return torch.complex(z[0], z[1])


def render(parts: Tensor, source: Tensor, noise: Tensor) -> Tensor:
    """The five parts [B, F, 5 * bins] with source and noise [B, bins, F] -> audio [B, F * HOP]."""
    harmonic, turn, hiss, free, phase = parts.transpose(1, 2).chunk(5, dim=1)  # each [B, bins, F]
    spectrum = source * torch.polar(magnitude(harmonic), math.pi * torch.tanh(turn))
    spectrum = spectrum + torch.polar(magnitude(free), phase) + noise * magnitude(hiss)
    window = torch.hann_window(N_FFT, device=parts.device)
    frames = torch.fft.irfft(spectrum, n=N_FFT, dim=1) * window[:, None]  # [B, N_FFT, F]
    return overlap_add(frames, window)


def magnitude(log: Tensor) -> Tensor:
    """exp, bounded."""
    return torch.exp(log.clamp(max=MAX_LOG))


def overlap_add(frames: Tensor, window: Tensor) -> Tensor:
    """Windowed frames [B, N_FFT, F] -> audio [B, F * HOP], centred, divided by the summed squared window."""
    num_frames = frames.shape[2]
    length = (num_frames - 1) * HOP + N_FFT
    squares = (window**2)[None, :, None].expand(1, -1, num_frames)
    summed = F.fold(torch.cat([frames, squares]), (1, length), (1, N_FFT), stride=(1, HOP))[:, 0, 0]
    audio = summed[:-1] / summed[-1:].clamp(min=1e-11)
    start = N_FFT // 2
    return F.pad(audio, (0, start))[:, start : start + num_frames * HOP]
