"""Cameras that fail in every way, through a real RTSP server on loopback; pauses between tries are milliseconds."""

import gc
import os
import socket
import threading
import time

import pytest

from app.machine_memory import host_memory_bytes
from tests.rtsp_server import RtspServer
from tests.vision.sources.reading import reach, read_until
from vision import Frame
from vision.sources import ConnectionConfig, ReconnectingSource, SourceConfig, open_source

QUICK = ConnectionConfig(first_delay_s=0.02, max_delay_s=0.05, refused_delay_s=0.2, stall_after_s=0.6)
PASSWORD = "s3cret"


def camera_source(url: str, **changes: object) -> ReconnectingSource:
    fields = {"connection": QUICK, "open_timeout_s": 0.6, "read_timeout_s": 1.2} | changes
    source = open_source(url, SourceConfig(**fields))  # type: ignore[arg-type]
    assert isinstance(source, ReconnectingSource)
    return source


def reconnect(source: ReconnectingSource, num_reconnects: int) -> None:
    """Reads, keeping nothing, until it has come back so often."""
    end_s = time.monotonic() + 60.0
    while source.connection.num_reconnects < num_reconnects:
        assert time.monotonic() < end_s
        source.read(0.1)


def assert_one_stream(*parts: list[Frame]) -> None:
    """Times and numbers only ever grow, over all connections."""
    frames = [frame for part in parts for frame in part]
    assert frames[0].time_s == 0.0
    for earlier, later in zip(frames, frames[1:], strict=False):
        assert later.time_s >= earlier.time_s and later.index > earlier.index


def test_a_killed_camera_comes_back_with_another_size_and_codec_on_the_same_clock() -> None:
    with RtspServer(size=(64, 48)) as camera:
        source = camera_source(camera.url)
        source.open()
        before = read_until(source, lambda frames: len(frames) == 5)
    before += reach(source, "backing_off")
    status = source.connection
    assert status.message is not None and status.retry_at_s is not None
    assert status.blind_since_s == before[-1].time_s
    with RtspServer(size=(96, 64), codec="hevc", port=camera.port):
        after = read_until(source, lambda frames: len(frames) == 5)
        source.close()
    assert (before[0].image.shape, after[0].image.shape) == ((48, 64, 3), (64, 96, 3))
    assert_one_stream(before, after)
    (gap,) = source.take_gaps()
    assert (gap.start_s, gap.end_s, gap.kind) == (before[-1].time_s, after[0].time_s, "disconnected")
    assert source.connection.num_reconnects == 1
    assert source.counters.frames_delivered == len(before) + len(after)


def test_a_stopped_camera_stalls_within_five_seconds_and_goes_on_when_continued() -> None:
    with RtspServer() as camera:
        source = camera_source(camera.url, connection=ConnectionConfig(stall_after_s=0.6), read_timeout_s=20.0)
        source.open()
        before = read_until(source, lambda frames: len(frames) == 5)
        camera.freeze()
        stopped_s = time.monotonic()
        before += reach(source, "stalled")
        assert time.monotonic() - stopped_s < 5.0
        assert source.connection.blind_since_s == before[-1].time_s
        camera.thaw()
        after = reach(source, "live")
        source.close()
    assert_one_stream(before, after)
    (gap,) = source.take_gaps()
    assert gap.kind == "stalled" and gap.end_s - gap.start_s >= 0.5
    assert source.connection.num_reconnects == 0


def test_a_camera_that_stays_stopped_is_lost_and_found_again() -> None:
    with RtspServer() as camera:
        source = camera_source(camera.url)
        source.open()
        before = read_until(source, lambda frames: len(frames) == 5)
        camera.freeze()  # to the client this is a half-open connection too: nothing comes, and no end
        before += reach(source, "backing_off")
        read_until(source, lambda frames: source.connection.num_failures == 2)
        camera.thaw()
        after = reach(source, "live")
        source.close()
    assert_one_stream(before, after)
    assert [gap.kind for gap in source.take_gaps()] == ["disconnected"]


