"""What every voice looks like to the rest: text in, blocks of audio out, stopped between any two blocks.

Source of the shape: the streaming of spoken answers (docs/SPEECH.md). A speaker belongs to one thread.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["BLOCK_S", "SpeakOptions", "Speaker", "in_blocks", "never"]

BLOCK_S = 0.5


def never() -> bool:
    """The question "is it cancelled?" answered for those who never cancel."""
    return False


@dataclass(frozen=True, kw_only=True)
class SpeakOptions:
    """How to say it. steps: sampling steps of FlashSpeech; alpha: how lively its prosody varies (0 to 1)."""

    speed: float = 1.0
    seed: int = 0
    steps: int = 1
    alpha: float = 0.2

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.0:
            raise ValueError(f"speed must lie within 0.5..2, got {self.speed:g}")
        if self.steps not in (1, 2):
            raise ValueError(f"steps must be 1 or 2, got {self.steps}")
        if not 0.0 <= self.alpha <= 1.0:
            raise ValueError(f"alpha must lie within 0..1, got {self.alpha:g}")


class Speaker(Protocol):
    """A voice, opened and ready."""

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    def synthesise(
        self, text: str, options: SpeakOptions, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        """One sentence or clause -> blocks of at most BLOCK_S seconds, float32 in -1..1.

        Ends early, without an error, once is_cancelled() is true. Raises SpeechTextError when nothing in it sounds.
        """
        ...


def in_blocks(audio: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    """Audio [S] cut into blocks of BLOCK_S."""
    size = round(BLOCK_S * sample_rate)
    for start in range(0, len(audio), size):
        yield audio[start : start + size]
