"""The decoding engine: static KV cache, prefill with reuse of a common prefix, greedy decoding."""

from app.language.decoding.engine import Engine, EngineConfig, Grammar, PrefillReport
from app.language.decoding.errors import DecodingError, PromptTooLongError
from app.language.decoding.fused import FusedDecoder
from app.language.decoding.kv_cache import StaticKVCache
from app.language.decoding.linear import Precision, best_precision
from app.language.decoding.masks import packed_mask, packed_positions

__all__ = [
    "DecodingError",
    "Engine",
    "EngineConfig",
    "FusedDecoder",
    "Grammar",
    "PrefillReport",
    "Precision",
    "PromptTooLongError",
    "StaticKVCache",
    "best_precision",
    "packed_mask",
    "packed_positions",
]
