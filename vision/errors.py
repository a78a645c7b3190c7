"""The errors of `vision`, drawn as one tree.

    VisionError
    ├── SourceError
    │   ├── SourceOpenError   the source could not be opened; `kind` says why
    │   ├── SourceLostError   a source that had been opened stopped unexpectedly
    │   └── PictureError      a picture that was pushed into a source is none, or too large
    └── EncoderError
        └── ModelMissingError the weights of an encoder are not on this machine

A source's messages are plain sentences that are safe to show: passwords in them are masked already.
"""

from typing import Literal

__all__ = [
    "EncoderError",
    "ModelMissingError",
    "OpenFailureKind",
    "PictureError",
    "SourceError",
    "SourceLostError",
    "SourceOpenError",
    "VisionError",
]

OpenFailureKind = Literal[
    "missing",  # no such file, or the server says that there is nothing at this address
    "empty",  # a file of no bytes, or a video of no frames
    "not_video",  # the bytes are no video that can be decoded
    "no_video_stream",  # a media file without moving pictures: sound alone
    "directory",
    "refused",  # nothing listens at this address, or the host cannot be reached
    "unauthorized",  # wrong user or password, or the file may not be read
    "timeout",  # no answer in time
    "untrusted",  # the host shows a certificate that is not accepted
    "forbidden",  # whoever asks may not open this: a file outside of the permitted folders, a host of our own
    "bad_url",  # the address itself is malformed or of a kind that is not accepted
    "too_large",  # pictures beyond the size limits
    "device",  # a camera of this machine is missing, busy or not permitted
    "other",
]


class VisionError(Exception):
    """Anything that goes wrong between a source and the visual tokens."""


class SourceError(VisionError):
    """A source of frames failed."""


class SourceOpenError(SourceError):
    """The source could not be opened. `kind` is for programs, the message for people."""

    def __init__(self, message: str, kind: OpenFailureKind = "other"):
        super().__init__(message)
        self.kind: OpenFailureKind = kind


class SourceLostError(SourceError):
    """The source was open and then stopped: unplugged, disconnected or silent. Not the end of a finite source."""


class PictureError(SourceError, ValueError):
    """A picture that somebody pushed was refused. The source goes on."""


class EncoderError(VisionError):
    """A vision encoder failed."""


class ModelMissingError(EncoderError):
    """The weights that an encoder needs are not on this machine."""
