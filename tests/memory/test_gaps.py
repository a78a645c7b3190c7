import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import GAP_KINDS, InvalidNoteError, StreamMemory
from memory.gaps import GapLog
from tests.memory.streams import make_config

TIMES = st.integers(0, 60).map(float)
MARKS = st.lists(st.tuples(st.sampled_from(GAP_KINDS), st.tuples(TIMES, TIMES).map(sorted).map(tuple)), max_size=30)


def rows(memory):
    return [(gap.kind, gap.start_s, gap.end_s, gap.num_joined) for gap in memory.snapshot().gaps]


def test_gaps_are_rows_of_the_snapshot_in_order_of_time():
    memory = StreamMemory(make_config())
    memory.mark_gap("dark", 50.0, 60.0)
    memory.mark_gap("disconnected", 10.0, 20.0)
    assert rows(memory) == [("disconnected", 10.0, 20.0, 1), ("dark", 50.0, 60.0, 1)]


def test_gaps_of_one_kind_that_touch_become_one_and_other_kinds_stay():
    memory = StreamMemory(make_config())
    for kind, start_s, end_s in [("dropped", 1, 2), ("dropped", 2, 3), ("dark", 2, 4), ("dropped", 0, 1)]:
        memory.mark_gap(kind, start_s, end_s)
    assert rows(memory) == [("dropped", 0.0, 3.0, 3), ("dark", 2.0, 4.0, 1)]


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(InvalidNoteError, match="disconnected, dropped, dark, evicted, forgotten, got 'bored'"):
        StreamMemory(make_config()).mark_gap("bored", 0.0, 1.0)


@settings(deadline=None, max_examples=50)
@given(marks=MARKS, capacity=st.integers(1, 8))
def test_a_full_log_joins_gaps_of_one_kind_and_loses_no_moment(marks, capacity):
    log = GapLog(capacity)
    for kind, interval in marks:
        log.add(kind, interval)
        assert len(log.publish()) <= max(capacity, len(GAP_KINDS))
    for kind, (start_s, end_s) in marks:
        assert any(gap.kind == kind and gap.start_s <= start_s and end_s <= gap.end_s for gap in log.publish())
    assert sum(gap.num_joined for gap in log.publish()) == len(marks)
    assert list(log.publish()) == sorted(log.publish(), key=lambda gap: (gap.start_s, gap.end_s, gap.kind))


@settings(deadline=None, max_examples=50)
@given(marks=MARKS, hole=st.tuples(TIMES, TIMES).map(sorted).map(tuple))
def test_nothing_of_a_forgotten_interval_is_left_and_all_else_is(marks, hole):
    log = GapLog(100)
    for kind, interval in marks:
        log.add(kind, interval)
    before = log.publish()
    log.forget(hole)
    for gap in log.publish():
        assert gap.end_s < hole[0] or gap.start_s > hole[1]
    for moment in range(61):
        if not hole[0] <= moment <= hole[1]:
            kinds_before = {gap.kind for gap in before if gap.start_s <= moment <= gap.end_s}
            assert {gap.kind for gap in log.publish() if gap.start_s <= moment <= gap.end_s} == kinds_before
