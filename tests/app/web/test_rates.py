import pytest

from app.web.rates import RateLimit, client_of
from tests.fakes import FakeClock


def test_so_many_at_once_then_as_they_come_back() -> None:
    clock = FakeClock()
    limit = RateLimit(3, 60.0, clock=clock)
    assert [limit.take("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limit.take("a") == pytest.approx(20.0) and limit.take("b") == 0.0
    clock.advance(19.0)
    assert limit.wait_s("a") == pytest.approx(1.0)
    clock.advance(1.5)
    assert limit.take("a") == 0.0 and limit.take("a") > 18.0
    clock.advance(3600.0)
    assert [limit.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_looking_counts_nothing() -> None:
    limit = RateLimit(1, 60.0, clock=FakeClock())
    assert [limit.wait_s("a") for _ in range(5)] == [0.0] * 5
    assert limit.take("a") == 0.0 and limit.take("a") > 0


def test_keys_are_bounded_and_those_longest_unused_go() -> None:
    limit = RateLimit(1, 60.0, max_keys=3, clock=FakeClock())
    for key in "abcd":
        limit.take(key)
    assert len(limit._buckets) == 3
    assert limit.wait_s("a") == 0.0 and limit.wait_s("d") > 0


@pytest.mark.parametrize(
    ("client", "key"),
    [
        (("192.168.1.5", 4000), "192.168.1.5"),
        (("::ffff:192.168.1.5", 4000), "192.168.1.5"),
        (("2001:db8:1:2:3:4:5:6", 4000), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 4000), "fe80::/64"),
        (("testclient", 50000), "testclient"),
        (None, "unknown"),
    ],
)
def test_an_address_is_one_client_whatever_its_port(client: tuple[str, int] | None, key: str) -> None:
    assert client_of({"client": client}) == key
