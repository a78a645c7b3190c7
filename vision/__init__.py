"""Frames in, visual tokens out. `vision.sources` reads streams, `vision.encoders` turns pictures into tokens."""

from vision.errors import (
    EncoderError,
    ModelMissingError,
    SourceError,
    SourceLostError,
    SourceOpenError,
    VisionError,
)
from vision.frame import END, EndOfStream, Frame
from vision.sampler import FrameSampler

__all__ = [
    "END",
    "EncoderError",
    "EndOfStream",
    "Frame",
    "FrameSampler",
    "ModelMissingError",
    "SourceError",
    "SourceLostError",
    "SourceOpenError",
    "VisionError",
]
