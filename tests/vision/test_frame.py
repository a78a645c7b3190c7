import dataclasses

import numpy as np
import pytest

from vision import END, EndOfStream, Frame


def make(image: np.ndarray, **changes: object) -> Frame:
    return Frame(**({"image": image, "time_s": 0.0, "wall_time_s": 1.7e9, "index": 0} | changes))


def test_a_frame_knows_its_size_in_pixels() -> None:
    frame = make(np.zeros((48, 64, 3), np.uint8))
    assert (frame.width_px, frame.height_px) == (64, 48)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_picture_is_refused_with_its_shape(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\[H, W, 3\], got"):
        make(image)


@pytest.mark.parametrize("time_s", [-0.1, float("nan")])
def test_a_time_before_the_stream_is_refused(time_s: float) -> None:
    with pytest.raises(ValueError, match="time_s"):
        make(np.zeros((1, 1, 3), np.uint8), time_s=time_s)


def test_a_frame_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make(np.zeros((1, 1, 3), np.uint8)).time_s = 1.0  # type: ignore[misc]


def test_the_end_is_a_value_of_its_own() -> None:
    assert END is EndOfStream.END
    assert list(EndOfStream) == [END]
