"""Pictures of any size fit the budget of a network."""

import numpy as np
import pytest

from vision.encoders.picture import cell_means, fit_picture


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 500), (500, 1), (33, 47), (416, 416), (720, 1280), (1920, 1080), (300, 3000)]
)
def test_any_size_fits_with_sides_in_whole_strides_and_about_the_budget(height: int, width: int) -> None:
    picture = fit_picture(np.full((height, width, 3), 200, dtype=np.uint8), 416, 32)
    rows, columns = picture.pixels.shape[:2]
    assert rows % 32 == 0 and columns % 32 == 0
    assert 0.75 * 416**2 <= rows * columns <= 1.25 * 416**2
    assert 1 <= picture.height_px <= rows and 1 <= picture.width_px <= columns
    assert picture.height_px == rows or picture.width_px == columns
    assert (picture.pixels[: picture.height_px, : picture.width_px] == 200).all()
    assert not picture.pixels[picture.height_px :].any() and not picture.pixels[:, picture.width_px :].any()


def test_the_aspect_is_kept_for_ordinary_pictures() -> None:
    picture = fit_picture(np.zeros((720, 1280, 3), dtype=np.uint8), 416, 32)
    assert picture.width_px / picture.height_px == pytest.approx(16 / 9, rel=0.02)


def test_very_wide_pictures_are_squeezed_to_four_to_one() -> None:
    picture = fit_picture(np.zeros((10, 4000, 3), dtype=np.uint8), 416, 32)
    assert picture.width_px / picture.height_px == pytest.approx(4, rel=0.05)


def test_cell_means_say_where_the_light_is() -> None:
    image = np.zeros((120, 240, 3), dtype=np.uint8)
    image[:10, 220:] = (255, 128, 0)
    means = cell_means(image, 12)
    assert means.shape == (12, 12, 3)
    assert means[0, 11] == pytest.approx([255, 128, 0])
    assert not means[1:].any() and not means[0, :11].any()


def test_a_single_pixel_colours_all_cells() -> None:
    assert (cell_means(np.full((1, 1, 3), 77, dtype=np.uint8), 12) == 77).all()
