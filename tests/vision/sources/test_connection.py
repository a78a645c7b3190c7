import math

import pytest

from vision.sources import ConnectionConfig, source_connection, take_gaps
from vision.sources.backoff import Backoff
from vision.sources.connection import ConnectionWatch, StreamGap

RULES = ConnectionConfig(stall_after_s=3.0)


def make_watch() -> ConnectionWatch:
    watch = ConnectionWatch(RULES, 100.0)
    watch.connecting(100.0)
    watch.connected(100.5)
    return watch


def test_a_connection_is_live_from_its_first_picture_on() -> None:
    watch = make_watch()
    assert watch.status.state == "connecting"
    watch.picture(0.0, 101.0)
    assert (watch.status.state, watch.status.since_s, watch.status.message) == ("live", 101.0, None)
    watch.picture(1.0, 102.0)
    assert watch.status.since_s == 101.0
    assert watch.take_gaps() == []


def test_silence_is_a_stall_and_its_end_a_gap() -> None:
    watch = make_watch()
    watch.picture(0.0, 101.0)
    watch.quiet(103.9)
    assert watch.status.state == "live"
    watch.quiet(104.0)
    assert watch.status.state == "stalled"
    assert watch.status.blind_since_s == 0.0 and "3 s" in str(watch.status.message)
    watch.picture(4.5, 105.5)
    assert watch.status.state == "live" and watch.status.blind_since_s is None
    assert watch.take_gaps() == [StreamGap(start_s=0.0, end_s=4.5, kind="stalled")]
    assert watch.take_gaps() == []


def test_a_sign_of_life_that_is_no_picture_holds_off_the_stall() -> None:
    watch = make_watch()
    watch.picture(0.0, 101.0)
    watch.quiet(110.0, progress_s=109.0)
    assert watch.status.state == "live"
    watch.quiet(112.0, progress_s=109.0)
    assert watch.status.state == "stalled"


def test_a_stall_that_becomes_a_lost_connection_is_one_gap() -> None:
    watch = make_watch()
    watch.picture(2.0, 101.0)
    watch.quiet(105.0)
    watch.failed("It hung up.", 106.0, retry_at_s=107.0, is_refused=False)
    assert watch.status.state == "backing_off" and watch.status.retry_at_s == 107.0
    watch.connecting(107.0)
    watch.failed("No.", 107.1, retry_at_s=170.0, is_refused=True)
    assert (watch.status.state, watch.status.num_failures, watch.status.blind_since_s) == ("refused", 2, 2.0)
    watch.connecting(170.0)
    watch.connected(170.1)
    watch.picture(72.0, 171.0)
    assert watch.take_gaps() == [StreamGap(start_s=2.0, end_s=72.0, kind="disconnected")]
    assert (watch.status.num_failures, watch.status.num_reconnects, watch.status.message) == (0, 1, None)


def test_what_was_not_seen_until_the_end_is_a_gap() -> None:
    watch = make_watch()
    watch.picture(2.0, 101.0)
    watch.failed("It hung up.", 106.0, retry_at_s=107.0, is_refused=False)
    watch.ended(110.0, 11.0)
    watch.ended(111.0, 12.0)
    assert watch.status.state == "ended" and watch.status.since_s == 110.0
    assert watch.take_gaps() == [StreamGap(start_s=2.0, end_s=11.0, kind="disconnected")]


def test_nothing_before_the_first_picture_is_a_gap() -> None:
    watch = make_watch()
    watch.failed("Nobody there.", 101.0, retry_at_s=102.0, is_refused=False)
    watch.picture(0.0, 130.0)
    assert watch.take_gaps() == []


def test_gaps_that_nobody_takes_stay_bounded_and_lose_no_time() -> None:
    watch = make_watch()
    for number in range(1000):
        watch.picture(2.0 * number, 101.0)
        watch.failed("It hung up.", 101.0, retry_at_s=102.0, is_refused=False)
    watch.picture(2000.0, 101.0)
    gaps = watch.take_gaps()
    assert len(gaps) == 256
    assert (gaps[0].start_s, gaps[-1].end_s) == (0.0, 2000.0)
    assert all(earlier.end_s <= later.start_s for earlier, later in zip(gaps, gaps[1:], strict=False))


def test_sources_without_a_connection_have_none_and_no_gaps() -> None:
    assert source_connection(object()) is None
    assert take_gaps(object()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"stall_after_s": 0.0},
        {"first_delay_s": -1.0},
        {"max_delay_s": math.nan},
        {"refused_delay_s": math.inf},
        {"jitter": 1.0},
        {"first_delay_s": 5.0, "max_delay_s": 1.0},
    ],
)
def test_rules_out_of_range_name_the_field(changes: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        ConnectionConfig(**changes)


def test_pauses_double_up_to_the_limit_and_go_on_for_ever() -> None:
    backoff = Backoff(ConnectionConfig(jitter=0.0), lambda: 0.5)
    assert [backoff.delay_s(is_refused=False) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    backoff.lost_after(29.0)
    assert backoff.delay_s(is_refused=False) == 30
    backoff.lost_after(30.0)
    assert backoff.delay_s(is_refused=False) == 0.5


def test_a_refusal_is_followed_by_a_long_pause_and_leaves_the_others_short() -> None:
    backoff = Backoff(ConnectionConfig(jitter=0.0), lambda: 0.5)
    assert [backoff.delay_s(is_refused=refused) for refused in (True, True, False)] == [60, 60, 0.5]


def test_jitter_moves_pauses_both_ways_within_its_part() -> None:
    rules = ConnectionConfig(jitter=0.2)
    assert Backoff(rules, lambda: 0.0).delay_s(is_refused=False) == pytest.approx(0.4)
    assert Backoff(rules, lambda: 1.0).delay_s(is_refused=False) == pytest.approx(0.6)