def test_a_camera_that_sends_single_bytes_is_lost() -> None:
    with RtspServer(ending="dribble", num_frames=5) as camera:
        source = camera_source(camera.url)
        source.open()
        longest_s = 0.0
        while source.connection.state != "backing_off":
            start_s = time.monotonic()
            source.read(0.1)
            longest_s = max(longest_s, time.monotonic() - start_s)
        source.close()
    assert longest_s < 2.5


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted as Linux shows them")
def test_quick_reconnects_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    with RtspServer(ending="close", num_frames=2, fps=500) as camera:
        source = camera_source(camera.url, connection=ConnectionConfig(first_delay_s=0.001, max_delay_s=0.001))
        source.open()
        reconnect(source, 50)
        gc.collect()
        num_files, num_threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        num_bytes = host_memory_bytes()
        reconnect(source, 150)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= num_files + 8  # those of the server, in the same process
        assert threading.active_count() <= num_threads + 4
        assert host_memory_bytes() <= num_bytes + 16_000_000
        source.close()
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) <= 4, "one in 30 s at most"


def test_a_changed_password_is_refused_said_and_tried_seldom() -> None:
    with RtspServer(credentials=("viewer", PASSWORD)) as camera:
        source = camera_source(camera.url.replace("rtsp://", f"rtsp://viewer:{PASSWORD}@"))
        source.open()
        read_until(source, lambda frames: len(frames) == 3)
        camera.credentials = ("viewer", "another")
        camera.drop_clients()
        reach(source, "refused")
        status = source.connection
        assert status.message is not None and "password" in status.message and PASSWORD not in repr(status)
        assert status.retry_at_s is not None and status.retry_at_s - status.since_s > 0.1
        num_connections = camera.num_connections
        read_until(source, lambda frames: time.monotonic() > status.retry_at_s - 0.05)
        assert camera.num_connections == num_connections
        camera.credentials = ("viewer", PASSWORD)
        reach(source, "live")
        source.close()


def test_a_camera_that_is_not_there_yet_is_waited_for_when_asked_to() -> None:
    with RtspServer() as camera:
        url, port = camera.url, camera.port
    source = camera_source(url, connection=ConnectionConfig(first_delay_s=0.02, max_delay_s=0.05, waits_for_first=True))
    source.open()
    assert source.connection.state == "backing_off"
    with RtspServer(port=port):
        frames = reach(source, "live")
        source.close()
    assert frames[0].time_s == 0.0 and source.take_gaps() == []


def test_a_name_that_cannot_be_resolved_for_a_while_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, failures = socket.getaddrinfo, [socket.gaierror(), socket.gaierror()]

    def resolve_later(*arguments: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return resolve(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_later)
    rules = ConnectionConfig(first_delay_s=0.02, max_delay_s=0.05, waits_for_first=True)
    with RtspServer() as camera:
        source = camera_source(camera.url, connection=rules)
        source.open()
        assert source.connection.state == "backing_off"
        reach(source, "live")
        source.close()
    assert failures == []


@pytest.mark.parametrize("moment", ["stall", "pause"])
def test_closing_is_quick_at_any_moment(moment: str) -> None:
    with RtspServer() as camera:
        source = camera_source(camera.url, connection=ConnectionConfig(stall_after_s=0.6, first_delay_s=30.0))
        source.open()
        read_until(source, lambda frames: len(frames) == 3)
        if moment == "stall":
            camera.freeze()
            reach(source, "stalled")
        else:
            camera.drop_clients()
            reach(source, "backing_off")
        start_s = time.monotonic()
        source.close()
        source.close()
        assert time.monotonic() - start_s < 1.0
        camera.thaw()
    assert source.connection.state == "ended"
    (gap,) = source.take_gaps()
    assert gap.end_s >= gap.start_s


def test_only_key_pictures_are_decoded_while_nobody_looks() -> None:
    with RtspServer(fps=50, num_pictures=10) as camera:
        source = camera_source(camera.url)
        source.open()
        read_until(source, lambda frames: len(frames) == 12)
        source.is_idle = True
        read_until(source, lambda frames: len(frames) == 2)
        idle = read_until(source, lambda frames: len(frames) == 4)
        source.is_idle = False
        active = read_until(source, lambda frames: len(frames) == 12)
        source.close()
    assert len({int(frame.image.mean()) for frame in idle}) == 1, "a key picture is always the first of the scene"
    levels = [round(float(frame.image.mean()), 0) for frame in active]
    assert len(set(levels)) == 10 and source.counters.packets_damaged == 0
