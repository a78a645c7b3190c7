import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision import FrameSampler


def accepted(fps: float | None, times_s: list[float]) -> list[float]:
    sampler = FrameSampler(fps)
    return [time_s for time_s in times_s if sampler.accept(time_s)]


def test_every_frame_is_accepted_without_a_limit() -> None:
    assert accepted(None, [0.0, 0.0, 0.01]) == [0.0, 0.0, 0.01]


def test_frames_are_spread_evenly_over_a_faster_stream() -> None:
    times_s = [index / 30 for index in range(300)]
    assert accepted(2.0, times_s) == pytest.approx([index / 2 for index in range(20)], abs=0.001)


def test_no_frame_of_a_jittering_camera_is_lost_at_its_own_rate() -> None:
    jitter = np.random.default_rng(3).uniform(-0.008, 0.008, 100)
    times_s = [0.0, *(index / 10 + float(jitter[index]) for index in range(1, 100))]
    assert len(accepted(10.0, times_s)) == 100


def test_a_rate_below_one_frame_a_second_is_possible() -> None:
    assert accepted(0.1, [float(second) for second in range(60)]) == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]


def test_a_pause_of_the_stream_is_not_made_up_for_by_a_burst() -> None:
    assert accepted(1.0, [0.0, 100.0, 100.05, 100.1, 101.0]) == [0.0, 100.0, 101.0]


def test_a_stream_that_starts_over_is_sampled_from_its_first_frame() -> None:
    sampler = FrameSampler(1.0)
    assert sampler.accept(7.0)
    assert sampler.accept(0.0)
    sampler.reset()
    assert sampler.accept(0.0)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="fps"):
        FrameSampler(fps)


@given(st.lists(st.floats(0, 50), min_size=1), st.floats(0.1, 60))
def test_the_rate_is_never_exceeded(times_s: list[float], fps: float) -> None:
    times_s.sort()
    assert len(accepted(fps, times_s)) <= (times_s[-1] - times_s[0]) * fps + 2
