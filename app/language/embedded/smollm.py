"""SmolLM2 (a Llama decoder) as a readable module: embeddings in, final hidden states out.

This is the model's definition: training runs it (under autocast and torch.compile), and the tests compare the faster
inference path in `app.language.decoding` with it. The caller gives positions and, for packed samples, the mask.
Parameter names are those of Hugging Face's LlamaForCausalLM without the leading "model.".
Adapted from the Llama architecture as published in Hugging Face transformers (Apache-2.0).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["KVCache", "SmolLM", "SmolLMConfig", "apply_rotary", "rotary_tables"]

_METADATA_KEY = "smollm_config"


@dataclass(frozen=True, kw_only=True)
class SmolLMConfig:
    """The shape of the model; the defaults are SmolLM2-135M's."""

    vocab_size: int = 49152
    width: int = 576
    num_layers: int = 30
    num_heads: int = 9
    num_kv_heads: int = 3
    head_dim: int = 64
    hidden_width: int = 1536
    rope_theta: float = 100_000.0
    norm_eps: float = 1e-5
    max_positions: int = 8192

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"num_heads must be a multiple of num_kv_heads={self.num_kv_heads}, got {self.num_heads}")
        if self.head_dim % 2:
            raise ValueError(f"head_dim must be even, got {self.head_dim}")

    def to_metadata(self) -> dict[str, str]:
        """As safetensors metadata."""
        return {_METADATA_KEY: json.dumps(asdict(self))}  # one key: their order in a file is random

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str] | None) -> "SmolLMConfig":
        """From the metadata of a converted file; a file without it is read with the defaults."""
        return cls(**json.loads((metadata or {}).get(_METADATA_KEY, "{}")))


class KVCache(Protocol):
    """Where the keys and values of earlier positions are kept between calls of the model."""

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values [B, H_kv, T, head_dim] of one layer; return all of them, [B, H_kv, S, head_dim]."""


class SmolLM(nn.Module):
    """Embeddings [B, T, D] -> normalised hidden states [B, T, D]; `logits` only where they are asked for."""

    def __init__(self, config: SmolLMConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.width)
        self.layers = nn.ModuleList(_Layer(config, index) for index in range(config.num_layers))
        self.norm = _RMSNorm(config)

    def embed(self, ids: Tensor) -> Tensor:
        """ids: int64 [...] -> [..., D], in the weights' dtype."""
        return self.embed_tokens(ids)

    def forward(
        self, embeddings: Tensor, positions: Tensor, mask: Tensor | None = None, cache: KVCache | None = None
    ) -> Tensor:
        """embeddings: [B, T, D]; positions: int64 [B, T]; mask: bool [B, 1, T, S], True = may attend, every row with
        at least one True; without a mask, plain causal order (S - T earlier tokens are visible to all).
        """
        rotary = rotary_tables(positions, self.config)
        hidden = embeddings
        for layer in self.layers:
            hidden = layer(hidden, rotary, mask, cache)
        return self.norm(hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden: [..., D], the states at the positions that are asked for -> [..., V]."""
        return functional.linear(hidden, self.embed_tokens.weight)


class _RMSNorm(nn.Module):
    def __init__(self, config: SmolLMConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.width))
        self.eps = config.norm_eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * scale).to(x.dtype) * self.weight


class _Attention(nn.Module):
    def __init__(self, config: SmolLMConfig, index: int) -> None:
        super().__init__()
        self.index = index
        self.head_dim = config.head_dim
        self.group_size = config.num_heads // config.num_kv_heads
        query_width, key_width = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.width, query_width, bias=False)
        self.k_proj = nn.Linear(config.width, key_width, bias=False)
        self.v_proj = nn.Linear(config.width, key_width, bias=False)
        self.o_proj = nn.Linear(query_width, config.width, bias=False)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor | None, cache: KVCache | None) -> Tensor:
        queries = apply_rotary(self._split_heads(self.q_proj(x)), rotary)
        keys = apply_rotary(self._split_heads(self.k_proj(x)), rotary)
        values = self._split_heads(self.v_proj(x))
        if cache is not None:
            keys, values = cache.update(self.index, keys, values)
        # Repeated rather than grouped: the fused kernels that accept a mask do not all accept grouped heads.
        keys = keys.repeat_interleave(self.group_size, dim=1)  # [B, H_kv, S, d] -> [B, H, S, d]
        values = values.repeat_interleave(self.group_size, dim=1)
        num_new, num_all = queries.shape[2], keys.shape[2]
        if mask is None and num_new != num_all:
            mask = torch.ones(num_new, num_all, dtype=torch.bool, device=x.device).tril(num_all - num_new)
        attended = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask, is_causal=mask is None
        )
        return self.o_proj(attended.transpose(1, 2).flatten(2))  # [B, H, T, d] -> [B, T, H * d]

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)  # [B, T, H * d] -> [B, H, T, d]


class _SwiGLU(nn.Module):
    def __init__(self, config: SmolLMConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.hidden_width, bias=False)
        self.up_proj = nn.Linear(config.width, config.hidden_width, bias=False)
        self.down_proj = nn.Linear(config.hidden_width, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class _Layer(nn.Module):
    def __init__(self, config: SmolLMConfig, index: int) -> None:
        super().__init__()
        self.input_layernorm = _RMSNorm(config)
        self.self_attn = _Attention(config, index)
        self.post_attention_layernorm = _RMSNorm(config)
        self.mlp = _SwiGLU(config)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor | None, cache: KVCache | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotary, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


def rotary_tables(positions: Tensor, config: SmolLMConfig) -> tuple[Tensor, Tensor]:
    """positions: int64 [B, T] -> cosine and sine, each float32 [B, 1, T, head_dim], for `apply_rotary`."""
    exponents = torch.arange(0, config.head_dim, 2, device=positions.device, dtype=torch.float32) / config.head_dim
    angles = positions[:, None, :, None].float() * config.rope_theta**-exponents  # [B, 1, T, head_dim / 2]
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def apply_rotary(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate each head of x [B, H, T, head_dim] by its position; computed in float32, returned in x's dtype."""
    cosine, sine = rotary
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return (x * cosine + turned * sine).to(x.dtype)
