"""One model for several sessions."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.language.lmm import Question, Reply
from app.shared_lmm import SharedLMM
from tests.fakes import FakeLMM

QUESTION = Question(text="What?", asked_at_s=0.0)


def never() -> bool:
    return False


def test_it_is_loaded_once_and_closed_with_the_last() -> None:
    made: list[FakeLMM] = []

    def load() -> FakeLMM:
        made.append(FakeLMM())
        return made[-1]

    shared = SharedLMM(load)
    first, second = shared.lend(), shared.lend()
    assert len(made) == 1 and first.name == "fake LMM"
    first.close()
    first.close()
    assert made[0].num_closed == 0
    assert isinstance(list(second.stream(QUESTION, None, never))[-1], Reply)  # type: ignore[arg-type]
    second.close()
    assert made[0].num_closed == 1
    shared.lend().close()
    assert len(made) == 2


def test_one_waits_until_the_other_has_answered() -> None:
    gate = threading.Event()
    shared = SharedLMM(lambda: FakeLMM(["a", gate, "b"]))
    first, second = shared.lend(), shared.lend()
    begun = first.stream(QUESTION, None, never)  # type: ignore[arg-type]
    assert next(begun) == "a"
    told: list[Any] = []
    other = threading.Thread(target=lambda: told.extend(second.stream(QUESTION, None, never)))  # type: ignore[arg-type]
    other.start()
    other.join(0.15)
    assert other.is_alive() and told == []
    gate.set()
    assert next(begun) == "b"
    begun.close()  # type: ignore[attr-defined]
    other.join(10.0)
    assert told[:2] == ["a", "b"]


def test_who_waits_may_give_up() -> None:
    shared = SharedLMM(FakeLMM)
    first, second = shared.lend(), shared.lend()
    begun: Iterator[Any] = first.stream(QUESTION, None, never)  # type: ignore[arg-type]
    next(begun)
    assert list(second.stream(QUESTION, None, lambda: True)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("script", [["a", RuntimeError("broken")], [RuntimeError("broken")]])
def test_the_turn_is_given_back_after_a_failure(script: list[Any]) -> None:
    shared = SharedLMM(lambda: FakeLMM(script))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            list(shared.lend().stream(QUESTION, None, never))  # type: ignore[arg-type]
