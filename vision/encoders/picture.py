"""Fits a picture of any size into the pixel budget of a network, and measures its colour and motion per grid cell.

In: uint8 RGB [H, W, 3], from 1 x 1 up. Out: a `FittedPicture` whose sides are multiples of a stride, picture at the top
left, black beyond; and means per cell. Pure functions on numpy arrays, any thread.

A budget of pixels rather than a square keeps the cost the same for wide and for square pictures, and wastes little of
it on black bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FittedPicture", "cell_means", "fit_picture"]

MAX_ASPECT = 4.0  # beyond, the picture is squeezed: a panorama must not shrink to a strip of a few pixels


@dataclass(frozen=True, kw_only=True)
class FittedPicture:
    """`pixels` uint8 [h, w, 3]; the picture covers its first `height_px` rows and `width_px` columns."""

    pixels: NDArray[np.uint8]
    width_px: int
    height_px: int


def fit_picture(image: NDArray[np.uint8], side_px: int, multiple_px: int) -> FittedPicture:
    """Scales to about side_px x side_px pixels in all, keeping the aspect, and pads to whole multiples."""
    height, width = image.shape[:2]
    aspect = min(max(width / height, 1.0 / MAX_ASPECT), MAX_ASPECT)
    padded_width = max(round(side_px * aspect**0.5 / multiple_px), 1) * multiple_px
    padded_height = max(round(side_px / aspect**0.5 / multiple_px), 1) * multiple_px
    scale = min(padded_width / aspect, padded_height)  # the height that fits both ways
    fitted_height = min(max(round(scale), 1), padded_height)
    fitted_width = min(max(round(scale * aspect), 1), padded_width)
    smaller = fitted_width * fitted_height < width * height
    resized = cv2.resize(
        image, (fitted_width, fitted_height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    if (fitted_height, fitted_width) == (padded_height, padded_width):
        return FittedPicture(pixels=_as_bytes(resized), width_px=fitted_width, height_px=fitted_height)
    pixels = np.zeros((padded_height, padded_width, 3), dtype=np.uint8)
    pixels[:fitted_height, :fitted_width] = resized
    return FittedPicture(pixels=pixels, width_px=fitted_width, height_px=fitted_height)


def cell_means(picture: NDArray[Any], grid_size: int, cell_px: int = 8) -> NDArray[np.float32]:
    """Mean of each cell, float32 [grid, grid, ...] on the picture's own scale."""
    side = grid_size * cell_px
    even = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    return even.reshape(grid_size, cell_px, grid_size, cell_px, *even.shape[2:]).mean(axis=(1, 3))


def _as_bytes(picture: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture, dtype=np.uint8)
