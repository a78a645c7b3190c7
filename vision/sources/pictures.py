"""Decoded pictures of any pixel format to upright RGB of a bounded size.

In: a picture as the decoder gives it (8 to 16 bits, any chroma, any shape of pixel, stored turned or mirrored).
Out: uint8 [H, W, 3] RGB as a viewer would see it. Used by the reading thread only.
"""

import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

__all__ = ["PictureConverter", "upright"]

_UNSPECIFIED_COLORSPACE = 2
_HIGH_DEFINITION_HEIGHT_PX = 720  # from here on, video without a colour tag is BT.709
_LARGEST_PIXEL_ASPECT = 8.0

Matrix = tuple[int, int, int, int]
"""a, b, c, d of the display matrix: the stored point (x, y) is shown at (a x + c y, b x + d y)."""

_IDENTITY: Matrix = (1, 0, 0, 1)
_MATRIX_OF_QUARTER_TURNS: tuple[Matrix, ...] = (_IDENTITY, (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))


class PictureConverter:
    """Scales while it converts, in one pass. Keeps the converter's tables from picture to picture."""

    def __init__(self, max_side_px: int, pixel_aspect: Fraction | None = None):
        """pixel_aspect: width of a pixel by its height, where pixels are not square."""
        self._max_side_px = max_side_px
        is_plausible = pixel_aspect is not None and 1 / _LARGEST_PIXEL_ASPECT <= pixel_aspect <= _LARGEST_PIXEL_ASPECT
        self._pixel_aspect = float(pixel_aspect) if is_plausible and pixel_aspect is not None else 1.0
        self._reformatter = VideoReformatter()
        self._matrix_of_rotation: dict[int, Matrix] = {}

    def convert(self, picture: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB, C-contiguous, upright, no side longer than `max_side_px`."""
        width_px, height_px = self._size(picture)
        is_untagged_hd = (
            picture.colorspace == _UNSPECIFIED_COLORSPACE
            and picture.height >= _HIGH_DEFINITION_HEIGHT_PX
            and not picture.format.is_rgb
        )
        rgb = self._reformatter.reformat(
            picture,
            width=width_px,
            height=height_px,
            format="rgb24",
            src_colorspace=Colorspace.ITU709 if is_untagged_hd else None,
            interpolation=Interpolation.AREA,
            threads=1,
        )
        image: npt.NDArray[Any] = rgb.to_ndarray()  # [H, W, 3], uint8 as rgb24 is
        return upright(image, self._matrix(picture))

    def _matrix(self, picture: av.VideoFrame) -> Matrix:
        """Looked up anew only when the turn changes: a picture whose side data was touched lives until the next garbage
        collection, since PyAV 18 makes a cycle of the two."""
        rotation = picture.rotation
        if rotation not in self._matrix_of_rotation:
            self._matrix_of_rotation[rotation] = _display_matrix(picture)
        return self._matrix_of_rotation[rotation]

    def _size(self, picture: av.VideoFrame) -> tuple[int, int]:
        width_px, height_px = picture.width * self._pixel_aspect, float(picture.height)
        scale = min(1.0, self._max_side_px / max(width_px, height_px))
        return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def upright(image: npt.NDArray[np.uint8], matrix: Matrix) -> npt.NDArray[np.uint8]:
    """The stored image [H, W, 3] turned and mirrored as its display matrix says, to the nearest quarter turn."""
    a, b, c, d = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        turned = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    else:
        turned = image.transpose(1, 0, 2)[:: -1 if b < 0 else 1, :: -1 if c < 0 else 1]  # [H, W, 3] -> [W, H, 3]
    return np.ascontiguousarray(turned)


def _display_matrix(picture: av.VideoFrame) -> Matrix:
    try:
        side_data: Any = picture.side_data  # a container, whatever PyAV's type information says
        for data in side_data:
            if data.type.name == "DISPLAYMATRIX":
                a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data))
                return a, b, c, d
        return _IDENTITY
    except ValueError:
        # PyAV 18 cannot list side data of a type unknown to it (EXIF). The turn is still told, mirroring is not.
        return _MATRIX_OF_QUARTER_TURNS[round(picture.rotation / 90) % 4]
