import os
import sys
from typing import Any

import numpy as np
import pytest

from vision import Frame, SourceLostError, SourceOpenError
from vision.sources import SourceConfig
from vision.sources.webcam import WebcamSource

BLUE_AS_BGR = (250, 10, 20)


class FakeCapture:
    """Gives pictures in turn; None stands for a read that failed."""

    def __init__(self, pictures: list[np.ndarray | None], clock: Any = None, *, is_open: bool = True):
        self.pictures, self.clock, self.is_open, self.num_releases = pictures, clock, is_open, 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.is_open

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self.clock is not None:
            self.clock.now_s += 0.04
        picture = self.pictures.pop(0) if self.pictures else None
        return picture is not None, picture

    def release(self) -> None:
        self.num_releases += 1


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), BLUE_AS_BGR, np.uint8)


def make(capture: FakeCapture, clock: Any = None, **options: Any) -> WebcamSource:
    return WebcamSource("0", SourceConfig(**options), clock, open_capture=lambda device: capture)


def test_pictures_of_a_camera_are_rgb_and_stamped_by_arrival(clock: Any) -> None:
    source = make(FakeCapture([picture(), picture()], clock), clock)
    source.open()
    first, second = source.read(1.0), source.read(1.0)
    source.close()
    assert isinstance(first, Frame) and isinstance(second, Frame)
    assert first.image[0, 0].tolist() == list(reversed(BLUE_AS_BGR))
    assert (first.time_s, second.time_s) == (0.0, pytest.approx(0.04))
    assert (first.index, second.index) == (0, 1)
    assert source.is_live


def test_a_grey_camera_and_a_large_one_are_brought_into_shape(clock: Any) -> None:
    source = make(FakeCapture([np.full((48, 64), 99, np.uint8), picture(480, 640)], clock), clock, max_side_px=64)
    source.open()
    grey, large = source.read(1.0), source.read(1.0)
    assert isinstance(grey, Frame) and isinstance(large, Frame)
    assert grey.image[0, 0].tolist() == [99, 99, 99]
    assert large.image.shape == (48, 64, 3)
    source.close()


def test_the_frame_rate_of_a_camera_is_limited(clock: Any) -> None:
    source = make(FakeCapture([picture() for _ in range(60)], clock), clock, max_fps=1.0)
    source.open()
    frames = [source.read(2.0) for _ in range(2)]
    assert [round(frame.time_s, 2) for frame in frames if isinstance(frame, Frame)] == [0.0, 1.0]
    source.close()


def test_a_camera_that_skips_a_beat_is_asked_again(clock: Any) -> None:
    source = make(FakeCapture([None, None, picture()], clock), clock)
    source.open()
    assert isinstance(source.read(1.0), Frame)
    source.close()


def test_an_unplugged_camera_holds_nobody_up_and_is_lost_in_the_end(clock: Any) -> None:
    source = make(FakeCapture([picture()], clock), clock, read_timeout_s=3.0)
    source.open()
    source.read(1.0)
    assert source.read(1.0) is None
    with pytest.raises(SourceLostError, match="unplugged"):
        for _ in range(10):
            source.read(1.0)
    source.close()


def test_a_camera_that_does_not_open_says_what_may_be_wrong() -> None:
    capture = FakeCapture([], is_open=False)
    source = make(capture)
    with pytest.raises(SourceOpenError, match="another program") as failure:
        source.open()
    assert (failure.value.kind, capture.num_releases) == ("device", 1)


def test_closing_is_possible_twice_and_before_opening() -> None:
    capture = FakeCapture([])
    source = make(capture)
    source.close()
    source.open()
    source.close()
    source.close()
    assert capture.num_releases == 1
    with pytest.raises(ValueError, match="before open"):
        source.read(0.0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cameras are files on Linux alone")
def test_a_missing_camera_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    source = WebcamSource("97")
    with pytest.raises(SourceOpenError, match="/dev/video97") as failure:
        source.open()
    assert failure.value.kind == "device"
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cameras are files on Linux alone")
def test_a_camera_that_is_not_permitted_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SourceOpenError, match="group video"):
        WebcamSource("0").open()
