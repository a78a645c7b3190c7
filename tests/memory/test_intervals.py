import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import InvalidIntervalError
from memory.intervals import MAX_RUNS, RUN_BREAK_S, checked_interval, cut_out, do_overlap, extended_runs, joined_runs

TIMES = st.integers(0, 40).map(float)
INTERVALS = st.tuples(TIMES, TIMES).map(sorted).map(tuple)


@pytest.mark.parametrize(
    ("start_s", "end_s", "message"),
    [
        (5.0, 4.0, "ends before it starts"),
        (float("nan"), 1.0, "finite"),
        (0.0, float("inf"), "finite"),
        ("soon", 1.0, "two times in seconds, got 'soon'"),
        (None, 1.0, "two times"),
    ],
)
def test_what_is_no_interval_is_refused_with_what_was_seen(start_s, end_s, message):
    with pytest.raises(InvalidIntervalError, match=message):
        checked_interval(start_s, end_s)


def test_numbers_of_any_kind_make_an_interval():
    assert checked_interval(np.float32(1), 2) == (1.0, 2.0)
    assert checked_interval(3, 3) == (3.0, 3.0)


@settings(deadline=None, max_examples=50)
@given(whole=INTERVALS, hole=INTERVALS, moment=TIMES)
def test_what_is_left_lies_in_the_whole_and_outside_the_hole(whole, hole, moment):
    pieces = cut_out(whole, hole)
    is_left = whole[0] <= moment <= whole[1] and not hole[0] <= moment <= hole[1]
    assert any(start <= moment <= end for start, end in pieces) == is_left
    assert not any(do_overlap(piece, hole) for piece in pieces)


@settings(deadline=None, max_examples=50)
@given(runs=st.lists(st.lists(INTERVALS, max_size=8), min_size=2, max_size=2), moment=TIMES)
def test_joined_runs_hold_every_moment_of_both_in_order_and_are_few(runs, moment):
    one, other = (joined_runs(tuple(each), ()) for each in runs)
    joined = joined_runs(one, other)
    assert len(joined) <= MAX_RUNS
    assert all(a[1] < b[0] for a, b in zip(joined, joined[1:], strict=False))
    if any(start <= moment <= end for start, end in (*one, *other)):
        assert any(start <= moment <= end for start, end in joined)


def test_too_many_runs_are_joined_where_the_least_time_lies_between_them():
    runs = tuple((float(10 * i), float(10 * i + 1)) for i in range(MAX_RUNS))
    assert joined_runs(runs, ((13.0, 13.0),)) == (runs[0], (10.0, 13.0), *runs[2:])


def test_a_long_silence_is_not_part_of_a_run():
    runs = extended_runs(((0.0, 1.0),), 1.0 + RUN_BREAK_S)
    assert runs == ((0.0, 31.0),)
    assert extended_runs(runs, 90_000.0) == ((0.0, 31.0), (90_000.0, 90_000.0))
