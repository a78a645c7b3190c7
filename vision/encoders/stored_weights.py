"""How the larger networks lie in `assets/models`: int8 rows with a float16 scale each; the rest float16.

In and out: plain dicts of tensors. Pure functions, any thread.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["packed_state", "unpacked_state"]

_SCALE = ".scale"
_LEAST_ROW = 32  # numbers; shorter rows (the filters of one channel) are not worth a scale of their own


def packed_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """float tensors -> what is stored. A row is what makes one output channel."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.dim() < 2 or tensor[0].numel() < _LEAST_ROW:
            stored[name] = tensor.half().contiguous()
            continue
        rows = tensor.float().flatten(1)
        scale = (rows.abs().amax(dim=1) / 127).clamp_min(2.0**-24).half()
        stored[name] = (rows / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8).reshape(tensor.shape)
        stored[name + _SCALE] = scale
    return stored


def unpacked_state(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse, all float32."""
    state = {}
    for name, tensor in stored.items():
        scale = stored.get(name + _SCALE)
        if scale is not None:
            state[name] = (tensor.float().flatten(1) * scale.float()[:, None]).reshape(tensor.shape)
        elif not name.endswith(_SCALE):
            state[name] = tensor.float()
    return state
