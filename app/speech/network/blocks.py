"""What all the networks are built of: a convolution block and a self-attention block, both masked.

Sequences are [B, T, D]; masks are float [B, T, 1], 1 for what is real. Padding never reaches what is real.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConvBlock", "SharedAttention", "mask_of"]


def mask_of(lengths: Tensor, longest: int) -> Tensor:
    """lengths: [B] int -> [B, longest, 1] float."""
    return (torch.arange(longest, device=lengths.device)[None] < lengths[:, None]).float()[:, :, None]


class ConvBlock(nn.Module):
    """ConvNeXt in one dimension; with `condition_width` its norm is modulated (FiLM) by a vector."""

    def __init__(
        self, width: int, expansion: int = 3, kernel: int = 7, dilation: int = 1, condition_width: int = 0
    ) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.dw = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-5)
        self.pw1 = nn.Linear(width, expansion * width)
        self.pw2 = nn.Linear(expansion * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 0.1))
        self.film = nn.Linear(condition_width, 2 * width) if condition_width else None

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """x: [B, T, D]; condition: [B, condition_width]."""
        y = self.norm(self.dw((x * mask).transpose(1, 2)).transpose(1, 2))
        if self.film is not None:
            scale, shift = self.film(condition)[:, None].chunk(2, dim=-1)
            y = y * (1 + scale) + shift
        return x + self.gamma * self.pw2(F.gelu(self.pw1(y)))


class SharedAttention(nn.Module):
    """A pre-norm transformer layer, applied `num_rounds` times with the same weights."""

    def __init__(self, width: int, num_heads: int = 2, expansion: int = 2, num_rounds: int = 1) -> None:
        super().__init__()
        self.num_heads, self.num_rounds = num_heads, num_rounds
        self.norm1 = nn.LayerNorm(width, eps=1e-5)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-5)
        self.linear1 = nn.Linear(width, expansion * width)
        self.linear2 = nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        keys = (mask[:, None, :, 0] > 0)[:, None]  # [B, 1, 1, T]
        batch, length, width = x.shape
        for _ in range(self.num_rounds):
            parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.num_heads, width // self.num_heads)
            q, k, v = parts.permute(2, 0, 3, 1, 4)  # each [B, H, T, D / H]
            heads = F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
            x = x + self.out(heads.transpose(1, 2).reshape(batch, length, width))
            x = x + self.linear2(F.gelu(self.linear1(self.norm2(x))))
        return x
