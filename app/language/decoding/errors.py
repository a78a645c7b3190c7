"""The errors of the decoding engine, as a tree.

DecodingError
└── PromptTooLongError   (also a ValueError) the prompt does not fit in the KV cache
"""

__all__ = ["DecodingError", "PromptTooLongError"]


class DecodingError(Exception):
    """The engine cannot do what was asked."""


class PromptTooLongError(DecodingError, ValueError):
    """The prompt does not fit in the KV cache."""

    def __init__(self, num_tokens: int, max_tokens: int) -> None:
        super().__init__(
            f"the prompt has {num_tokens} tokens, there is room for {max_tokens}; shorten the question or the history"
        )
        self.num_tokens = num_tokens
        self.max_tokens = max_tokens
