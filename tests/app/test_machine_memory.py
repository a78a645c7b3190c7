"""Memory of the host and of the GPU."""

import mmap
import sys
from types import SimpleNamespace

import pytest

from app import machine_memory
from app.machine_memory import device_memory_bytes, host_memory_bytes


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="told on Linux alone")
def test_the_host_memory_grows_with_what_is_held() -> None:
    before = host_memory_bytes()
    with mmap.mmap(-1, 64_000_000) as held:  # pages of its own, never those that the process has freed
        held[:] = b"x" * len(held)
        after = host_memory_bytes()
    assert before is not None and after is not None and after - before > 32_000_000


def test_where_it_cannot_be_told_it_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(machine_memory, "_STATM", tmp_path / "none")
    assert host_memory_bytes() is None


def test_device_memory_is_told_only_where_a_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert device_memory_bytes() is None
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())  # as another thread imports it
    assert device_memory_bytes() is None
    cuda = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device_memory_bytes() is None
    cuda.is_initialized, cuda.device_count = (lambda: True), (lambda: 2)
    cuda.memory_reserved = lambda number: 100 * (number + 1)
    assert device_memory_bytes() == 300
