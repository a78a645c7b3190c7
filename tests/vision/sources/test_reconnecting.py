"""The logic of coming back, with scripted sources and a clock that moves only when someone waits."""

import threading
from typing import Any

import numpy as np
import pytest

from vision import END, EndOfStream, Frame, SourceLostError, SourceOpenError
from vision.sources import ConnectionConfig, ReconnectingSource, Source, SourceConfig, SourceCounters

LOST = SourceLostError("The camera was disconnected.")
RULES = ConnectionConfig(jitter=0.0)


class Scripted:
    """One connection: opens or raises, then gives its items; a number lets so many seconds pass and gives nothing."""

    is_live = True

    def __init__(self, clock: Any, config: SourceConfig, script: list[object], is_live: bool = True):
        self.name, self.is_live, self.notes = "camera", is_live, ("No hardware.",)
        self.is_idle = False
        self.counters = SourceCounters()
        self.config, self.was_closed = config, False
        self._clock, self._script, self._opened_s, self._index = clock, list(script), 0.0, 0

    def open(self) -> None:
        if isinstance(self._script[0], SourceOpenError):
            raise self._script[0]
        self._opened_s = self._clock.now_s

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        item = self._script.pop(0)
        if isinstance(item, Exception):
            raise item
        if item is END:
            return END
        assert isinstance(item, float)
        self._clock.now_s += abs(item)
        if item < 0:
            return None
        self._index += 1
        self.counters.frames_delivered += 1
        return Frame(
            image=np.zeros((2, 2, 3), np.uint8),
            time_s=self._clock.now_s - self._opened_s,
            wall_time_s=0.0,
            index=self._index - 1,
        )

    def close(self) -> None:
        self.was_closed = True


def refused(kind: str = "refused") -> SourceOpenError:
    return SourceOpenError("Nothing answers.", kind)  # type: ignore[arg-type]


class Camera:
    """Hands out one scripted connection after the other."""

    def __init__(self, clock: Any, *scripts: list[object], is_live: bool = True):
        self.made: list[Scripted] = []
        self._clock, self._scripts, self._is_live = clock, list(scripts), is_live

    def make(self, config: SourceConfig) -> Source:
        self.made.append(Scripted(self._clock, config, self._scripts.pop(0), self._is_live))
        return self.made[-1]


def connected(clock: Any, camera: Camera, rules: ConnectionConfig = RULES) -> ReconnectingSource:
    source = ReconnectingSource(camera.make, SourceConfig(connection=rules), clock, random_number=lambda: 0.5)
    source.open()
    return source


def read_times(source: ReconnectingSource, num: int) -> list[float]:
    times: list[float] = []
    for _ in range(1000):
        item = source.read(1.0)
        if isinstance(item, Frame):
            times.append(round(item.time_s, 6))
        if len(times) == num:
            return times
    raise AssertionError(f"only {times}")


def test_stream_time_goes_on_by_the_clock_across_connections(clock: Any) -> None:
    camera = Camera(clock, [0.0, 1.0, LOST], [refused()], [0.25, 1.0])
    source = connected(clock, camera)
    assert read_times(source, 2) == [0.0, 1.0]
    # half a second, a refusal, a second more, then a quarter of a second to the first picture
    assert read_times(source, 2) == [2.75, 3.75]
    (gap,) = source.take_gaps()
    assert (gap.start_s, round(gap.end_s, 6), gap.kind) == (1.0, 2.75, "disconnected")
    assert source.counters.frames_delivered == 4
    assert [made.was_closed for made in camera.made] == [True, True, False]


def test_numbers_of_frames_go_on_too(clock: Any) -> None:
    source = connected(clock, Camera(clock, [0.0, 1.0, LOST], [0.0, 1.0]))
    frames: list[Frame] = []
    while len(frames) < 4:
        item = source.read(1.0)
        if isinstance(item, Frame):
            frames.append(item)
    assert [frame.index for frame in frames] == [0, 1, 2, 3]


def test_no_read_waits_longer_than_it_was_asked_to(clock: Any) -> None:
    source = connected(clock, Camera(clock, [LOST], [0.0]), ConnectionConfig(jitter=0.0, first_delay_s=10.0))
    source.read(0.2)
    for _ in range(5):
        assert source.read(0.2) is None
    assert clock.waits_s == [0.2] * 5


