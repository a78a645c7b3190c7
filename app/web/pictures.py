"""The live picture, as bytes for the page.

Comes in: a Frame. Goes out: its stream time and a JPEG of bounded size. The page's event loop calls it; a few ms.
"""

import io
import struct

from vision import Frame

__all__ = ["picture_message"]

MAX_SIDE_PX = 800
_QUALITY = 78


def picture_message(frame: Frame) -> bytes:
    """float64 big-endian seconds of stream time, then a JPEG no side of which is longer than MAX_SIDE_PX."""
    from PIL import Image

    stride = max(1, max(frame.height_px, frame.width_px) // (2 * MAX_SIDE_PX))
    picture = Image.fromarray(frame.image[::stride, ::stride])
    if max(picture.size) > MAX_SIDE_PX:
        picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=1.5)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return struct.pack(">d", frame.time_s) + buffer.getvalue()
