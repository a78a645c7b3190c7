"""Work that is done by the thread that owns a thing, or by whoever asks when that thread has ended."""

import threading

import pytest

from app.errands import Errands


def test_an_errand_is_done_by_the_owner_and_its_result_comes_back() -> None:
    errands, names, stop = Errands(), [], threading.Event()

    def own() -> None:
        while not stop.is_set():
            errands.run()
            stop.wait(0.002)
        errands.close()

    owner = threading.Thread(target=own, name="owner")
    owner.start()
    try:
        assert errands.do(lambda: names.append(threading.current_thread().name) or 7, 10.0) == 7
        with pytest.raises(KeyError, match="no such"):
            errands.do(lambda: {}["no such"], 10.0)
        with pytest.raises(TimeoutError, match="its own"):
            errands.do(lambda: (_ for _ in ()).throw(TimeoutError("its own")), 10.0)
    finally:
        stop.set()
        owner.join()
    assert names == ["owner"]
    assert errands.do(lambda: threading.current_thread().name, 0.0) == threading.current_thread().name


def test_what_the_owner_did_not_come_to_is_not_done_later() -> None:
    errands, done = Errands(), []
    with pytest.raises(TimeoutError, match="busy"):
        errands.do(lambda: done.append(1), 0.01)
    errands.close()
    assert not done


def test_more_errands_than_can_wait_are_refused() -> None:
    errands = Errands(capacity=1)
    waiting = threading.Thread(target=lambda: errands.do(lambda: None, 10.0))
    waiting.start()
    try:
        while not len(errands._waiting):
            pass
        with pytest.raises(TimeoutError, match="Too much"):
            errands.do(lambda: None, 0.01)
    finally:
        errands.run()
        waiting.join()
