import threading

import pytest

from app.handoff import Handoff, Signal


def test_items_come_out_in_order() -> None:
    handoff: Handoff[int] = Handoff(3)
    assert [handoff.put(item, 0.0) for item in (1, 2, 3)] == [True, True, True]
    assert [handoff.take(0.0) for _ in range(3)] == [1, 2, 3]
    assert handoff.take(0.0) is Signal.NOTHING


def test_newest_wins_and_losses_are_counted() -> None:
    handoff: Handoff[int] = Handoff(1)
    for item in range(10):
        assert handoff.put_newest(item)
    assert handoff.take(0.0) == 9
    assert handoff.num_dropped == 9


def test_full_channel_refuses_and_drops_nothing() -> None:
    handoff: Handoff[int] = Handoff(2)
    assert handoff.put(1, 0.0) and handoff.put(2, 0.0)
    assert not handoff.put(3, 0.0)
    assert [handoff.take(0.0), handoff.take(0.0)] == [1, 2]
    assert handoff.num_dropped == 0


def test_what_was_put_before_the_end_still_comes_out() -> None:
    handoff: Handoff[int] = Handoff(2)
    handoff.put(1, 0.0)
    handoff.finish()
    handoff.finish()
    assert not handoff.put(2, 0.0)
    assert not handoff.put_newest(3)
    assert handoff.take(0.0) == 1
    assert handoff.take(0.0) is Signal.FINISHED


def test_taker_wakes_when_an_item_comes_and_when_it_is_over() -> None:
    handoff: Handoff[int] = Handoff(1)
    taken: list[int | Signal] = []

    def take_two() -> None:
        taken.append(handoff.take(10.0))
        taken.append(handoff.take(10.0))

    taker = threading.Thread(target=take_two)
    taker.start()
    handoff.put(7, 1.0)
    handoff.finish()
    taker.join(5.0)
    assert taken == [7, Signal.FINISHED]


def test_putter_waits_for_room() -> None:
    handoff: Handoff[int] = Handoff(1)
    handoff.put(1, 0.0)
    results: list[bool] = []
    putter = threading.Thread(target=lambda: results.append(handoff.put(2, 10.0)))
    putter.start()
    assert handoff.take(1.0) == 1
    putter.join(5.0)
    assert results == [True]
    assert handoff.drain() == [2]


def test_waiting_putter_is_freed_by_the_end() -> None:
    handoff: Handoff[int] = Handoff(1)
    handoff.put(1, 0.0)
    results: list[bool] = []
    putter = threading.Thread(target=lambda: results.append(handoff.put(2, 10.0)))
    putter.start()
    handoff.finish()
    putter.join(5.0)
    assert results == [False]


def test_no_item_is_lost_or_doubled_between_threads() -> None:
    handoff: Handoff[int] = Handoff(2)
    taken: list[int] = []

    def take_all() -> None:
        while not isinstance(item := handoff.take(5.0), Signal):
            taken.append(item)

    taker = threading.Thread(target=take_all)
    taker.start()
    assert all(handoff.put(item, 5.0) for item in range(500))
    handoff.finish()
    taker.join(5.0)
    assert taken == list(range(500))


def test_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity must be >= 1, got 0"):
        Handoff(0)


def test_what_waits_can_be_seen_and_goes_on_waiting() -> None:
    handoff: Handoff[int] = Handoff(3)
    assert handoff.waiting() == () and not handoff.is_finished
    handoff.put(1, 0.0)
    handoff.put(2, 0.0)
    assert handoff.waiting() == (1, 2) == handoff.waiting()
    handoff.finish()
    assert handoff.is_finished and handoff.take(0.0) == 1 and handoff.waiting() == (2,)
