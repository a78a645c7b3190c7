"""FlashSpeech's acoustic model: phonemes and a voice prompt in, a mel spectrogram out, in one or two steps.

Source: "FlashSpeech: Efficient Zero-Shot Speech Synthesis" (arXiv 2404.14700), sections 3.2 to 3.6. What differs from
the paper, and why, is told in docs/SPEECH.md. Any thread; weights are never changed outside training.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.speech.mel import NUM_MELS
from app.speech.network.blocks import ConvBlock, SharedAttention, mask_of
from app.speech.network.consistency import ConsistencyNet

__all__ = [
    "DURATION_SCALE",
    "PITCH_SCALE",
    "AcousticConfig",
    "AcousticModel",
    "FrameTrack",
    "decode_pitch",
    "encode_pitch",
    "expand",
]

_F0_CENTRE = math.log(180.0)  # log Hz; F0 is modelled as an offset from it
DURATION_SCALE, PITCH_SCALE = 3.0, 1.5  # bring the residuals of prosody near the standard deviation sigma_data
_F0_SCALE = 4.0  # so that its standard deviation is about 0.5 to 1


@dataclass(frozen=True, kw_only=True)
class AcousticConfig:
    """Sizes of the model "S"."""

    num_symbols: int = 178
    width: int = 128
    mel_width: int = 192
    num_encoder_blocks: int = 4
    num_prompt_blocks: int = 4
    num_coarse_blocks: int = 3
    num_mel_blocks: int = 7
    is_residual: bool = False  # the mel's consistency model makes what the coarse mel lacks, not the whole mel

    def __post_init__(self) -> None:
        if min(self.num_symbols, self.width, self.mel_width) < 1:
            raise ValueError(f"sizes must be positive, got {self}")


@dataclass(frozen=True)
class FrameTrack:
    """The prosody of an utterance at 80 frames a second: features [B, F, D + 2], pitch [B, F, 2], mask [B, F, 1].

    pitch[..., 0] is log F0 (as `encode_pitch` scales it) and pitch[..., 1] is 1 where voiced.
    """

    features: Tensor
    pitch: Tensor
    mask: Tensor


class AcousticModel(nn.Module):
    """All but the vocoder. Mels are standardised: mean 0, standard deviation 0.5 (sigma_data) per bin.

    So is what the mel's consistency model makes: the mel itself, or with `is_residual` what the coarse mel lacks.
    """

    mel_mean: Tensor
    mel_std: Tensor
    default_voice: Tensor
    residual_std: Tensor

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.symbols = nn.Embedding(config.num_symbols, width)
        self.encoder = nn.ModuleList(
            [ConvBlock(width, 2, 5, condition_width=width) for _ in range(config.num_encoder_blocks)]
        )
        self.attention = SharedAttention(width, num_rounds=2)
        self.encoder_norm = nn.LayerNorm(width)
        self.prompt_in = nn.Linear(NUM_MELS, width)
        self.prompt_blocks = nn.ModuleList([ConvBlock(width, 2, 5) for _ in range(config.num_prompt_blocks)])
        self.prompt_weights = nn.Linear(width, 4)  # four pooling heads
        self.prompt_out = nn.Linear(4 * width, width)
        self.null_voice = nn.Parameter(torch.zeros(width))
        self.duration_blocks = nn.ModuleList([ConvBlock(width, 2, 5, condition_width=width) for _ in range(2)])
        self.duration_out = nn.Linear(width, 1)
        self.pitch_in = nn.Linear(width + 2, width)
        self.pitch_blocks = nn.ModuleList(
            [ConvBlock(width, 2, 7, dilation, condition_width=width) for dilation in (1, 2, 4, 8)]
        )
        self.pitch_out = nn.Linear(width, 2)
        self.duration_refiner = ConsistencyNet(1, width, width, width, num_blocks=2)
        self.pitch_refiner = ConsistencyNet(1, width, width, width, num_blocks=2)
        self.coarse_in = nn.Linear(width + 4, config.mel_width)
        self.coarse_blocks = nn.ModuleList(
            [ConvBlock(config.mel_width, condition_width=width) for _ in range(config.num_coarse_blocks)]
        )
        self.coarse_out = nn.Linear(config.mel_width, NUM_MELS)
        self.mel_net = ConsistencyNet(
            NUM_MELS, config.mel_width + NUM_MELS, width, config.mel_width, config.num_mel_blocks, has_attention=True
        )
        self.register_buffer("mel_mean", torch.zeros(NUM_MELS))
        self.register_buffer("mel_std", torch.ones(NUM_MELS))
        self.register_buffer("default_voice", torch.zeros(width))
        self.register_buffer("residual_std", torch.full((NUM_MELS,), 0.1), persistent=config.is_residual)

    def standardise(self, mel: Tensor) -> Tensor:
        """Log-mel [B, F, NUM_MELS] -> the latent that the consistency model works on."""
        return (mel - self.mel_mean) / self.mel_std * 0.5

    def details(self, latent: Tensor, coarse: Tensor) -> Tensor:
        """A standardised mel and the coarse one, [B, F, NUM_MELS] each -> what the consistency model works on."""
        return (latent - coarse) / self.residual_std * 0.5 if self.config.is_residual else latent

    def with_details(self, details: Tensor, coarse: Tensor) -> Tensor:
        """The reverse of `details`."""
        return coarse + details * self.residual_std * 2 if self.config.is_residual else details

    def voice_of(self, latent: Tensor, mask: Tensor) -> Tensor:
        """The prompt encoder: a standardised mel [B, F, NUM_MELS] with its mask -> one vector each, [B, D]."""
        x = self.prompt_in(latent)
        for block in self.prompt_blocks:
            x = block(x, mask)
        weights = self.prompt_weights(x).masked_fill(mask == 0, -1e4).softmax(dim=1)  # [B, F, 4]
        pooled = torch.einsum("bfh,bfd->bhd", weights, x).flatten(1)  # [B, 4 * D]
        return self.prompt_out(pooled)

    def encode(self, ids: Tensor, mask: Tensor, voice: Tensor) -> Tensor:
        """Phoneme ids [B, T] -> [B, T, D]."""
        x = self.symbols(ids)
        for block in self.encoder:
            x = block(x, mask, voice)
        return self.encoder_norm(self.attention(x, mask))

    def durations(self, text: Tensor, mask: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """The regression: (log(1 + frames) [B, T, 1], its hidden state [B, T, D])."""
        x = text
        for block in self.duration_blocks:
            x = block(x, mask, voice)
        return self.duration_out(x), x

    def pitch(self, features: Tensor, mask: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """The regression: (log F0 and the logit of voicing [B, F, 2], its hidden state [B, F, D])."""
        x = self.pitch_in(features)
        for block in self.pitch_blocks:
            x = block(x, mask, voice)
        return self.pitch_out(x), x

    def coarse(self, track: FrameTrack, voice: Tensor) -> tuple[Tensor, Tensor]:
        """(coarse latent [B, F, NUM_MELS], the condition of the consistency model [B, F, mel_width + NUM_MELS])."""
        x = self.coarse_in(torch.cat([track.features, track.pitch], dim=-1))
        for block in self.coarse_blocks:
            x = block(x, track.mask, voice)
        coarse = self.coarse_out(x)
        return coarse, torch.cat([x, coarse.detach()], dim=-1)


def encode_pitch(f0_hz: Tensor) -> Tensor:
    """F0 in Hz [B, F] (below 40: unvoiced) -> [B, F, 2]: scaled log F0 (0 where unvoiced) and voicing."""
    voiced = (f0_hz > 40.0).float()
    scaled = (torch.log(f0_hz.clamp(min=40.0)) - _F0_CENTRE) * _F0_SCALE
    return torch.stack([scaled * voiced, voiced], dim=-1)


def decode_pitch(pitch: Tensor) -> Tensor:
    """The reverse of `encode_pitch`: [B, F, 2] -> Hz [B, F], 0 where unvoiced."""
    return torch.exp(pitch[..., 0] / _F0_SCALE + _F0_CENTRE) * (pitch[..., 1] > 0.5)


def expand(text: Tensor, durations: Tensor, num_frames: int) -> tuple[Tensor, Tensor]:
    """Repeats phoneme features for their frames: text [B, T, D], durations [B, T] int -> ([B, F, D + 2], mask).

    Two channels are added: the place within the phoneme (0 to 1) and the phoneme's log duration.
    """
    ends = durations.cumsum(dim=1)  # [B, T]
    times = torch.arange(num_frames, device=text.device)[None].expand(len(text), -1).contiguous()
    index = torch.searchsorted(ends, times, right=True).clamp(max=text.shape[1] - 1)  # [B, F]
    frames = text.gather(1, index[:, :, None].expand(-1, -1, text.shape[2]))
    length = durations.gather(1, index).clamp(min=1).float()
    start = ends.gather(1, index).float() - length
    place = ((times + 0.5 - start) / length).clamp(0, 1)
    mask = mask_of(ends[:, -1], num_frames)
    return torch.cat([frames, torch.stack([place, length.log()], dim=-1)], dim=-1), mask
