"""The fast inference path of a Llama-shaped model: one sequence, fused weights, a static KV cache.

In: a model's shape and weights (its LoRA merged), once; then embeddings [T, D] of new positions. Out: hidden states,
next token ids. The same function as `SmolLM.forward`: q, k and v share a product, gate and up another, the norms'
weights are folded into the products that follow, and the residual stream stays float32. Used by one thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from app.language.decoding.attention import cached_attention
from app.language.decoding.kv_cache import StaticKVCache
from app.language.decoding.linear import Linear, Precision, best_precision, precision_dtype

if TYPE_CHECKING:  # only a shape; the engine knows no model
    from app.language.embedded.smollm import SmolLMConfig

__all__ = ["FusedDecoder"]

_NUM_RESCORED = 8


@dataclass(frozen=True)
class _FusedLayer:
    qkv: Linear
    output: Linear
    gate_up: Linear
    down: Linear


class FusedDecoder:
    """A frozen copy of a model's weights, arranged for speed; the model itself may be dropped afterwards.

    `weights` are named as in `SmolLM.state_dict()` and lie on one device.
    """

    def __init__(
        self, config: "SmolLMConfig", weights: Mapping[str, Tensor], precision: Precision | None = None
    ) -> None:
        self.config = config
        self._table = weights["embed_tokens.weight"].detach()
        self.device = self._table.device
        self.precision: Precision = precision or best_precision(self.device)
        self._dtype = precision_dtype(self.precision)
        with torch.inference_mode():
            self._layers = [self._fuse(weights, f"layers.{index}.") for index in range(config.num_layers)]
            self._norm_weight = weights["norm.weight"].detach().float()
            self._head = Linear(self._table, self.precision)
            self._rotary = _rotary_table(config.max_positions, config.head_dim, config.rope_theta, self.device)

    def new_cache(self, max_tokens: int) -> StaticKVCache:
        """An empty cache that fits this model."""
        config = self.config
        return StaticKVCache(
            num_layers=config.num_layers, num_kv_heads=config.num_kv_heads, head_dim=config.head_dim,
            max_tokens=max_tokens, dtype=self._dtype, device=self.device,
        )  # fmt: skip

    def embed(self, ids: Tensor) -> Tensor:
        """ids: int64 [T] -> float32 [T, D]."""
        return functional.embedding(ids, self._table).float()

    def forward(self, embeddings: Tensor, cache: StaticKVCache) -> Tensor:
        """embeddings: [T, D] of the positions that follow `cache.length` -> normalised hidden states, float32 [T, D].

        Afterwards the cache holds these positions too.
        """
        num_new, start = embeddings.shape[0], cache.length
        rotary = self._rotary[start : start + num_new, None]  # [T, 1, head_dim / 2], complex
        hidden = embeddings.float().clone()
        for index, layer in enumerate(self._layers):
            hidden += self._attend(layer, index, _normalise(hidden, self.config.norm_eps), rotary, cache)
            gate, up = layer.gate_up(_normalise(hidden, self.config.norm_eps)).chunk(2, dim=-1)
            hidden += layer.down(functional.silu(gate) * up)
        cache.commit(num_new)
        return _normalise(hidden, self.config.norm_eps) * self._norm_weight

    def best_of(self, hidden: Tensor, ids: Sequence[int]) -> int:
        """hidden: float32 [D] -> the likeliest of `ids`, scored in float32; a tie goes to the first."""
        choices = torch.tensor(ids, device=self.device)
        scores = functional.embedding(choices, self._table).float() @ hidden
        return int(choices[scores.argmax()])  # sync: the decode loop goes on from its value

    def next_ids(self, hidden: Tensor) -> Tensor:
        """hidden: float32 [T, D] -> the likeliest next token at each position, int64 [T].

        The best few by the fast product are scored again in float32, so that low precision does not decide near-ties.
        """
        candidates = self._head(hidden).topk(min(_NUM_RESCORED, self.config.vocab_size), dim=-1).indices  # [T, K]
        candidates = candidates.sort(dim=-1).values  # a tie goes to the lowest id
        scores = torch.einsum("td,tkd->tk", hidden, functional.embedding(candidates, self._table).float())
        return candidates.gather(1, scores.argmax(dim=-1, keepdim=True)).squeeze(1)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden: float32 [T, D] -> scores of the whole vocabulary, float32 [T, V], not rescored."""
        return self._head(hidden).float()

    def _fuse(self, weights: Mapping[str, Tensor], prefix: str) -> _FusedLayer:
        def weight(name: str) -> Tensor:
            return weights[f"{prefix}{name}.weight"].detach().float()

        queries = _interleave(weight("self_attn.q_proj"), self.config.head_dim)
        keys = _interleave(weight("self_attn.k_proj"), self.config.head_dim)
        qkv = torch.cat((queries, keys, weight("self_attn.v_proj"))) * weight("input_layernorm")
        gate_up = torch.cat((weight("mlp.gate_proj"), weight("mlp.up_proj"))) * weight("post_attention_layernorm")
        return _FusedLayer(
            qkv=Linear(qkv, self.precision),
            output=Linear(weight("self_attn.o_proj"), self.precision),
            gate_up=Linear(gate_up, self.precision),
            down=Linear(weight("mlp.down_proj"), self.precision),
        )

    def _attend(self, layer: _FusedLayer, index: int, x: Tensor, rotary: Tensor, cache: StaticKVCache) -> Tensor:
        num_heads, num_kv_heads = self.config.num_heads, self.config.num_kv_heads
        heads = layer.qkv(x).unflatten(-1, (-1, self.config.head_dim))  # [T, H + 2 H_kv, d]
        turned = _rotate(heads[:, : num_heads + num_kv_heads], rotary).to(self._dtype)
        keys, values = cache.update(
            index,
            turned[:, num_heads:].transpose(0, 1)[None],
            heads[:, num_heads + num_kv_heads :].transpose(0, 1)[None],
        )
        attended = cached_attention(turned[:, :num_heads].transpose(0, 1), keys[0], values[0])  # [H, T, d]
        return layer.output(attended.transpose(0, 1).flatten(1))  # [H, T, d] -> [T, H * d] -> [T, D]


def _interleave(weight: Tensor, head_dim: int) -> Tensor:
    """Bring the two numbers that the rotary embedding turns together side by side: [aaabbb] -> [ababab] in each head.

    Done to queries and keys alike, this leaves their products as they are, and a rotation is one complex product.
    """
    split = weight.unflatten(0, (-1, 2, head_dim // 2))  # [H * d, D] -> [H, 2, d / 2, D]
    return split.transpose(1, 2).flatten(0, 2)


def _rotary_table(num_positions: int, head_dim: int, theta: float, device: torch.device) -> Tensor:
    """complex64 [num_positions, head_dim / 2]: the turn of each pair at each position."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
    angles = torch.arange(num_positions, dtype=torch.float32, device=device)[:, None] * theta**-exponents
    return torch.polar(torch.ones_like(angles), angles)


def _rotate(heads: Tensor, rotary: Tensor) -> Tensor:
    """heads: [T, H, head_dim] interleaved; rotary: complex [T, 1, head_dim / 2] -> float32 [T, H, head_dim]."""
    pairs = torch.view_as_complex(heads.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotary).flatten(-2)


def _normalise(x: Tensor, eps: float) -> Tensor:
    """Each row of x [T, D] divided by its root mean square; float32."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
