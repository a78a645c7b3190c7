"""A clock that moves only when someone waits, or when a test says so; ports that do not answer; a folder of clips."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import clips


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.waits_s: list[float] = []
        self.is_stopped = False
        """True: waiting returns at once, as when a stop event is set."""

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return 1_700_000_000.0 + self.now_s

    def wait(self, duration_s: float) -> None:
        self.waits_s.append(duration_s)
        if not self.is_stopped:
            self.now_s += duration_s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips.write_clip(tmp_path / "clip.mp4")
    clips.write_clip(tmp_path / "clip.ts", num_frames=25, size=(320, 240))
    clips.write_truncated_clip(tmp_path / "first.mp4", index_first=True, fraction=1.0)
    clips.write_still(tmp_path / "still.jpg")
    return tmp_path
