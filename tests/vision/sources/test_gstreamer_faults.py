"""A real RTSP server that is stopped, killed, started anew as another camera, or given another password."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.errors import SessionClosedError
from app.session import Session
from tests.app.recording.parts import GridEncoder, wait_for
from tests.fakes import FakeLMM
from tests.gstreamer import GstreamerCamera, GstreamerServer, free_port
from tests.vision.sources.reading import PATIENCE_S, reach, read_until
from vision.sources import ConnectionConfig, ReconnectingSource, SourceConfig, open_source

StartCamera = Callable[..., GstreamerServer]
CLOSE_S = 5.0  # what a session has for closing


@pytest.fixture
def start_camera(tmp_path: Path) -> Iterator[StartCamera]:
    """start_camera(port, camera, ...): a running server of one camera; the rest are arguments of GstreamerServer."""
    started: list[GstreamerServer] = []

    def start(port: int, camera: GstreamerCamera | None = None, **named: str) -> GstreamerServer:
        started.append(GstreamerServer(tmp_path, port, {"/camera": camera or GstreamerCamera()}, **named))  # type: ignore[arg-type]
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()


def watch(url: str, **rules: float) -> ReconnectingSource:
    connection = ConnectionConfig(**({"first_delay_s": 0.05, "max_delay_s": 0.2, "refused_delay_s": 0.3} | rules))  # type: ignore[arg-type]
    source = open_source(url, SourceConfig(connection=connection))
    assert isinstance(source, ReconnectingSource)
    source.open()
    return source


def test_a_camera_that_hangs_then_dies_then_comes_back_as_another_one_is_one_stream(start_camera: StartCamera) -> None:
    port = free_port()
    camera = start_camera(port)
    source = watch(camera.url("/camera"))
    frames = read_until(source, lambda frames: len(frames) == 10)
    camera.send(signal.SIGSTOP)
    stopped_s = time.monotonic()
    frames += reach(source, "stalled")  # by the rules that a user has: silent for three seconds
    assert time.monotonic() - stopped_s < 5.0
    stalled_from_s = frames[-1].time_s
    camera.send(signal.SIGCONT)
    frames += reach(source, "live")
    frames += read_until(source, lambda frames: len(frames) == 5)
    camera.kill()
    frames += reach(source, "backing_off")
    assert {frame.image.shape for frame in frames} == {(96, 160, 3)}
    lost_from_s = frames[-1].time_s
    start_camera(port, GstreamerCamera(codec="hevc", width=192, height=128))
    after = read_until(source, lambda frames: len(frames) == 5)
    assert {frame.image.shape for frame in after} == {(128, 192, 3)}
    stalled, lost = source.take_gaps()
    assert (stalled.kind, stalled.start_s) == ("stalled", stalled_from_s) and stalled.end_s - stalled.start_s >= 2.5
    assert (lost.kind, lost.start_s, lost.end_s) == ("disconnected", lost_from_s, after[0].time_s)
    every = frames + after
    assert all(a.time_s <= b.time_s and a.index < b.index for a, b in zip(every, every[1:], strict=False))
    assert source.connection.num_reconnects == 1
    source.close()


def test_a_password_that_is_changed_while_a_camera_is_watched_is_said_until_it_is_right_again(
    start_camera: StartCamera,
) -> None:
    port = free_port()
    camera = start_camera(port, user="viewer", password="first")
    source = watch(camera.url("/camera", userinfo="viewer:first@"))
    read_until(source, lambda frames: len(frames) == 3)
    camera.kill()
    camera = start_camera(port, user="viewer", password="second")
    reach(source, "refused")
    status = source.connection
    assert status.message is not None and "password" in status.message and "first" not in repr(status)
    camera.kill()
    start_camera(port, user="viewer", password="first")
    reach(source, "live")
    source.close()


@pytest.mark.parametrize("moment", ["open", "stall", "pause"])
def test_a_session_closes_in_time_whatever_its_camera_does(start_camera: StartCamera, moment: str) -> None:
    camera = start_camera(free_port())
    if moment == "open":
        camera.send(signal.SIGSTOP)
    rules = ConnectionConfig(stall_after_s=0.5, first_delay_s=30.0)
    config = AssistantConfig(
        source=camera.url("/camera"), capture=CaptureConfig(reading=SourceConfig(connection=rules))
    )
    session = Session(config, encoder=GridEncoder, lmm=FakeLMM)
    starting = threading.Thread(target=start_unless_closed, args=(session,), name="starting")
    starting.start()
    if moment == "open":
        wait_for(lambda: is_running("afterglow-capture"))
    else:
        wait_for(lambda: session.status().frames_seen > 2, PATIENCE_S)
        camera.send(signal.SIGSTOP) if moment == "stall" else camera.kill()
        wanted = "stalled" if moment == "stall" else "backing_off"
        wait_for(lambda: getattr(session.status().connection, "state", None) == wanted, PATIENCE_S)
    begun_s = time.monotonic()
    session.close()
    assert time.monotonic() - begun_s < CLOSE_S
    starting.join(CLOSE_S)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("afterglow-", "starting"))]


def start_unless_closed(session: Session) -> None:
    with contextlib.suppress(SessionClosedError):
        session.start()


def is_running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())
