"""Pictures that carry their number in their pixels, so that a test can tell which one it sees, however small or packed.

The number stands in two rows of blocks across the whole width, the second row the negative of the first: what is no
such picture, or too blurred to read, is refused instead of read wrongly.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["number_of", "number_or_none", "numbered_picture", "write_numbered_clip"]

NUM_BITS = 12
_ROW = 1 / 8  # of the height
_DARK, _LIGHT = 24, 231


def numbered_picture(
    number: int, width_px: int = 192, height_px: int = 108, *, is_textured: bool = False
) -> np.ndarray:
    """uint8 [H, W, 3] RGB. number: 0..4095. is_textured: on a texture that moves, so that decoding is real work."""
    if not 0 <= number < 1 << NUM_BITS:
        raise ValueError(f"number must be in 0..{(1 << NUM_BITS) - 1}, got {number}")
    image = _texture(number, width_px, height_px) if is_textured else np.full((height_px, width_px, 3), 120, np.uint8)
    edges = np.linspace(0, width_px, NUM_BITS + 1).round().astype(int)
    row_px = round(height_px * _ROW)
    for place in range(NUM_BITS):
        is_set = bool(number >> place & 1)
        image[:row_px, edges[place] : edges[place + 1]] = _LIGHT if is_set else _DARK
        image[row_px : 2 * row_px, edges[place] : edges[place + 1]] = _DARK if is_set else _LIGHT
    return image


def _texture(number: int, width_px: int, height_px: int) -> np.ndarray:
    noise = np.random.default_rng(5).integers(0, 256, (height_px // 8 + 1, width_px // 8 + 1, 3), dtype=np.uint8)
    texture = noise.repeat(8, axis=0).repeat(8, axis=1)[:height_px, :width_px]
    return np.roll(texture, 3 * number, axis=1)


def number_of(image: np.ndarray) -> int:
    """image: uint8 [H, W, 3] RGB of any size. Raises ValueError for one that carries no number."""
    height_px, width_px = image.shape[:2]
    columns = ((np.arange(NUM_BITS) + 0.5) * width_px / NUM_BITS).astype(int)
    upper, lower = (image[int(height_px * _ROW * row), columns].mean(axis=1) for row in (0.5, 1.5))
    if not (np.abs(upper - lower) > 80).all():
        raise ValueError("this picture carries no number")
    return sum(1 << place for place in range(NUM_BITS) if upper[place] > lower[place])


def number_or_none(image: np.ndarray) -> int | None:
    """The same; None while a page is still loading it."""
    try:
        return number_of(image)
    except ValueError:
        return None


def write_numbered_clip(path: Path, num_frames: int, fps: int, codec: str = "libx264", first: int = 0) -> Path:
    """A clip whose pictures carry the numbers from `first` on. The suffix of the path says which container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = numbered_picture(0).shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for index in range(num_frames):
            frame = av.VideoFrame.from_ndarray(numbered_picture(first + index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
