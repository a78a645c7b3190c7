import threading

import pytest

from app.worker import StopSignal, Worker


class ScriptedWorker(Worker):
    """Raises where it is told to; counts what it did."""

    def __init__(self, stop: StopSignal, fail_in: str = "", num_steps: int = 3) -> None:
        super().__init__("scripted", stop)
        self.calls: list[str] = []
        self._fail_in, self._num_steps = fail_in, num_steps

    def open(self) -> None:
        self._do("open")

    def step(self) -> bool:
        self._do("step")
        return self.calls.count("step") < self._num_steps

    def close(self) -> None:
        self._do("close")

    def _do(self, phase: str) -> None:
        self.calls.append(phase)
        if phase in self._fail_in.split():
            raise RuntimeError(f"{phase} failed")


def run(worker: Worker) -> list[Worker]:
    """Starts the worker and waits for its end; who was told of it."""
    told: list[Worker] = []
    worker.launch(told.append)
    assert worker.join(5.0)
    return told


def test_worker_opens_steps_until_its_input_ends_and_closes() -> None:
    stop = StopSignal()
    worker = ScriptedWorker(stop)
    assert run(worker) == [worker]
    assert worker.calls == ["open", "step", "step", "step", "close"]
    assert worker.failure is None and not stop.is_set()
    assert worker.finished.is_set()


@pytest.mark.parametrize("phase", ["open", "step", "close"])
def test_failure_of_any_phase_is_kept_stops_everyone_and_still_closes(phase: str) -> None:
    stop = StopSignal()
    worker = ScriptedWorker(stop, fail_in=phase)
    assert run(worker) == [worker]
    assert str(worker.failure) == f"{phase} failed"
    assert stop.is_set() and stop.cause is worker.failure
    assert worker.calls[-1] == "close"
    assert worker.ready.is_set() and worker.finished.is_set()


def test_original_failure_is_not_replaced_by_one_while_closing() -> None:
    stop = StopSignal()
    worker = ScriptedWorker(stop, fail_in="step close")
    run(worker)
    assert str(worker.failure) == "step failed"
    assert str(stop.cause) == "step failed"


def test_ready_or_raise_gives_the_original_exception() -> None:
    worker = ScriptedWorker(StopSignal(), fail_in="open")
    run(worker)
    with pytest.raises(RuntimeError, match="open failed"):
        worker.wait_ready(1.0)


def test_not_ready_in_time_is_a_time_out() -> None:
    gate = threading.Event()

    class SlowWorker(ScriptedWorker):
        def open(self) -> None:
            assert gate.wait(5.0)

    worker = SlowWorker(StopSignal())
    worker.launch(lambda worker: None)
    with pytest.raises(TimeoutError, match="scripted thread was not ready"):
        worker.wait_ready(0.01)
    gate.set()
    assert worker.join(5.0)


def test_worker_leaves_when_told_to_stop() -> None:
    stop = StopSignal()
    worker = ScriptedWorker(stop, num_steps=1_000_000_000)
    worker.launch(lambda worker: None)
    worker.wait_ready(5.0)
    stop.set()
    assert worker.join(5.0)
    assert worker.failure is None


def test_joining_a_worker_that_never_started_returns_at_once() -> None:
    assert ScriptedWorker(StopSignal()).join(0.0)


def test_first_cause_is_kept() -> None:
    stop = StopSignal()
    first, second = ValueError("first"), ValueError("second")
    stop.fail(first)
    stop.fail(second)
    assert stop.cause is first


def test_a_worker_that_is_just_being_launched_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = ScriptedWorker(StopSignal())
    may_start, start = threading.Event(), worker._thread.start

    def start_later() -> None:
        assert may_start.wait(10.0)
        start()

    monkeypatch.setattr(worker._thread, "start", start_later)
    launching = threading.Thread(target=worker.launch, args=(lambda ended: None,))
    launching.start()
    while not worker._was_launched:
        pass
    assert not worker.join(0.01)
    may_start.set()
    assert worker.join(10.0)
    launching.join(10.0)
    assert worker.calls[-1] == "close"
