"""Layers for speaking: one utterance, frozen weights, no masks; the definition is `app.speech.network`.

In: layers of the networks, once, and sequences [1, T, D] float32. Out: the same sequences. Any thread.
  float32  runs everywhere.
  int8     weights per channel, activations per call: a third of the time where the processor multiplies 8-bit numbers
           without saturation (AVX-512 VNNI), by PyTorch's FBGEMM.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from app.speech.network import ConvBlock, SharedAttention

__all__ = ["Attention", "Block", "Convolution", "Precision", "Product", "Style", "best_precision"]

Precision = Literal["int8", "float32"]
Style = tuple[Tensor, Tensor]  # scale and shift of a block's norm, [D] each
_STEP = 64  # frames; lengths are rounded up to it, since oneDNN keeps a plan for every length that it has seen


def best_precision() -> Precision:
    """The fastest precision that keeps the sound on this processor."""
    # PyTorch has no public question for this; without VNNI, FBGEMM's 8-bit sums saturate.
    has_vnni = torch.backends.cpu.get_cpu_capability().startswith("AVX512") and torch.cpu._is_vnni_supported()
    return "int8" if has_vnni and "fbgemm" in torch.backends.quantized.supported_engines else "float32"


class Product:
    """x [1, T, in] -> x weight^T + bias, [1, T, out] float32. `gain` [out] scales what comes out."""

    def __init__(self, weight: Tensor, bias: Tensor | None, precision: Precision, gain: Tensor | None = None) -> None:
        weight, bias = weight.detach(), None if bias is None else bias.detach()
        if gain is not None:
            weight, bias = weight * gain[:, None], None if bias is None else bias * gain
        self._weight, self._bias = weight.contiguous(), bias
        self._packed = _packed(self._weight, bias) if precision == "int8" else None
        if self._packed is not None:
            self._weight = self._weight[:0]

    @classmethod
    def of(cls, linear: nn.Linear, precision: Precision) -> "Product":
        return cls(linear.weight, linear.bias, precision)

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed is None:
            return F.linear(x, self._weight, self._bias)
        product: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, False)
        return product


def _packed(weight: Tensor, bias: Tensor | None) -> Any:
    """8 bits per output channel, symmetric, in FBGEMM's layout."""
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-8).double()
    quantised = torch.quantize_per_channel(weight, scales, torch.zeros(len(weight), dtype=torch.long), 0, torch.qint8)
    engine = torch.backends.quantized.engine
    try:
        torch.backends.quantized.engine = "fbgemm"
        return torch.ops.quantized.linear_prepack(quantised, bias)
    finally:
        torch.backends.quantized.engine = engine


class Convolution:
    """A Conv1d over [1, T, in]; what lies beyond the ends is 0."""

    def __init__(self, conv: nn.Conv1d) -> None:
        # Channels lie side by side in memory, as in x: the convolution runs without a transposed copy.
        kernel = conv.weight.detach()[:, :, None, :]
        self._kernel, self._bias = kernel.contiguous(memory_format=torch.channels_last), conv.bias
        self._dilation, self._groups = int(conv.dilation[0]), conv.groups
        self.reach = int(conv.padding[0])  # frames on either side that a frame depends on

    def __call__(self, x: Tensor, before: int = 0, after: int = 0) -> Tensor:
        """x: [1, before + T + after, in] -> [1, T, out]; the frames before and after are only looked at."""
        num_frames = x.shape[1] - before - after
        padded = F.pad(x, (0, 0, self.reach - before, self.reach - after + -num_frames % _STEP))
        y = F.conv2d(
            padded.transpose(1, 2)[:, :, None],
            self._kernel,
            self._bias,
            dilation=(1, self._dilation),
            groups=self._groups,
        )
        return y[:, :, 0].transpose(1, 2)[:, :num_frames]


class Block:
    """A ConvBlock. Its norm's modulation is worked out once for a voice: see `style`."""

    def __init__(self, block: ConvBlock, precision: Precision) -> None:
        self._convolution = Convolution(block.dw)
        self.reach = self._convolution.reach
        self._film, self._eps = block.film, block.norm.eps
        self._norm = (block.norm.weight, block.norm.bias)
        self._rise = Product.of(block.pw1, precision)
        self._fall = Product(block.pw2.weight, block.pw2.bias, precision, gain=block.gamma.detach())

    def style(self, condition: Tensor) -> Style:
        """condition: [1, C] -> the norm's scale and shift under it."""
        assert self._film is not None
        scale, shift = self._film(condition)[0].chunk(2)
        weight, bias = self._norm
        return weight * (1 + scale), bias * (1 + scale) + shift

    def __call__(self, x: Tensor, style: Style | None = None, before: int = 0, after: int = 0) -> Tensor:
        """x: [1, before + T + after, D] -> [1, T, D]; the frames before and after are only looked at."""
        scale, shift = style or self._norm
        y = F.layer_norm(self._convolution(x, before, after), scale.shape, scale, shift, self._eps)
        return x[:, before : x.shape[1] - after] + self._fall(F.gelu(self._rise(y)))


class Attention:
    """A SharedAttention."""

    def __init__(self, attention: SharedAttention, precision: Precision) -> None:
        self._plain = attention
        self._qkv, self._out = Product.of(attention.qkv, precision), Product.of(attention.out, precision)
        self._rise = Product.of(attention.linear1, precision)
        self._fall = Product.of(attention.linear2, precision)

    def __call__(self, x: Tensor) -> Tensor:
        plain = self._plain
        batch, length, width = x.shape
        for _ in range(plain.num_rounds):
            parts = self._qkv(plain.norm1(x)).view(batch, length, 3, plain.num_heads, width // plain.num_heads)
            q, k, v = parts.permute(2, 0, 3, 1, 4)  # each [1, H, T, D / H]
            heads = F.scaled_dot_product_attention(q, k, v)
            x = x + self._out(heads.transpose(1, 2).reshape(batch, length, width))
            x = x + self._fall(F.gelu(self._rise(plain.norm2(x))))
        return x
