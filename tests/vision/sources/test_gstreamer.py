"""Real RTSP cameras: GStreamer's server in a process of its own, with every kind of video, user and password."""

import gc
import os
import threading
from collections.abc import Iterator

import pytest

from app.machine_memory import host_memory_bytes
from tests.gstreamer import GstreamerCamera, GstreamerServer, free_port
from tests.numbered import number_of
from tests.vision.sources.reading import AWKWARD, make, read_all, refusal
from vision import Frame
from vision.sources import Source

CODECS = ("h264", "hevc", "mjpeg")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GstreamerServer]:
    cameras = {f"/{codec}": GstreamerCamera(codec=codec) for codec in CODECS}  # type: ignore[arg-type]
    cameras["/quick"] = GstreamerCamera(fps=50, gop=2)
    with GstreamerServer(tmp_path_factory.mktemp("gstreamer"), free_port(), cameras) as started:
        yield started


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GstreamerServer]:
    """One that asks for a user and a password."""
    folder = tmp_path_factory.mktemp("guarded")
    with GstreamerServer(folder, free_port(), {"/h264": GstreamerCamera()}, user="admin", password=AWKWARD) as started:
        yield started


def numbers_of(source: Source, count: int) -> list[int]:
    source.open()
    try:
        frames, outcome = read_all(source, limit=count)
    finally:
        source.close()
    assert outcome is None and [frame.index for frame in frames] == list(range(count))
    times_s = [frame.time_s for frame in frames]
    assert times_s[0] == 0.0 and times_s == sorted(times_s)
    assert {frame.image.shape for frame in frames} == {(96, 160, 3)}
    return [number_of(frame.image) for frame in frames]


@pytest.mark.parametrize("codec", CODECS)
def test_every_picture_of_a_camera_comes_in_order(server: GstreamerServer, codec: str) -> None:
    numbers = numbers_of(make(server.url(f"/{codec}")), 15)
    assert numbers == [(numbers[0] + place) % 40 for place in range(15)]


def test_a_camera_is_watched_over_udp_too(server: GstreamerServer) -> None:
    numbers = numbers_of(make(server.url(), rtsp_transport="udp"), 10)
    assert len(set(numbers)) == 10


def test_the_right_password_opens_a_camera(guarded: GstreamerServer) -> None:
    source = make(guarded.url(userinfo=f"admin:{AWKWARD}@"))
    assert len(numbers_of(source, 3)) == 3
    assert source.name == f"rtsp://***@127.0.0.1:{guarded.port}/h264"


@pytest.mark.parametrize("userinfo", ["", "admin:wrong@", "other:secret@"])
def test_a_wrong_password_is_refused_and_not_shown(guarded: GstreamerServer, userinfo: str) -> None:
    assert refusal(guarded.url(userinfo=userinfo)).kind == "unauthorized"


def test_a_path_that_is_not_there_is_named_as_such(server: GstreamerServer) -> None:
    assert refusal(server.url("/nothing")).kind == "missing"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted as Linux shows them")
def test_a_hundred_quick_connections_leave_no_file_no_thread_and_no_memory_behind(server: GstreamerServer) -> None:
    def connect(count: int) -> None:
        for _ in range(count):
            source = make(server.url("/quick"))
            source.open()
            while not isinstance(source.read(0.5), Frame):
                pass
            source.close()

    connect(20)
    gc.collect()
    before = (len(os.listdir("/proc/self/fd")), threading.active_count())
    before_bytes = host_memory_bytes()
    connect(100)
    gc.collect()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
    assert host_memory_bytes() - before_bytes < 16_000_000
