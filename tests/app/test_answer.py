import threading

import pytest

from app.answer import Answer, Moment
from app.status import FrameCounts, MemoryCounts
from tests.fakes import FakeClock, FakeSnapshot


def make_moment(t_now_s: float = 4.0) -> Moment:
    snapshot = FakeSnapshot(version=2, t_now_s=t_now_s, frames_seen=2)
    return Moment(snapshot=snapshot, frames=FrameCounts(seen=9, encoded=2, dropped=1), memory=MemoryCounts(version=2))


def test_pieces_come_in_order_and_end_with_the_answer() -> None:
    answer = Answer("what?", moment=make_moment())
    answer.push("a ")
    answer.push("cat")
    answer.complete("a cat")
    assert list(answer) == ["a ", "cat"]
    assert list(answer) == ["a ", "cat"]
    assert answer.result(0.0).text == "a cat"


def test_reader_gets_pieces_while_they_come() -> None:
    answer = Answer("what?", moment=make_moment())
    read: list[str] = []
    first_read = threading.Event()

    def read_all() -> None:
        for piece in answer:
            read.append(piece)
            first_read.set()

    reader = threading.Thread(target=read_all)
    reader.start()
    answer.push("a ")
    assert first_read.wait(5.0)
    answer.push("cat")
    answer.complete("a cat")
    reader.join(5.0)
    assert read == ["a ", "cat"]


def test_times_are_measured_from_the_question() -> None:
    clock = FakeClock()
    answer = Answer("what?", moment=make_moment(), clock=clock)
    clock.advance(0.25)
    answer.push("a")
    clock.advance(0.5)
    answer.push("b")
    answer.complete("ab")
    result = answer.result(0.0)
    assert result.ttft_ms == pytest.approx(250.0)
    assert result.total_ms == pytest.approx(750.0)
    assert result.asked_at_s == 4.0
    assert result.frames == FrameCounts(seen=9, encoded=2, dropped=1)


def test_scheduled_question_counts_from_its_moment() -> None:
    clock = FakeClock()
    answer = Answer("what?", clock=clock)
    assert answer.asked_at_s is None
    clock.advance(60.0)
    answer.set_moment(make_moment(t_now_s=7.0))
    clock.advance(0.1)
    answer.push("a")
    answer.complete("a")
    assert answer.result(0.0).ttft_ms == pytest.approx(100.0)
    assert answer.asked_at_s == 7.0


def test_failure_reaches_every_reader_after_what_was_said() -> None:
    answer = Answer("what?", moment=make_moment())
    answer.push("a ")
    answer.fail(RuntimeError("the model broke"))
    pieces = iter(answer)
    assert next(pieces) == "a "
    with pytest.raises(RuntimeError, match="the model broke"):
        next(pieces)
    with pytest.raises(RuntimeError, match="the model broke"):
        answer.result(0.0)


def test_first_outcome_stands() -> None:
    answer = Answer("what?", moment=make_moment())
    answer.complete("a cat")
    answer.fail(RuntimeError("too late"))
    assert answer.result(0.0).text == "a cat"


def test_waiting_for_an_answer_is_bounded() -> None:
    with pytest.raises(TimeoutError, match="not complete after 0.01 s"):
        Answer("what?").result(0.01)
    assert Answer("what?").next_pieces(0, 0.0) == ()
