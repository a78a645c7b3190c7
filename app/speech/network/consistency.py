"""A consistency model: from any noise level straight to the clean sample, in one step or two.

f(x, s | c) = c_skip(s) x + c_out(s) F(c_in(s) x, ln(s) / 4, c), with f(x, sigma_min) = x.
Source: Song et al. 2023 (arXiv 2303.01469), section 3 and appendix C; FlashSpeech (arXiv 2404.14700), section 3.3.
"""

import torch
from torch import Tensor, nn

from app.speech.network.blocks import ConvBlock, SharedAttention

__all__ = ["SIGMA_BETWEEN", "SIGMA_DATA", "SIGMA_MAX", "SIGMA_MIN", "ConsistencyNet", "sample"]

SIGMA_MIN, SIGMA_MAX, SIGMA_DATA = 0.002, 80.0, 0.5
SIGMA_BETWEEN = 0.6  # the noise level of the second step; FlashSpeech (section 4.1) has 2, see docs/SPEECH.md
_NOISE_WIDTH = 64


class ConsistencyNet(nn.Module):
    """F and f above, over sequences. condition: [B, T, condition_width]; voice: [B, voice_width]."""

    def __init__(
        self,
        channels: int,
        condition_width: int,
        voice_width: int,
        width: int,
        num_blocks: int,
        has_attention: bool = False,
    ) -> None:
        super().__init__()
        self.noise = nn.Sequential(nn.Linear(_NOISE_WIDTH, voice_width), nn.SiLU(), nn.Linear(voice_width, voice_width))
        self.into = nn.Linear(channels + condition_width, width)
        self.blocks = nn.ModuleList([ConvBlock(width, condition_width=voice_width) for _ in range(num_blocks)])
        self.attention = SharedAttention(width, num_heads=3) if has_attention else None
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def style(self, level: Tensor, voice: Tensor) -> Tensor:
        """What modulates the blocks: [B, voice_width]."""
        steps = torch.exp(torch.linspace(0, 6.0, _NOISE_WIDTH // 2, device=voice.device))
        angles = level[:, None] * steps
        return voice + self.noise(torch.cat([angles.sin(), angles.cos()], dim=-1))

    def network(self, x: Tensor, level: Tensor, condition: Tensor, voice: Tensor, mask: Tensor) -> Tensor:
        """F: level is ln(sigma) / 4, [B]."""
        style = self.style(level, voice)
        h = self.into(torch.cat([x, condition], dim=-1))
        for i, block in enumerate(self.blocks):
            h = block(h, mask, style)
            if self.attention is not None and i == len(self.blocks) // 2:
                h = self.attention(h, mask)
        return self.out(self.norm(h))

    def forward(self, x: Tensor, sigma: Tensor, condition: Tensor, voice: Tensor, mask: Tensor) -> Tensor:
        """f: x [B, T, channels] with noise of standard deviation sigma [B] -> the clean sample."""
        s = sigma[:, None, None]
        total = s**2 + SIGMA_DATA**2
        c_skip = SIGMA_DATA**2 / ((s - SIGMA_MIN) ** 2 + SIGMA_DATA**2)
        c_out = SIGMA_DATA * (s - SIGMA_MIN) / total.sqrt()
        inner = self.network(x / total.sqrt(), sigma.log() / 4, condition, voice, mask)
        return (c_skip * x + c_out * inner) * mask


def sample(
    net: ConsistencyNet,
    condition: Tensor,
    voice: Tensor,
    mask: Tensor,
    steps: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One step from pure noise, or two: the first result is noised again to SIGMA_BETWEEN. -> [B, T, channels]."""
    if steps not in (1, 2):
        raise ValueError(f"steps must be 1 or 2, got {steps}")
    shape = (*condition.shape[:2], net.out.out_features)
    x = torch.zeros(shape, device=condition.device)
    for sigma in (SIGMA_MAX, SIGMA_BETWEEN)[:steps]:
        noise = torch.randn(shape, generator=generator, device=condition.device)
        level = torch.full((len(x),), sigma, device=x.device)
        x = net(x + sigma * noise, level, condition, voice, mask)
    return x
