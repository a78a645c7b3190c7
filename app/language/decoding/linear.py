"""Matrix products of the inference path, and the choice of their precision.

In: a weight [out, in], once, and activations [T, in]. Out: products [T, out] in the precision's dtype.
  float32   runs everywhere.
  bfloat16  twice as fast where the processor has instructions for it; elsewhere it would be emulated, slowly.
On a CPU the weights are reordered once into oneDNN's own layout, which halves the time of a bfloat16 decode step.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Linear", "Precision", "best_precision", "precision_dtype"]

Precision = Literal["float32", "bfloat16"]

_DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def best_precision(device: torch.device | str = "cpu") -> Precision:
    """The fastest precision that this device computes in hardware."""
    device = torch.device(device)
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return "float32"
    # PyTorch has no public question for this; bfloat16 that is merely emulated is slower than float32.
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if has_bfloat16 else "float32"


def precision_dtype(precision: Precision) -> torch.dtype:
    """The dtype of weights, products and KV cache in this precision."""
    if precision not in _DTYPES:
        raise ValueError(f"precision must be one of {sorted(_DTYPES)}, got {precision!r}")
    return _DTYPES[precision]


class Linear:
    """x: float [T, in] -> x weight^T, [T, out], in the precision's dtype. A frozen copy of the weight."""

    def __init__(self, weight: Tensor, precision: Precision) -> None:
        self._dtype = precision_dtype(precision)
        plain = weight.detach().to(self._dtype).contiguous()
        self._reordered = _reorder(plain) if plain.device.type == "cpu" else None
        self._plain = plain if self._reordered is None else None

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self._dtype)
        if self._reordered is not None:
            product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._reordered, None, "none", [], "")
            return product
        assert self._plain is not None
        return functional.linear(x, self._plain)


def _reorder(weight: Tensor) -> Tensor | None:
    """The weight in oneDNN's layout, or None where this build or processor has none (plain products then)."""
    try:
        reordered: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        torch.ops.mkldnn._linear_pointwise(weight[:1], reordered, None, "none", [], "")
    except (AttributeError, RuntimeError):  # operations made for the compiler: not promised by every build of PyTorch
        return None
    return reordered
