"""A camera that goes and comes back, seen from the session: its status, and what the memory is told."""

import time

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from tests.fakes import FakeMemory, make_session
from tests.rtsp_server import RtspServer
from vision.sources import ConnectionConfig, SourceConfig, open_source


def wait_for(condition, limit_s: float = 10.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_the_memory_learns_when_the_camera_was_away() -> None:
    reading = SourceConfig(connection=ConnectionConfig(first_delay_s=0.3, max_delay_s=0.3))
    config = AssistantConfig(capture=CaptureConfig(reading=reading))
    memory = FakeMemory()
    with RtspServer() as camera:
        session = make_session(config, source=open_source(camera.url, reading), memory=memory)
        session.start()
        wait_for(lambda: session.status().frames_encoded > 0)
        assert session.status().connection.state == "live" and not session.status().is_picture_stale
        camera.drop_clients()
        wait_for(lambda: session.status().connection.state == "backing_off")
        assert session.status().connection.blind_since_s is not None
        wait_for(lambda: session.status().num_gaps == 1 and len(memory.gaps) == 1)
        session.close()
    ((kind, start_s, end_s),) = memory.gaps
    assert kind == "disconnected" and 0 <= start_s < end_s
    assert all(not start_s < time_s < end_s for time_s in memory.times_s)
    assert session.status().state == "closed"


def test_a_session_that_is_closed_while_the_camera_is_away_tells_of_it() -> None:
    reading = SourceConfig(connection=ConnectionConfig(first_delay_s=30.0))
    memory = FakeMemory()
    with RtspServer() as camera:
        session = make_session(source=open_source(camera.url, reading), memory=memory)
        session.start()
        wait_for(lambda: session.status().frames_encoded > 0)
        camera.drop_clients()
        wait_for(lambda: session.status().connection.state == "backing_off")
        session.close()
    assert len(memory.gaps) == 1


def test_what_was_not_seen_up_to_the_end_is_told_too() -> None:
    reading = SourceConfig(connection=ConnectionConfig(first_delay_s=30.0))
    config = AssistantConfig(capture=CaptureConfig(reading=reading, stop_at_s=1.0))
    memory = FakeMemory()
    with RtspServer() as camera:
        session = make_session(config, source=open_source(camera.url, reading), memory=memory)
        session.start()
        wait_for(lambda: session.status().frames_encoded > 0)
        camera.drop_clients()
        assert session.wait_until_ended(5.0)
        session.close()
    ((kind, _, end_s),) = memory.gaps
    assert kind == "disconnected" and end_s >= 1.0
