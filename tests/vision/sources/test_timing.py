from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.sources.timing import ArrivalTimes, Pacer, StreamTimes


def stamps(pts_s: list[float | None], fps: float | None = 10.0) -> list[float]:
    times = StreamTimes(fps)
    return [round(times.stamp(each), 6) for each in pts_s]


def test_the_first_picture_is_at_zero_wherever_the_container_starts() -> None:
    assert stamps([1234.5, 1234.6, 1235.5]) == [0.0, 0.1, 1.0]


def test_missing_time_stamps_are_filled_in_from_the_frame_rate() -> None:
    assert stamps([None, None, None], fps=5.0) == [0.0, 0.2, 0.4]
    assert stamps([None, None], fps=None) == [0.0, 0.04]
    assert stamps([None, None], fps=90_000.0) == [0.0, 0.04]


def test_a_known_time_after_missing_ones_goes_on_from_there() -> None:
    assert stamps([None, 7.0, 7.5, None, 7.7]) == [0.0, 0.1, 0.6, 0.7, 0.8]


def test_time_stands_still_rather_than_going_back() -> None:
    assert stamps([0.0, 0.2, 0.1, 0.3]) == [0.0, 0.2, 0.2, 0.3]


def test_a_restarted_counter_goes_on_one_frame_later() -> None:
    assert stamps([0.0, 50.0, 0.0, 0.5]) == [0.0, 50.0, 50.1, 50.6]


def test_a_jump_of_a_day_is_no_pause() -> None:
    assert stamps([0.0, 86_400.0, 86_400.5]) == [0.0, 0.1, 0.6]


def test_a_pause_of_minutes_is_kept() -> None:
    assert stamps([0.0, 600.0]) == [0.0, 600.0]


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_time_never_decreases(pts_s: list[float | None]) -> None:
    times_s = stamps(pts_s)
    assert times_s == sorted(times_s)
    assert not times_s or times_s[0] == 0.0


def test_a_live_stream_is_stamped_by_arrival() -> None:
    times = ArrivalTimes()
    assert times.last_s is None
    assert [times.stamp(now_s) for now_s in (50.0, 50.5, 50.4, 51.0)] == [0.0, 0.5, 0.5, 1.0]
    assert (times.newest_s, times.last_s) == (51.0, 1.0)


def test_frames_are_waited_for_until_they_are_due(clock: Any) -> None:
    pacer = Pacer(clock)
    assert all(pacer.wait_until_due(time_s, deadline_s=1e9) for time_s in (0.0, 0.1, 0.5))
    assert clock.waits_s == pytest.approx([0.1, 0.4])


def test_waiting_ends_at_the_deadline(clock: Any) -> None:
    pacer = Pacer(clock)
    assert pacer.wait_until_due(0.0, deadline_s=100.0)
    assert not pacer.wait_until_due(5.0, deadline_s=101.0)
    assert clock.now_s == pytest.approx(101.0)


def test_waiting_ends_when_the_clock_is_woken(clock: Any) -> None:
    pacer = Pacer(clock)
    assert pacer.wait_until_due(0.0, deadline_s=1e9)
    clock.is_stopped = True
    assert not pacer.wait_until_due(5.0, deadline_s=1e9)
    assert len(clock.waits_s) == 1


def test_a_frame_from_the_past_is_lost_unless_nothing_was_shown_for_long(clock: Any) -> None:
    pacer = Pacer(clock, tolerance_s=0.1, max_silence_s=0.5)
    assert not pacer.is_lost(0.0)
    pacer.given()
    clock.now_s += 0.3
    assert not pacer.is_lost(0.25)
    assert pacer.is_lost(0.1)
    clock.now_s += 0.3
    assert not pacer.is_lost(0.1)
