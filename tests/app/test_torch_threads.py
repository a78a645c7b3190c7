"""A thread that computes alone leaves the others their helpers."""

import threading
from collections.abc import Callable, Iterator

import pytest
import torch

from app.torch_threads import compute_alone


def in_a_thread(work: Callable[[], object]) -> object:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    usual = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(usual)


def alone() -> int:
    compute_alone()
    torch.ones(4) + 1
    return torch.get_num_threads()


def test_the_calling_thread_computes_alone_and_no_other_does() -> None:
    assert in_a_thread(alone) == 1
    assert torch.get_num_threads() == 3
    assert in_a_thread(torch.get_num_threads) == 3


def test_asked_twice_it_stays_so() -> None:
    assert in_a_thread(lambda: (alone(), alone())) == (1, 1)
    assert torch.get_num_threads() == 3
