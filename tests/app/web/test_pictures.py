"""The live picture: made once for all who look, no larger than they show it, and more seldom where it is dear."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from app.web import pictures
from app.web.pictures import LivePictures, picture_message
from tests.fakes import FakeClock, make_frame
from vision import Frame

Sides = list[int]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Sides:
    """The side of each picture that is made."""
    sides: Sides = []

    def make(frame: Frame, side_px: int) -> bytes:
        sides.append(side_px)
        return bytes([frame.index, side_px % 251])

    monkeypatch.setattr(pictures, "picture_message", make)
    return sides


def test_a_picture_carries_its_time_and_is_scaled_down_never_up() -> None:
    message = picture_message(make_frame(3, 1.5, height_px=900, width_px=1600), 480)
    assert struct.unpack(">d", message[:8]) == (1.5,)
    assert Image.open(io.BytesIO(message[8:])).size == (480, 270)
    assert Image.open(io.BytesIO(picture_message(make_frame(3, 1.5), 480)[8:])).size == (32, 24)


def test_pages_of_one_size_share_one_picture(made: Sides) -> None:
    live = LivePictures(FakeClock())
    assert live.look(None) == 0
    assert live.look(make_frame(0, 0.0)) == 1
    assert live.message(500) == live.message(640) == live.message(600)
    assert live.message(1) != live.message(10_000)
    assert made == [640, 320, 960]


def test_all_pages_are_shown_the_same_frames_at_the_rate_of_the_camera(made: Sides) -> None:
    clock = FakeClock()
    live = LivePictures(clock)
    numbers = []
    for frame in [make_frame(index, index / 60) for index in range(120)]:
        numbers += [live.look(frame), live.look(frame)]
        clock.advance(1 / 60)
    assert numbers[0::2] == numbers[1::2]
    assert numbers[-1] == 60, "of 60 frames a second every other one"
    thirty = LivePictures(clock)
    for frame in [make_frame(index, index / 30) for index in range(60)]:
        number = thirty.look(frame)
        clock.advance(1 / 30)
    assert number == 60


def test_pictures_that_are_dear_are_made_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()

    def make(frame: Frame, side_px: int) -> bytes:
        clock.advance(0.02)
        return b""

    monkeypatch.setattr(pictures, "picture_message", make)
    live = LivePictures(clock)
    start_s, number = clock.now_s, 0
    while clock.now_s < start_s + 20:
        if live.look(make_frame(number, 0.0)) != number:
            number += 1
            live.message(640)
        clock.advance(0.001)
    assert live.period_s == pytest.approx(0.1, rel=0.05)
    assert np.isclose(number, 20 / 0.1, rtol=0.15)
