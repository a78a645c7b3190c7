"""One still picture, from its bytes to RGB of a bounded size, without trusting them.

In: an encoded picture that came from a file, a camera or a browser. Out: uint8 [H, W, 3] RGB, upright. Pure functions,
any thread.
"""

import io
import struct
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from vision.errors import PictureError
from vision.sources.source import MAX_FRAME_MEGAPIXELS, MAX_FRAME_SIDE_PX

__all__ = ["FOLDER_FORMATS", "check_picture", "decode_picture"]

FOLDER_FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".gif": "GIF",
    ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
"""Suffix and format of the pictures that a folder may hold. The content decides which of these formats a file has."""

_WHAT_PIL_RAISES = (
    OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, struct.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


def check_picture(data: bytes, formats: tuple[str, ...] = ("JPEG",)) -> tuple[int, int]:
    """Width and height, from the head alone. Raises PictureError if it is no picture of these kinds, or too large."""
    with _open(io.BytesIO(data), formats) as picture:
        return picture.size


def decode_picture(
    file: IO[bytes] | bytes, max_side_px: int, formats: tuple[str, ...] = ("JPEG",)
) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3] RGB, no side longer than `max_side_px`. Raises PictureError, never anything that PIL raises."""
    try:
        with _open(io.BytesIO(file) if isinstance(file, bytes) else file, formats) as picture:
            picture.draft("RGB", (max_side_px, max_side_px))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except PictureError:
        raise
    except _WHAT_PIL_RAISES:
        raise PictureError("The picture is damaged, or cut off.") from None
    if max(upright.size) > max_side_px:
        upright.thumbnail((max_side_px, max_side_px))
    return np.array(upright, dtype=np.uint8)


def _open(file: IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    try:
        picture = Image.open(file, formats=formats)
    except _WHAT_PIL_RAISES:
        raise PictureError(f"This is no picture of an accepted kind ({', '.join(formats)}), or too large.") from None
    width_px, height_px = picture.size
    if max(picture.size) > MAX_FRAME_SIDE_PX or width_px * height_px > MAX_FRAME_MEGAPIXELS * 1_000_000:
        picture.close()
        raise PictureError(
            f"The picture measures {width_px} x {height_px}. At most {MAX_FRAME_SIDE_PX} pixels a side and "
            f"{MAX_FRAME_MEGAPIXELS} megapixels are accepted."
        )
    return picture
