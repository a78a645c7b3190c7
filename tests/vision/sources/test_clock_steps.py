"""The clock of the machine is set while a camera is watched: stream time, stalls and pauses know nothing of it."""

import time

import pytest

from tests.rtsp_server import RtspServer
from tests.vision.sources.test_faults import assert_one_stream, camera_source, reach, read_until


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 86_400.0])
def test_a_clock_that_is_set_moves_the_wall_times_alone(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    true_time = time.time
    with RtspServer(fps=50) as camera:
        source = camera_source(camera.url)
        source.open()
        before = read_until(source, lambda frames: len(frames) == 5)
        monkeypatch.setattr(time, "time", lambda: true_time() + step_s)
        after = read_until(source, lambda frames: len(frames) == 5)
        assert source.connection.state == "live" and source.take_gaps() == []
        camera.drop_clients()
        after += reach(source, "backing_off")
        monkeypatch.setattr(time, "time", true_time)
        back = reach(source, "live") + read_until(source, lambda frames: len(frames) == 5)
        source.close()
    assert_one_stream(before, after, back)
    moved_s = after[0].wall_time_s - before[-1].wall_time_s
    assert abs(moved_s - step_s) < 60.0
    assert back[-1].time_s - before[0].time_s < 60.0
