"""Masks and positions for several question segments that share one prefix in one packed sample.

In: `segments`, int64 [B, T]: 0 marks the shared prefix (first in the row), k >= 1 the tokens of question k, -1 padding.
Out: what `SmolLM.forward` takes, so that every question sees the prefix and itself, as if it had been alone.
"""

import torch
from torch import Tensor

__all__ = ["packed_mask", "packed_positions"]


def packed_mask(segments: Tensor) -> Tensor:
    """segments: int64 [B, T] -> bool [B, 1, T, T]. Padding sees itself alone, so that no row is empty."""
    num_tokens = segments.shape[1]
    rows, columns = segments[:, :, None], segments[:, None, :]
    causal = torch.ones(num_tokens, num_tokens, dtype=torch.bool, device=segments.device).tril()
    visible = causal & ((columns == 0) | (columns == rows)) & (rows >= 0)
    visible |= torch.eye(num_tokens, dtype=torch.bool, device=segments.device)
    return visible[:, None]


def packed_positions(segments: Tensor) -> Tensor:
    """segments: int64 [B, T] -> int64 [B, T]: each question counts on from the end of the prefix; padding is 0."""
    index = torch.arange(segments.shape[1], device=segments.device).expand_as(segments)
    prefix_length = (segments == 0).sum(dim=1, keepdim=True)
    is_first = torch.ones_like(segments, dtype=torch.bool)
    is_first[:, 1:] = segments[:, 1:] != segments[:, :-1]
    segment_start = torch.where(is_first, index, 0).cummax(dim=1).values
    positions = torch.where(segments > 0, prefix_length + index - segment_start, index)
    return torch.where(segments >= 0, positions, 0)