@pytest.mark.parametrize("kind", ["unauthorized", "missing", "forbidden"])
def test_what_the_camera_refuses_is_tried_seldom(clock: Any, kind: str) -> None:
    source = connected(clock, Camera(clock, [0.0, LOST], [refused(kind)], [0.0]))
    read_times(source, 1)
    start_s = clock.now_s
    while source.connection.state != "refused":
        source.read(1.0)
    assert source.connection.message == "Nothing answers."
    read_times(source, 1)
    assert clock.now_s - start_s >= 60


def test_tries_that_were_too_short_are_followed_by_longer_ones(clock: Any) -> None:
    late = refused("timeout")
    camera = Camera(clock, [0.0, LOST], [late], [late], [refused()], [0.0])
    source = connected(clock, camera)
    read_times(source, 2)
    assert [made.config.open_timeout_s for made in camera.made] == [4.5, 2.0, 4.0, 4.5, 4.5]


def test_a_camera_that_lasts_is_tried_again_at_once(clock: Any) -> None:
    camera = Camera(clock, [0.0, LOST], [refused()], [refused()], [0.0, 40.0, LOST], [0.0])
    source = connected(clock, camera)
    read_times(source, 3)
    before_s = clock.now_s
    read_times(source, 1)
    assert clock.now_s - before_s == pytest.approx(0.5)


def test_silence_is_a_stall_and_the_source_stays_open(clock: Any) -> None:
    camera = Camera(clock, [0.0, -1.0, -1.0, -1.5, 1.0])
    source = connected(clock, camera)
    read_times(source, 1)
    for _ in range(3):
        source.read(1.0)
    assert source.connection.state == "stalled"
    read_times(source, 1)
    assert source.connection.state == "live" and len(camera.made) == 1
    assert [gap.kind for gap in source.take_gaps()] == ["stalled"]


def test_a_first_connection_that_fails_is_an_error_unless_it_is_to_be_waited_for(clock: Any) -> None:
    with pytest.raises(SourceOpenError):
        connected(clock, Camera(clock, [refused()]))
    waiting = ConnectionConfig(jitter=0.0, waits_for_first=True)
    source = connected(clock, Camera(clock, [refused()], [refused()], [0.0]), waiting)
    assert source.connection.state == "backing_off" and source.is_live
    assert read_times(source, 1) == [0.0]
    assert source.take_gaps() == []


def test_a_finite_source_is_passed_through(clock: Any) -> None:
    source = connected(clock, Camera(clock, [0.0, END, END], is_live=False))
    assert not source.is_live
    assert isinstance(source.read(1.0), Frame)
    assert source.read(1.0) is END and source.read(1.0) is END
    assert source.connection.state == "ended"
    lost = connected(clock, Camera(clock, [0.0, LOST], is_live=False))
    lost.read(1.0)
    with pytest.raises(SourceLostError):
        lost.read(1.0)


def test_closing_during_a_pause_makes_a_gap_of_what_was_missed(clock: Any) -> None:
    source = connected(clock, Camera(clock, [0.0, 2.0, LOST]))
    read_times(source, 2)
    source.read(1.0)
    clock.now_s += 5.0
    source.close()
    source.close()
    (gap,) = source.take_gaps()
    assert (gap.start_s, gap.end_s) == (2.0, 7.0)
    assert source.read(1.0) is END and source.connection.state == "ended"


def test_what_had_to_be_done_without_is_in_the_status(clock: Any) -> None:
    assert connected(clock, Camera(clock, [0.0])).connection.notes == ("No hardware.",)


def test_whether_anybody_looks_is_passed_on_to_every_connection(clock: Any) -> None:
    camera = Camera(clock, [0.0, LOST], [0.0])
    source = connected(clock, camera)
    source.is_idle = True
    read_times(source, 2)
    assert [made.is_idle for made in camera.made] == [True, True]


def test_another_thread_may_not_read_it(clock: Any) -> None:
    source = connected(clock, Camera(clock, [0.0, 0.0]))
    caught: list[Exception] = []

    def read() -> None:
        try:
            source.read(0.1)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join(5)
    assert len(caught) == 1


def test_reading_before_opening_is_a_mistake(clock: Any) -> None:
    source = ReconnectingSource(Camera(clock, [0.0]).make, SourceConfig(), clock)
    with pytest.raises(ValueError, match="before open"):
        source.read(0.1)
    source.close()
