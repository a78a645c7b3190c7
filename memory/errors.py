"""The errors of the stream memory, as a tree.

MemoryClosedError          write() or a command after close()
InvalidFrameError          (also a ValueError) tokens, key, time or id that the memory cannot take; nothing was written
├── TokensError            wrong shape, wrong kind of numbers, NaN or infinity, in the tokens or in the key
└── TimeOrderError         time that is not a finite number, or earlier than the frame before
InvalidIntervalError       (also a ValueError) an interval that is none, in pin, forget, mark_gap or note
InvalidNoteError           (also a ValueError) a kind, text or label that the memory does not take
PinLimitError              more pins than the memory may hold
StateError                 (also a ValueError) an exported state that this version or configuration cannot take
EmptyPromptError           (also a ValueError) a question would have been asked without any visual token
All of them are StreamMemoryError.
"""

__all__ = [
    "EmptyPromptError",
    "InvalidFrameError",
    "InvalidIntervalError",
    "InvalidNoteError",
    "MemoryClosedError",
    "PinLimitError",
    "StateError",
    "StreamMemoryError",
    "TimeOrderError",
    "TokensError",
]


class StreamMemoryError(Exception):
    """Anything that the stream memory refuses."""


class MemoryClosedError(StreamMemoryError):
    """The memory was closed; what it published can still be read, but nothing more can be written."""


class InvalidFrameError(StreamMemoryError, ValueError):
    """The frame was refused before anything changed; the next good frame is taken as if this one had not come."""


class TokensError(InvalidFrameError):
    """The tokens or the key have the wrong shape or kind, or hold numbers that are not finite."""


class TimeOrderError(InvalidFrameError):
    """The time is not a finite number or lies before the last frame's."""


class InvalidIntervalError(StreamMemoryError, ValueError):
    """Two times that are not finite numbers, or the second before the first."""


class InvalidNoteError(StreamMemoryError, ValueError):
    """An unknown kind, or a text or label that is empty or too long; nothing was filed."""


class PinLimitError(StreamMemoryError):
    """The memory holds as many pins as it may; one must be taken off before another is set."""


class StateError(StreamMemoryError, ValueError):
    """The state is of another version or does not fit its own configuration; no memory was made from it."""


class EmptyPromptError(StreamMemoryError, ValueError):
    """No visual token is left to answer from: an answer would be made up."""
