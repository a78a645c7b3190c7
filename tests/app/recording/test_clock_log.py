"""Stream time and the wall clock, over restarts and clocks that were set."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RecordingError
from app.recording.clock_log import ClockLog, ClockPiece


def test_a_clock_that_is_corrected_little_by_little_needs_no_new_piece() -> None:
    log = ClockLog()
    assert log.note(0.0, 1000.0)
    assert not log.note(60.0, 1061.5)
    assert log.note(120.0, 1123.0)
    assert log.pieces == (ClockPiece(0.0, 1000.0), ClockPiece(120.0, 1003.0))


def test_a_time_that_the_clock_showed_twice_is_its_later_one() -> None:
    log = ClockLog((ClockPiece(0.0, 1000.0), ClockPiece(100.0, 950.0)))
    assert log.stream_s(1075.0) == 125.0
    assert log.stream_s(1020.0) == 20.0
    assert log.wall_s(99.0) == 1099.0 and log.wall_s(100.0) == 1050.0


def test_a_time_that_the_clock_skipped_is_the_moment_of_the_skip() -> None:
    log = ClockLog((ClockPiece(0.0, 1000.0), ClockPiece(100.0, 4600.0)))
    assert log.stream_s(2000.0) == 100.0
    assert log.stream_s(900.0) == -100.0


def test_the_file_holds_what_was_noted_and_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    assert ClockLog.load(path).pieces == ()
    log = ClockLog((ClockPiece(0.0, 1.5e9), ClockPiece(7.25, 1.6e9)))
    log.save(path)
    log.save(path)
    assert ClockLog.load(path).pieces == log.pieces
    assert [one.name for one in tmp_path.iterdir()] == ["clock.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pieces": [[1]]}', '{"pieces": [["a", "b"]]}', "\x00"])
def test_a_file_that_is_no_clock_gets_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match="cannot be read"):
        ClockLog.load(path)


def test_the_first_moment_after_the_clock_was_set_back_is_found_in_spite_of_rounding() -> None:
    log, start_s = ClockLog(), 1.2504189416467852
    log.note(0.0, 1e9)
    log.note(start_s, 1e9 + start_s - 3.0)
    assert log.stream_s(log.wall_s(start_s)) == pytest.approx(start_s, abs=1e-5)


@given(st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(-1e5, 1e5)), min_size=1, max_size=20), st.floats(0, 1e5))
def test_every_stream_time_has_a_wall_time_that_leads_back_or_to_a_later_showing(
    steps: list[tuple[float, float]], asked_s: float
) -> None:
    log, time_s, wall_s = ClockLog(), 0.0, 1e9
    for step_s, jump_s in steps:
        log.note(time_s, wall_s)
        time_s, wall_s = time_s + step_s, wall_s + step_s + jump_s
    assert log.stream_s(log.wall_s(asked_s)) >= asked_s - 1e-3
