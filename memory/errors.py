"""The errors of the stream memory, as a tree.

MemoryClosedError          write() after close()
InvalidFrameError          (also a ValueError) tokens, key, time or id that the memory cannot take; nothing was written
├── TokensError            wrong shape, wrong kind of numbers, NaN or infinity, in the tokens or in the key
└── TimeOrderError         time that is not a finite number, or earlier than the frame before
All of them are StreamMemoryError.
"""

__all__ = ["InvalidFrameError", "MemoryClosedError", "StreamMemoryError", "TimeOrderError", "TokensError"]


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
