import gc
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from vision.sources.pictures import PictureConverter, upright


def picture(image: np.ndarray, pixel_format: str = "rgb24") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    return frame if pixel_format == "rgb24" else frame.reformat(format=pixel_format)


def halves(width: int, height: int) -> np.ndarray:
    """Red left, blue right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (220, 30, 30)
    image[:, width // 2 :] = (30, 30, 220)
    return image


@pytest.mark.parametrize(
    "pixel_format",
    ["rgb24", "bgr24", "rgba", "yuv420p", "yuv444p", "yuvj420p", "yuv420p10le", "yuv422p12le", "rgb48le", "nv12"],
)
def test_every_pixel_format_becomes_the_same_rgb(pixel_format: str) -> None:
    image = PictureConverter(1280).convert(picture(halves(64, 48), pixel_format))
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8 and image.flags.c_contiguous
    assert np.abs(image[24, 8].astype(int) - (220, 30, 30)).max() <= 4
    assert np.abs(image[24, 56].astype(int) - (30, 30, 220)).max() <= 4


def test_grey_pictures_become_rgb() -> None:
    frame = av.VideoFrame.from_ndarray(np.full((48, 64), 200, np.uint8), format="gray")
    assert np.abs(PictureConverter(1280).convert(frame).astype(int) - 200).max() <= 2


def test_untagged_high_definition_keeps_its_colours() -> None:
    source = picture(halves(1280, 720)).reformat(format="yuv420p", dst_colorspace="ITU709")
    untagged = av.VideoFrame(1280, 720, "yuv420p")
    for plane, content in zip(untagged.planes, source.planes, strict=True):
        plane.update(bytes(content))
    image = PictureConverter(1280).convert(untagged)
    assert np.abs(image[360, 100].astype(int) - (220, 30, 30)).max() <= 4


@pytest.mark.parametrize(
    ("size", "max_side_px", "expected"),
    [
        ((64, 48), 1280, (64, 48)),
        ((64, 48), 32, (32, 24)),
        ((48, 64), 32, (24, 32)),
        ((1, 1), 1280, (1, 1)),
        ((1, 1), 1, (1, 1)),
        ((63, 47), 32, (32, 24)),
        ((2000, 2), 100, (100, 1)),
        ((2, 2000), 100, (1, 100)),
    ],
)
def test_large_pictures_are_scaled_down_and_keep_their_shape(
    size: tuple[int, int], max_side_px: int, expected: tuple[int, int]
) -> None:
    image = PictureConverter(max_side_px).convert(picture(halves(*size)))
    assert image.shape == (expected[1], expected[0], 3)


def test_pixels_that_are_not_square_are_made_square() -> None:
    converter = PictureConverter(1280, Fraction(16, 11))
    assert converter.convert(picture(halves(176, 144))).shape == (144, 256, 3)


@pytest.mark.parametrize("pixel_aspect", [None, Fraction(1), Fraction(1, 100), Fraction(100)])
def test_an_implausible_shape_of_pixels_is_ignored(pixel_aspect: Fraction | None) -> None:
    assert PictureConverter(1280, pixel_aspect).convert(picture(halves(64, 48))).shape == (48, 64, 3)


CORNERS = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), CORNERS),
        ((0, 1, -1, 0), np.rot90(CORNERS, -1)),  # a quarter turn clockwise
        ((-1, 0, 0, -1), np.rot90(CORNERS, 2)),
        ((0, -1, 1, 0), np.rot90(CORNERS, 1)),
        ((-1, 0, 0, 1), CORNERS[:, ::-1]),
        ((1, 0, 0, -1), CORNERS[::-1]),
        ((0, 1, 1, 0), CORNERS.T),
        ((0, -1, -1, 0), np.rot90(CORNERS, 2).T),
        ((65536, 3000, -3000, 65536), CORNERS),  # a slight tilt is no turn
    ],
)
def test_a_display_matrix_turns_and_mirrors(matrix: tuple[int, int, int, int], expected: np.ndarray) -> None:
    stored = np.repeat(CORNERS[:, :, None], 3, axis=2)
    shown = upright(stored, matrix)
    assert np.array_equal(shown[:, :, 0], expected)
    assert shown.flags.c_contiguous


def test_a_second_picture_does_not_change_the_first() -> None:
    converter = PictureConverter(32)
    images = [converter.convert(picture(np.full((48, 64, 3), value, np.uint8))) for value in (10, 100, 200)]
    assert [int(image.mean()) for image in images] == [10, 100, 200]
    assert not any(np.shares_memory(one, other) for one, other in pairwise(images))


def test_pictures_are_let_go_of_at_once() -> None:
    """PyAV makes a cycle of a picture and its side data: to look at it each time would keep seconds of video alive."""
    converter = PictureConverter(1280)
    gc.collect()
    gc.disable()
    try:
        for value in range(20):
            converter.convert(picture(np.full((48, 64, 3), value, np.uint8), "yuv420p"))
        assert sum(type(each) is av.VideoFrame for each in gc.get_objects()) <= 3
    finally:
        gc.enable()
