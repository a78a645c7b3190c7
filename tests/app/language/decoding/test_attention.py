"""Blocked causal attention equals PyTorch's."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from app.language.decoding.attention import cached_attention


@pytest.mark.parametrize("num_past", [0, 1, 70])
@pytest.mark.parametrize("num_new", [1, 2, 63, 64, 65, 130])
def test_each_new_position_sees_the_past_and_itself(num_new: int, num_past: int) -> None:
    generator = torch.Generator().manual_seed(num_new)
    queries = torch.randn(6, num_new, 8, generator=generator)
    keys, values = (torch.randn(2, num_past + num_new, 8, generator=generator) for _ in range(2))
    mask = torch.ones(num_new, num_past + num_new, dtype=torch.bool).tril(num_past)
    expected = scaled_dot_product_attention(
        queries, keys.repeat_interleave(3, 0), values.repeat_interleave(3, 0), attn_mask=mask
    )
    torch.testing.assert_close(cached_attention(queries, keys, values), expected, atol=1e-5, rtol=1e-5)
