from app.attention import Attention
from tests.fakes import FakeClock


def played(attention: Attention, clock: FakeClock, duration_s: float, period_s: float) -> list[bool]:
    """What is_idle said ten times a second, while frames came every `period_s`."""
    said, next_s = [], clock.now_s
    for _ in range(round(duration_s * 10)):
        if clock.now_s >= next_s:
            attention.frame()
            next_s += period_s
        said.append(attention.is_idle())
        clock.advance(0.1)
    return said


def test_a_camera_is_read_idly_some_time_after_the_last_look() -> None:
    clock = FakeClock()
    attention = Attention(0.5, clock)
    said = played(attention, clock, 60.0, 1.0)
    assert not any(said[:149]) and all(said[151:])
    attention.look()
    assert not attention.is_idle(), "whoever asks gets every picture at once"


def test_a_memory_that_wants_many_pictures_gets_all_of_them() -> None:
    clock = FakeClock()
    assert not any(played(Attention(2.0, clock), clock, 60.0, 0.5))


def test_key_pictures_that_come_too_seldom_do_not_do() -> None:
    clock = FakeClock()
    attention = Attention(0.5, clock)
    said = played(attention, clock, 100.0, 10.0)
    assert sum(said) <= 27, "one try of at most 1.3 periods of the memory"
    assert not any(said[200:])
    played(attention, clock, 520.0, 10.0)
    assert sum(played(attention, clock, 100.0, 1.0)) > 990, "it is tried again later"
