import pytest

from app.web.browser_source import BrowserSource
from tests.app.web.conftest import make_jpeg
from tests.fakes import FakeClock
from vision import END, Frame, SourceLostError
from vision.sources import SourceConfig

SHORT_S = 0.001


def make_source(**options: object) -> tuple[BrowserSource, FakeClock]:
    clock = FakeClock()
    source = BrowserSource(clock=clock, wall_clock=lambda: 1_700_000_000.0, **options)  # type: ignore[arg-type]
    source.open()
    return source, clock


def read_frame(source: BrowserSource) -> Frame:
    frame = source.read(SHORT_S)
    assert isinstance(frame, Frame)
    return frame


def test_a_pushed_picture_comes_out_upright_in_rgb() -> None:
    source, _ = make_source()
    source.push(make_jpeg(value=90, width_px=64, height_px=48))
    frame = read_frame(source)
    assert (frame.width_px, frame.height_px, frame.index, frame.time_s) == (64, 48, 0, 0.0)
    assert abs(int(frame.image.mean()) - 90) <= 1


def test_the_newest_picture_wins_and_what_it_replaced_is_counted() -> None:
    source, clock = make_source()
    for value in (10, 20, 30):
        source.push(make_jpeg(value))
        clock.advance(0.5)
    frame = read_frame(source)
    assert abs(int(frame.image.mean()) - 30) <= 1 and frame.index == 2
    assert source.counters.frames_skipped_late == 2
    assert source.read(SHORT_S) is None


def test_time_is_that_of_arrival_and_begins_at_zero() -> None:
    source, clock = make_source()
    times_s = []
    for _ in range(3):
        source.push(make_jpeg())
        clock.advance(3.0)  # read later than it came
        times_s.append(read_frame(source).time_s)
    assert times_s == [0.0, 3.0, 6.0]


@pytest.mark.parametrize("data", [b"", b"hello", make_jpeg()[:200], make_jpeg(kind="PNG"), b"\xff\xd8\xff\xe0" * 50])
def test_what_is_no_jpeg_is_passed_over_and_counted(data: bytes) -> None:
    source, _ = make_source()
    source.push(data)
    assert source.read(SHORT_S) is None
    assert source.counters.packets_damaged == 1
    source.push(make_jpeg())
    assert read_frame(source).time_s == 0.0


def test_a_picture_of_absurd_size_is_refused_and_a_large_one_scaled_down() -> None:
    source, _ = make_source(config=SourceConfig(max_side_px=100))
    source.push(make_jpeg(width_px=9000, height_px=2))
    assert source.read(SHORT_S) is None
    source.push(make_jpeg(width_px=400, height_px=200))
    frame = read_frame(source)
    assert (frame.width_px, frame.height_px) == (100, 50)


def test_it_ends_after_finish_when_what_was_pushed_is_read() -> None:
    source, _ = make_source()
    source.push(make_jpeg())
    source.finish()
    assert not source.push(make_jpeg())
    assert isinstance(source.read(SHORT_S), Frame)
    assert source.read(SHORT_S) is END and source.read(SHORT_S) is END


def test_a_silent_browser_is_lost() -> None:
    source, clock = make_source(max_silence_s=30.0)
    clock.advance(29.0)
    assert source.read(SHORT_S) is None
    clock.advance(1.0)
    with pytest.raises(SourceLostError, match="no picture for 30 s"):
        source.read(SHORT_S)


def test_close_may_be_called_twice_and_ends_it() -> None:
    source, _ = make_source()
    source.push(make_jpeg())
    source.close()
    source.close()
    assert source.read(SHORT_S) is END
