"""What comes out of a source: a `Frame`, or `END` when a finite source is over.

Frames are immutable by agreement: whoever holds one may keep it, nobody writes into its image.
Any thread may read a frame.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

__all__ = ["END", "EndOfStream", "Frame"]


class EndOfStream(Enum):
    """The value that a source returns when it is over. It has one member, so that `is END` is enough."""

    END = "end of stream"


END = EndOfStream.END


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture of a stream and its time.

    image: uint8 [H, W, 3] RGB, C-contiguous.
    time_s: on the stream's own clock; the first frame of a stream has 0.0, and it never decreases.
    wall_time_s: epoch seconds at which the picture was captured or decoded.
    index: number of this picture in its source, counted from 0; pictures that were passed over leave gaps.
    """

    image: npt.NDArray[np.uint8]
    time_s: float
    wall_time_s: float
    index: int

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8 or 0 in self.image.shape:
            raise ValueError(f"expected a uint8 image [H, W, 3], got {self.image.dtype} {self.image.shape}")
        if not self.time_s >= 0.0:
            raise ValueError(f"time_s must be >= 0, got {self.time_s}")

    @property
    def width_px(self) -> int:
        return int(self.image.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.image.shape[0])
