"""Log-mel spectrograms: the latent space of FlashSpeech here, and what prompts are read as.

24 kHz, window and FFT of 1,200 samples, hop 300 (80 frames a second), 100 mel bins from 0 to 12 kHz (Slaney's scale).
The hop is the one of FlashSpeech's codec (section 4.1: 80 Hz) and of the teacher's decoder. Any thread.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["FRAMES_PER_S", "HOP", "NUM_MELS", "SAMPLE_RATE", "log_mel", "mel_filters"]

SAMPLE_RATE = 24_000
N_FFT = 1200
HOP = 300
FRAMES_PER_S = SAMPLE_RATE / HOP
NUM_MELS = 100
_FLOOR = 1e-5
_LINEAR_END_HZ = 1000.0  # Slaney: linear below, logarithmic above
_HZ_PER_MEL = 200.0 / 3
_LOG_STEP = 0.06875177742094912  # ln(6.4) / 27


def log_mel(audio: Tensor) -> Tensor:
    """Natural log of mel magnitudes: audio [B, S] float32 in -1..1 -> [B, S // HOP, NUM_MELS]. S must be > 600."""
    window = torch.hann_window(N_FFT, device=audio.device)
    spectrum = torch.stft(audio, N_FFT, HOP, window=window, center=True, return_complex=True).abs()
    mels = _filters(audio.device) @ spectrum[:, :, : audio.shape[1] // HOP]  # [B, NUM_MELS, F]
    return torch.log(mels.clamp(min=_FLOOR)).transpose(1, 2)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # kept for training too, whoever asks first
def _filters(device: torch.device) -> Tensor:
    return mel_filters(NUM_MELS, N_FFT, SAMPLE_RATE, SAMPLE_RATE / 2).to(device)


def mel_filters(num_mels: int, n_fft: int, sample_rate: int, highest_hz: float) -> Tensor:
    """Slaney's triangles of equal area from 0 to highest_hz: [num_mels, n_fft // 2 + 1] float32."""
    linear_end = _LINEAR_END_HZ / _HZ_PER_MEL
    top = linear_end + math.log(highest_hz / _LINEAR_END_HZ) / _LOG_STEP
    mels = torch.linspace(0.0, top, num_mels + 2, dtype=torch.float64)
    upper = _LINEAR_END_HZ * torch.exp(_LOG_STEP * (mels - linear_end))
    edges = torch.where(mels < linear_end, mels * _HZ_PER_MEL, upper)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return (torch.minimum(rising, falling).clamp(min=0) * area[:, None]).float()
