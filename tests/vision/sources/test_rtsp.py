import logging
import time
from pathlib import Path

import pytest

from tests.http_server import HttpServer
from tests.rtmp_server import RtmpServer
from tests.rtsp_server import RtspServer
from tests.vision.sources.reading import AWKWARD, SECRETS, assert_harmless, make, read_all, refusal
from vision import Frame, SourceLostError
from vision.sources import ConnectionConfig, source_connection


def test_a_camera_is_watched_and_its_frames_are_stamped_by_arrival() -> None:
    with RtspServer(fps=50) as camera:
        source = make(camera.url)
        source.open()
        frames, _ = read_all(source, limit=15)
        source.close()
    assert source.is_live
    assert frames[0].time_s == 0.0 and 0.1 < frames[-1].time_s < 5.0
    assert [frame.index for frame in frames] == list(range(15))
    assert frames[0].image.shape == (48, 64, 3)
    assert abs(frames[-1].wall_time_s - time.time()) < 60


def test_a_password_with_awkward_characters_reaches_the_camera_and_nobody_else() -> None:
    with RtspServer(credentials=("admin", AWKWARD)) as camera:
        source = make(camera.url.replace("rtsp://", f"rtsp://admin:{AWKWARD}@"))
        source.open()
        frames, _ = read_all(source, limit=2)
        source.close()
        assert len(frames) == 2
        assert set(camera.credentials_seen) == {("admin", AWKWARD)}
    assert source.name == f"rtsp://***@127.0.0.1:{camera.port}/camera"
    assert not [secret for secret in SECRETS if secret in repr(source)]


def test_the_frame_rate_of_a_camera_is_limited() -> None:
    with RtspServer(fps=50) as camera:
        source = make(camera.url, max_fps=5.0)
        source.open()
        frames, _ = read_all(source, limit=3)
        source.close()
    assert 0.3 <= frames[-1].time_s <= 1.5
    assert frames[-1].index >= 10


def test_a_camera_that_hangs_up_is_lost_not_finished() -> None:
    with RtspServer(ending="close", num_frames=10) as camera:
        source = make(camera.url)
        source.open()
        frames, outcome = read_all(source)
        source.close()
    assert (len(frames), outcome) == (10, SourceLostError)


def test_a_camera_that_stalls_holds_nobody_up_and_is_lost_in_the_end() -> None:
    with RtspServer(ending="stall", num_frames=5) as camera:
        source = make(camera.url, read_timeout_s=1.0)
        source.open()
        results, longest_s = [], 0.0
        with pytest.raises(SourceLostError) as failure:
            for _ in range(50):
                start_s = time.monotonic()
                results.append(source.read(0.2))
                longest_s = max(longest_s, time.monotonic() - start_s)
        source.close()
    assert_harmless(failure.value)
    assert sum(isinstance(result, Frame) for result in results) == 5
    assert None in results
    assert longest_s < 2.5


def test_a_camera_that_pauses_goes_on() -> None:
    with RtspServer(ending="pause", num_frames=5, pause_s=1.2) as camera:
        source = make(camera.url)
        source.open()
        frames, outcome = read_all(source, limit=10)
        source.close()
    assert (len(frames), outcome) == (10, None)


@pytest.mark.parametrize("userinfo", ["", "admin:wrong@", "admin:secret%40@"])
def test_a_wrong_password_is_named_as_such(userinfo: str) -> None:
    with RtspServer(credentials=("admin", AWKWARD)) as camera:
        assert refusal(camera.url.replace("rtsp://", f"rtsp://{userinfo}")).kind == "unauthorized"


def test_a_wrong_path_of_a_camera_is_named_as_such() -> None:
    with RtspServer() as camera:
        assert refusal(camera.url.replace("camera", "nothing")).kind == "missing"


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_port_that_refuses_is_named_as_such(scheme: str, closed_port: int) -> None:
    assert refusal(f"{scheme}://admin:secret@127.0.0.1:{closed_port}/a").kind == "refused"


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_a_host_that_never_answers_is_given_up_in_time(scheme: str, silent_port: int) -> None:
    start_s = time.monotonic()
    error = refusal(f"{scheme}://admin:secret@127.0.0.1:{silent_port}/a", open_timeout_s=0.5)
    assert error.kind == "timeout"
    assert time.monotonic() - start_s < 5


def test_a_host_that_does_not_exist_is_named_as_such() -> None:
    assert refusal("rtsp://admin:secret@camera.invalid/a").kind == "refused"


def test_nothing_is_written_to_the_terminal(capfd: pytest.CaptureFixture[str], closed_port: int) -> None:
    refusal(f"rtsp://admin:secret@127.0.0.1:{closed_port}/a")
    with RtspServer(credentials=("admin", "other")) as camera:
        refusal(camera.url.replace("rtsp://", "rtsp://admin:secret@"))
    assert capfd.readouterr() == ("", "")


def test_a_web_server_on_the_port_of_a_camera_is_no_camera(folder: Path) -> None:
    with HttpServer(folder) as server:
        assert refusal(server.url("file/clip.mp4").replace("http:", "rtsp:")).kind == "not_video"


def test_closing_is_possible_twice_and_before_opening() -> None:
    source = make("rtsp://admin:secret@127.0.0.1:1/a")
    source.close()
    source.close()
    with pytest.raises(ValueError, match="before open"):
        source.read(0.0)


def test_a_camera_that_speaks_rtmp_is_watched_and_lost_when_it_hangs_up() -> None:
    with RtmpServer(num_frames=60) as camera:
        source = make(camera.url)
        source.open()
        frames, outcome = read_all(source)
        source.close()
        assert camera.num_clients_served == 1
    assert (len(frames), outcome) == (60, SourceLostError)
    assert frames[0].time_s == 0.0 and frames[-1].time_s > 0.1


def test_rtmp_to_a_port_that_refuses_is_named_as_such(closed_port: int) -> None:
    assert refusal(f"rtmp://admin:secret@127.0.0.1:{closed_port}/live/a").kind == "refused"


def test_hardware_that_is_not_there_is_done_without_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with RtspServer() as camera, caplog.at_level(logging.WARNING):
        source = make(camera.url, hardware="nonsense", connection=ConnectionConfig())
        source.open()
        frames, _ = read_all(source, limit=3)
        status = source_connection(source)
        source.close()
    assert len(frames) == 3 and status is not None
    assert len(status.notes) == 1 and "without hardware: nonsense" in status.notes[0]
    assert status.notes[0] in caplog.messages
