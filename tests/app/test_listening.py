"""The listen thread with fake recognisers."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.errors import SessionClosedError, TooManyQuestionsError
from app.hearing import NotUnderstoodError
from app.install.errors import EXIT_NOT_FETCHED, SetupError
from app.listening import MAX_WAITING, ListenWorker, Utterance
from tests.fakes import FakeRecogniser

WAIT_S = 10.0


def spoken(seconds: float = 1.0, level: float = 0.2) -> Utterance:
    audio = level * np.sin(np.arange(round(seconds * 16_000)) / 6)
    return Utterance((audio * 32767).astype("<i2").tobytes(), 16_000)


@pytest.fixture
def start() -> Iterator[Any]:
    workers: list[ListenWorker] = []

    def start_it(*recognisers: Any) -> ListenWorker:
        left = list(recognisers)

        def open_recogniser() -> Any:
            item = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(item, Exception):
                raise item
            return item

        worker = ListenWorker(open_recogniser)
        worker.launch(lambda worker: None)
        workers.append(worker)
        return worker

    yield start_it
    for worker in workers:
        worker.stop()
        assert worker.join(WAIT_S) and worker.failure is None


def ended(worker: ListenWorker, utterance: Utterance | None = None) -> Utterance:
    utterance = utterance or spoken()
    worker.put(utterance)
    assert utterance.wait(WAIT_S)
    return utterance


def test_utterances_are_written_down_in_order(start: Any) -> None:
    recogniser = FakeRecogniser(["Is the cat there?", "And now?"])
    worker = start(recogniser)
    utterances = [spoken(1.0), spoken(2.0)]
    for utterance in utterances:
        worker.put(utterance)
    assert all(utterance.wait(WAIT_S) for utterance in utterances)
    assert [utterance.text for utterance in utterances] == ["Is the cat there?", "And now?"]
    assert recogniser.lengths == [16_000, 32_000]
    assert worker.state == "ready" and utterances[0].pcm == b""


def test_silence_is_told_without_opening_anything(start: Any) -> None:
    worker = start(RuntimeError("must not be opened"))
    assert "muted" in (ended(worker, spoken(level=0.0)).problem or "")
    assert worker.state == "idle"


def test_what_is_not_understood_is_told_and_the_next_is_heard(start: Any) -> None:
    worker = start(FakeRecogniser([NotUnderstoodError("I did not understand that."), "Hello?"]))
    assert ended(worker).problem == "I did not understand that."
    assert ended(worker).text == "Hello?"


@pytest.mark.parametrize(
    ("error", "words"),
    [(SetupError("There is no network.", EXIT_NOT_FETCHED), "There is no network."), (OSError("disk"), "OSError")],
)
def test_a_recogniser_that_cannot_be_opened_is_told_and_tried_again(start: Any, error: Exception, words: str) -> None:
    worker = start(error, FakeRecogniser(["Hello?"]))
    failed = ended(worker)
    assert words in (failed.problem or "") and "type the question" in (failed.problem or "")
    assert ended(worker).text == "Hello?"


def test_a_recogniser_that_fails_is_opened_anew(start: Any) -> None:
    broken = FakeRecogniser([RuntimeError("broken")])
    worker = start(broken, FakeRecogniser(["Hello?"]))
    assert "RuntimeError" in (ended(worker).problem or "")
    assert broken.num_closed == 1
    assert ended(worker).text == "Hello?"


def test_it_is_opened_when_a_microphone_is_switched_on(start: Any) -> None:
    worker = start(FakeRecogniser([]))
    worker.prepare()
    while worker.state != "ready":
        threading.Event().wait(0.01)


def test_too_many_and_too_late_are_refused_and_no_one_waits(start: Any) -> None:
    gate = threading.Event()
    worker = start(FakeRecogniser(["Hello?"] * 99, gate=gate))
    worker.put(first := spoken())
    while worker._current is not first:
        threading.Event().wait(0.001)
    waiting = [spoken() for _ in range(MAX_WAITING)]
    for utterance in waiting:
        worker.put(utterance)
    with pytest.raises(TooManyQuestionsError):
        worker.put(spoken())
    worker.stop()
    assert all(utterance.wait(WAIT_S) and utterance.text is None for utterance in waiting)
    gate.set()
    assert first.wait(WAIT_S)
    with pytest.raises(SessionClosedError):
        worker.put(spoken())
