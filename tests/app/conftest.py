"""Every test of this folder must leave no thread of ours behind."""

import threading
from collections.abc import Iterator

import pytest

END_TIMEOUT_S = 5.0


@pytest.fixture(autouse=True)
def no_thread_is_left_alive() -> Iterator[None]:
    yield
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("afterglow-")]
    for thread in ours:
        thread.join(END_TIMEOUT_S)
    assert not [thread.name for thread in ours if thread.is_alive()]
