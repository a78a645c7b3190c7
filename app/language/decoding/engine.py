"""The decoding engine: one sequence, prefilled, extended and decoded greedily, reusing what is already in the KV cache.

In: prompt embeddings [T, D]. Out: token ids, one at a time. The answer thread alone owns an `Engine`.
The engine remembers the embeddings behind every cached position. A prompt that begins like the last one (the same
memory, another question) is recognised by content, and only what differs is computed.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from app.language.decoding.errors import DecodingError, PromptTooLongError
from app.language.decoding.fused import FusedDecoder

__all__ = ["Engine", "EngineConfig", "Grammar", "PrefillReport"]


def _never() -> bool:
    return False


class Grammar(Protocol):
    """Which tokens may come next; told of each one that came."""

    def allowed(self) -> Sequence[int]: ...

    def accept(self, token_id: int) -> None: ...


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Room for one prompt and its answer."""

    max_tokens: int = 1536
    chunk_tokens: int = 512  # a long prompt is computed in pieces; a cancel is seen between them

    def __post_init__(self) -> None:
        if self.max_tokens < 2:
            raise ValueError(f"max_tokens must be >= 2, got {self.max_tokens}")
        if self.chunk_tokens < 1:
            raise ValueError(f"chunk_tokens must be >= 1, got {self.chunk_tokens}")


@dataclass(frozen=True, kw_only=True)
class PrefillReport:
    """What one prefill did; a cancelled one leaves the engine usable, with the finished part of the prompt cached."""

    num_tokens: int
    num_reused: int
    was_cancelled: bool


class Engine:
    """Prefill, append, decode. After `prefill` or `append`, `decode_greedy` continues from the last position."""

    def __init__(self, decoder: FusedDecoder, config: EngineConfig | None = None) -> None:
        self.config = config or EngineConfig()
        if self.config.max_tokens > decoder.config.max_positions:
            raise ValueError(f"max_tokens must be <= {decoder.config.max_positions}, got {self.config.max_tokens}")
        self._decoder = decoder
        self._cache = decoder.new_cache(self.config.max_tokens)
        self._embeddings = torch.zeros(self.config.max_tokens, decoder.config.width, device=decoder.device)
        self._last_hidden: Tensor | None = (
            None  # [1, D], of the newest position; None when there is nothing to continue
        )

    @property
    def num_tokens(self) -> int:
        """Positions in the KV cache."""
        return self._cache.length

    def embed(self, ids: list[int]) -> Tensor:
        """Token ids -> float32 [T, D]."""
        return self._decoder.embed(torch.tensor(ids, dtype=torch.int64, device=self._decoder.device))

    def warm_up(self) -> None:
        """Run every product once, so that the first question does not pay for it; forgets the sequence."""
        self.reset()
        self.prefill(torch.zeros(min(64, self.config.max_tokens - 1), self._decoder.config.width))
        for _ in self.decode_greedy((), 2):
            pass
        self.reset()

    def reset(self) -> None:
        """Forget the sequence."""
        self._cache.truncate(0)
        self._last_hidden = None

    def prefill(self, embeddings: Tensor, is_cancelled: Callable[[], bool] = _never) -> PrefillReport:
        """embeddings: float [T, D], the whole prompt from position 0; what of its beginning is cached is reused."""
        self._check(embeddings)
        num_tokens = embeddings.shape[0]
        if num_tokens >= self.config.max_tokens:  # one position is kept for the answer
            raise PromptTooLongError(num_tokens, self.config.max_tokens - 1)
        embeddings = embeddings.detach().to(self._decoder.device, torch.float32)
        num_reused = min(
            self._common_length(embeddings), num_tokens - 1
        )  # the last position must give its hidden state
        self._cache.truncate(num_reused)
        is_done = self._advance(embeddings[num_reused:], is_cancelled)
        return PrefillReport(num_tokens=num_tokens, num_reused=num_reused, was_cancelled=not is_done)

    def append(self, embeddings: Tensor, is_cancelled: Callable[[], bool] = _never) -> bool:
        """Continue the sequence with embeddings [T, D]; False when it was cancelled half-way."""
        self._check(embeddings)
        if self.num_tokens + embeddings.shape[0] > self.config.max_tokens:
            raise PromptTooLongError(self.num_tokens + embeddings.shape[0], self.config.max_tokens)
        return self._advance(embeddings.detach().to(self._decoder.device, torch.float32), is_cancelled)

    def decode_greedy(
        self,
        stop_ids: Collection[int],
        max_new_tokens: int,
        is_cancelled: Callable[[], bool] = _never,
        grammar: Grammar | None = None,
    ) -> Iterator[int]:
        """The likeliest continuation (of those the grammar allows), id by id, without the stop id; ends at a stop id, a
        limit, or a cancel."""
        pending: list[int] = []  # said, but not yet in the KV cache
        for _ in range(max_new_tokens):
            if is_cancelled():
                break
            choices = grammar.allowed() if grammar is not None else None
            if choices is not None and len(choices) == 1:  # nothing to decide, so nothing is computed yet
                token_id = choices[0]
            else:
                self._catch_up(pending)
                token_id = self._likeliest(choices)
            if grammar is not None:
                grammar.accept(token_id)
            if token_id in stop_ids:
                break
            yield token_id
            pending.append(token_id)
            if self.num_tokens + len(pending) > self.config.max_tokens:
                return
        if grammar is None:  # a free sequence may be continued by the caller
            self._catch_up(pending)

    def _catch_up(self, pending: list[int]) -> None:
        """Bring what was said into the KV cache, in one pass."""
        if pending:
            self._advance(self.embed(pending), _never)
            pending.clear()

    def _likeliest(self, choices: Sequence[int] | None) -> int:
        """The next token: of all, or of `choices`."""
        if self._last_hidden is None:
            raise DecodingError("there is nothing to continue: prefill a prompt first")
        with torch.inference_mode():
            if choices is None:
                return int(self._decoder.next_ids(self._last_hidden)[0])  # sync: the loop goes on from its value
            return self._decoder.best_of(self._last_hidden[0], choices)

    def _advance(self, embeddings: Tensor, is_cancelled: Callable[[], bool]) -> bool:
        """Compute the positions that follow; True when all of them were."""
        for chunk in embeddings.split(self.config.chunk_tokens):
            self._last_hidden = None
            if is_cancelled():
                return False
            start = self.num_tokens
            with torch.inference_mode():
                hidden = self._decoder.forward(chunk, self._cache)
            self._embeddings[start : self.num_tokens] = chunk
        self._last_hidden = hidden[-1:]
        return True

    def _common_length(self, embeddings: Tensor) -> int:
        """How many leading rows of `embeddings` are those behind the cached positions, bit for bit."""
        num_shared = min(self.num_tokens, embeddings.shape[0])
        differs = (self._embeddings[:num_shared] != embeddings[:num_shared]).any(dim=1)
        return int(differs.int().argmax()) if bool(differs.any()) else num_shared

    def _check(self, embeddings: Tensor) -> None:
        width = self._decoder.config.width
        if embeddings.dim() != 2 or embeddings.shape[1] != width or embeddings.shape[0] < 1:
            raise ValueError(f"expected embeddings [T >= 1, D={width}], got {tuple(embeddings.shape)}")
