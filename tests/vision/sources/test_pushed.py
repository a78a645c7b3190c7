import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import clips
from vision import END, Frame, SourceLostError
from vision.errors import PictureError
from vision.sources import ConnectionConfig, PushedSource, SourceConfig


@pytest.fixture
def jpeg(tmp_path: Path) -> bytes:
    clips.write_still(tmp_path / "still.jpg")
    return (tmp_path / "still.jpg").read_bytes()


@pytest.fixture
def source(clock: Any) -> PushedSource:
    made = PushedSource(config=SourceConfig(connection=ConnectionConfig(stall_after_s=3.0)), clock=clock)
    made.open()
    return made


def test_a_picture_that_is_put_is_read(source: PushedSource, jpeg: bytes, clock: Any) -> None:
    assert source.connection.state == "connecting"
    times = []
    for _ in range(3):
        assert source.put(jpeg)
        frame = source.read(0.0)
        assert isinstance(frame, Frame) and frame.image.shape == (48, 64, 3)
        times.append(frame.time_s)
        clock.now_s += 0.5
    assert times == [0.0, 0.5, 1.0]
    assert source.connection.state == "live" and source.read(0.0) is None


def test_the_newest_pictures_win_and_the_loss_is_counted(source: PushedSource, jpeg: bytes) -> None:
    for _ in range(10):
        source.put(jpeg)
    frames = [source.read(0.0), source.read(0.0)]
    assert [frame.index for frame in frames if isinstance(frame, Frame)] == [8, 9]
    assert source.counters.frames_skipped_late == 8


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"\xff\xd8\xff", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff" + bytes(5_000_000)],
)
def test_what_is_no_picture_is_refused_at_the_door(source: PushedSource, data: bytes) -> None:
    with pytest.raises(PictureError) as failure:
        source.put(data)
    assert str(failure.value).endswith(".")
    assert source.read(0.0) is None


def test_a_picture_of_absurd_size_is_refused_before_it_is_decoded(source: PushedSource, jpeg: bytes) -> None:
    position = jpeg.index(b"\xff\xc0") + 5
    with pytest.raises(PictureError, match="8000 x 8000"):
        source.put(jpeg[:position] + (8_000).to_bytes(2, "big") * 2 + jpeg[position + 4 :])
    with pytest.raises(PictureError, match="too large"):
        source.put(jpeg[:position] + (60_000).to_bytes(2, "big") * 2 + jpeg[position + 4 :])


@pytest.mark.parametrize("time_s", [math.nan, math.inf])
def test_a_time_that_is_no_number_is_refused(source: PushedSource, jpeg: bytes, time_s: float) -> None:
    with pytest.raises(PictureError, match="time"):
        source.put(jpeg, time_s)


def test_a_picture_with_a_good_head_and_a_bad_body_is_counted(source: PushedSource, jpeg: bytes) -> None:
    source.put(jpeg[: jpeg.index(b"\xff\xda") + 20])
    assert source.read(0.0) is None
    assert source.counters.packets_damaged == 1


def test_the_senders_clock_is_used_while_it_makes_sense(source: PushedSource, jpeg: bytes, clock: Any) -> None:
    times = []
    for sent_s, wait_s in ((5000.0, 0.0), (5000.1, 0.4), (5000.2, 0.0), (9000.0, 0.6), (4000.0, 1.0), (4001.0, 1.0)):
        clock.now_s += wait_s
        source.put(jpeg, sent_s)
        frame = source.read(0.0)
        assert isinstance(frame, Frame)
        times.append(round(frame.time_s, 3))
    assert times == [0.0, 0.1, 0.2, 1.0, 2.0, 3.0]


def test_silence_is_a_stall_then_a_gap_and_at_last_a_loss(source: PushedSource, jpeg: bytes, clock: Any) -> None:
    source.put(jpeg)
    source.read(0.0)
    clock.now_s += 4.0
    assert source.read(0.0) is None and source.connection.state == "stalled"
    source.put(jpeg)
    source.read(0.0)
    (gap,) = source.take_gaps()
    assert (gap.start_s, gap.end_s, gap.kind) == (0.0, 4.0, "stalled")
    clock.now_s += 30.0
    with pytest.raises(SourceLostError, match="30 s"):
        source.read(0.0)


def test_the_end_comes_after_what_was_put(source: PushedSource, jpeg: bytes) -> None:
    source.put(jpeg)
    source.finish()
    assert not source.put(jpeg)
    assert isinstance(source.read(0.0), Frame)
    assert source.read(0.0) is END and source.read(0.0) is END
    assert source.connection.state == "ended"
    source.close()
    source.close()


def test_a_reader_that_waits_is_woken_by_another_thread(jpeg: bytes) -> None:
    source = PushedSource()
    source.open()
    thread = threading.Timer(0.05, source.put, (jpeg,))
    thread.start()
    assert isinstance(source.read(2.0), Frame)
    thread.join()
    source.close()


def test_room_without_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity"):
        PushedSource(capacity=1000)


def test_a_picture_is_upright_in_rgb_and_a_large_one_scaled_down(tmp_path: Path) -> None:
    Image.fromarray(np.full((200, 400, 3), (200, 90, 10), np.uint8)).save(tmp_path / "large.jpg", quality=95)
    source = PushedSource(config=SourceConfig(max_side_px=100))
    source.open()
    source.put((tmp_path / "large.jpg").read_bytes())
    frame = source.read(0.0)
    assert isinstance(frame, Frame) and (frame.width_px, frame.height_px, frame.index) == (100, 50, 0)
    assert np.abs(frame.image.reshape(-1, 3).mean(axis=0) - (200, 90, 10)).max() < 3
    source.close()


def test_with_room_for_one_the_newest_alone_is_read(clock: Any, jpeg: bytes) -> None:
    source = PushedSource(clock=clock, capacity=1)
    source.open()
    for _ in range(3):
        source.put(jpeg)
        clock.now_s += 0.5
    frame = source.read(0.0)
    assert isinstance(frame, Frame) and frame.index == 2
    assert source.counters.frames_skipped_late == 2
    assert source.read(0.0) is None


def test_time_is_that_of_arrival_where_the_sender_tells_none(source: PushedSource, jpeg: bytes, clock: Any) -> None:
    times = []
    for _ in range(3):
        source.put(jpeg)
        clock.now_s += 2.0  # read later than it came
        frame = source.read(0.0)
        assert isinstance(frame, Frame)
        times.append(frame.time_s)
    assert times == [0.0, 2.0, 4.0]


def test_closing_it_ends_it_and_drops_what_waits(source: PushedSource, jpeg: bytes) -> None:
    source.put(jpeg)
    source.close()
    assert source.read(0.0) is END
