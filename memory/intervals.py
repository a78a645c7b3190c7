"""Intervals of stream time, both ends included: what pin, forget, gaps, notes and slots are reckoned in.

Pure functions over plain numbers; any thread.
"""

import math

from memory.errors import InvalidIntervalError

__all__ = ["Interval", "checked_interval", "cut_out", "do_overlap", "extended_runs", "joined_runs"]

Interval = tuple[float, float]

MAX_RUNS = 8
RUN_BREAK_S = 30.0  # a longer silence between two frames is not part of the time that a slot stands for


def checked_interval(start_s: object, end_s: object) -> Interval:
    """The two times as floats. Raises InvalidIntervalError unless they are finite numbers in order."""
    try:
        start, end = float(start_s), float(end_s)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidIntervalError(f"expected two times in seconds, got {start_s!r} and {end_s!r}") from error
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InvalidIntervalError(f"expected finite times in seconds, got {start} and {end}")
    if end < start:
        raise InvalidIntervalError(f"the interval ends before it starts: {start} s to {end} s; swap the two")
    return start, end


def do_overlap(one: Interval, other: Interval) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def cut_out(whole: Interval, hole: Interval) -> tuple[Interval, ...]:
    """What is left of `whole` outside `hole`: none, one or two intervals; their inner ends lie just outside of it."""
    if not do_overlap(whole, hole):
        return (whole,)
    left = (whole[0], math.nextafter(hole[0], -math.inf))
    right = (math.nextafter(hole[1], math.inf), whole[1])
    return tuple(piece for piece in (left, right) if piece[0] <= piece[1])


def joined_runs(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """The union, in order of time, as at most MAX_RUNS intervals: those with the least time between them are joined."""
    runs: list[Interval] = []
    for run in sorted((*one, *other)):
        if runs and run[0] <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], run[1]))
        else:
            runs.append(run)
    while len(runs) > MAX_RUNS:
        left = min(range(len(runs) - 1), key=lambda i: runs[i + 1][0] - runs[i][1])
        runs[left : left + 2] = [(runs[left][0], runs[left + 1][1])]
    return tuple(runs)


def extended_runs(runs: tuple[Interval, ...], time_s: float) -> tuple[Interval, ...]:
    """With one more frame at `time_s`, which is no earlier than their end."""
    start_s, end_s = runs[-1]
    if time_s - end_s <= RUN_BREAK_S:
        return (*runs[:-1], (start_s, time_s))
    return joined_runs(runs, ((time_s, time_s),))
