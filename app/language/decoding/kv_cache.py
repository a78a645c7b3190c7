"""The static KV cache of one sequence: allocated once, written in place, rolled back for free.

In: keys and values of new positions, layer by layer. Out: views of all positions so far. Used by one thread.
A position counts only after `commit`, so a pass that was given up leaves nothing behind; `truncate` forgets the newest
positions without touching memory, which prefix reuse needs, and speculative decoding later.
"""

import torch
from torch import Tensor

from app.language.decoding.errors import PromptTooLongError

__all__ = ["StaticKVCache"]


class StaticKVCache:
    """Keys and values [L, 1, H_kv, S, head_dim]; `length` positions of S are valid."""

    def __init__(
        self,
        *,
        num_layers: int,
        num_kv_heads: int,
        head_dim: int,
        max_tokens: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (num_layers, 1, num_kv_heads, max_tokens, head_dim)
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)
        self.max_tokens = max_tokens
        self.length = 0

    @property
    def num_bytes(self) -> int:
        """Memory held, full or not."""
        return 2 * self._keys.numel() * self._keys.element_size()

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values [1, H_kv, T, head_dim] behind the valid ones; return views of all, length + T."""
        end = self.length + keys.shape[2]
        if end > self.max_tokens:
            raise PromptTooLongError(end, self.max_tokens)
        all_keys, all_values = self._keys[layer, :, :, :end], self._values[layer, :, :, :end]
        all_keys[:, :, self.length :] = keys
        all_values[:, :, self.length :] = values
        return all_keys, all_values

    def commit(self, num_tokens: int) -> None:
        """Make the newest `num_tokens` written positions valid."""
        self.length += num_tokens

    def truncate(self, length: int) -> None:
        """Keep the first `length` positions."""
        if not 0 <= length <= self.length:
            raise ValueError(f"length must be between 0 and {self.length}, got {length}")
        self.length = length
