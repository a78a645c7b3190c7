import pytest

from bench.confidence import wilson_percent


@pytest.mark.parametrize(
    ("num_right", "num", "expected"),
    [(0, 10, (0.0, 27.8)), (10, 10, (72.2, 100.0)), (7, 12, (32.0, 80.7)), (81, 263, (25.5, 36.6))],
)
def test_the_interval_is_the_published_one(num_right, num, expected):
    assert wilson_percent(num_right, num) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("num_right", "num"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(num_right, num):
    with pytest.raises(ValueError, match="num_right"):
        wilson_percent(num_right, num)
