"""Causal attention of new positions over a KV cache, on the CPU faster than PyTorch's own for this model's shape.

In: queries [H, T, d], keys and values [H_kv, S, d]; the T new positions are the last of the S. Out: [H, T, d].
Query heads that share a key head become rows of one product, so that no key is repeated; queries go in blocks, each of
which looks only at the keys up to its own end, where a fused kernel with a mask computes the whole square.
"""

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["cached_attention"]

_BLOCK_TOKENS = 64


def cached_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Softmax in float32; the result has the queries' dtype."""
    num_heads, num_new, head_dim = queries.shape
    num_kv_heads, num_all, _ = keys.shape
    if num_new == 1:  # nothing to hide: one fused call
        return _attend_all(queries, keys, values)
    grouped = (queries * head_dim**-0.5).unflatten(0, (num_kv_heads, num_heads // num_kv_heads))  # [H_kv, G, T, d]
    attended = torch.empty_like(grouped)
    for start in range(0, num_new, _BLOCK_TOKENS):
        end = min(start + _BLOCK_TOKENS, num_new)
        num_visible = num_all - num_new + end
        rows = grouped[:, :, start:end].flatten(1, 2)  # [H_kv, G * block, d]
        scores = torch.bmm(rows, keys[:, :num_visible].transpose(1, 2)).float()
        _hide_later(scores.unflatten(1, (-1, end - start)))
        weights = scores.softmax(dim=-1).to(values.dtype)
        block = torch.bmm(weights, values[:, :num_visible])  # [H_kv, G * block, d]
        attended[:, :, start:end] = block.unflatten(1, (-1, end - start))
    return attended.flatten(0, 1)


def _attend_all(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Each query [H, 1, d] sees all keys [H_kv, S, d]."""
    rows = queries.unflatten(0, (keys.shape[0], -1)).flatten(1, 2)[None]  # [H, 1, d] -> [1, H_kv, G, d]
    attended = functional.scaled_dot_product_attention(rows, keys[None], values[None])
    return attended.reshape(queries.shape)


def _hide_later(scores: Tensor) -> None:
    """scores: [H_kv, G, block, S]; the block's own positions are the last of S: hide from each the ones after it."""
    size = scores.shape[2]
    later = torch.ones(size, size, dtype=torch.bool, device=scores.device).triu(1)
    scores[..., -size:].masked_fill_(later, float("-inf"))
