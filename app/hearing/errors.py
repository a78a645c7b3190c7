"""The errors of hearing, as a tree. A message is a sentence for the user: what happened, and what to try.

HearingError
├── UtteranceError      (also a ValueError) what came from the microphone is no audio that can be used
├── SilentError         nothing in it sounds like speech
└── NotUnderstoodError  there is speech in it, but not words that can be trusted
"""

__all__ = ["HearingError", "NotUnderstoodError", "SilentError", "UtteranceError"]


class HearingError(Exception):
    """Anything that hearing says to its user."""


class UtteranceError(HearingError, ValueError):
    """The audio cannot be used."""


class SilentError(HearingError):
    """There is no speech in it."""


class NotUnderstoodError(HearingError):
    """Its words cannot be trusted."""
