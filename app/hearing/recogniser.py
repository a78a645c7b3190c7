"""What every speech recogniser looks like to the rest. It belongs to one thread.

In: an utterance, float32 [S] in -1..1 at RATE_HZ. Out: Heard, or a HearingError with a sentence.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["MAX_UTTERANCE_S", "RATE_HZ", "Heard", "Recogniser"]

RATE_HZ = 16_000
MAX_UTTERANCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """The words of an utterance."""

    text: str
    speech_s: float  # how much of it was speech
    confidence: float  # mean log probability of a token, at most 0


class Recogniser(Protocol):
    """A recogniser, opened and ready."""

    @property
    def name(self) -> str: ...

    def recognise(self, audio: np.ndarray) -> Heard:
        """Raises SilentError or NotUnderstoodError."""
        ...
