"""A clock that moves only when someone waits, or when a test says so."""

import pytest


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
