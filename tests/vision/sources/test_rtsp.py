import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import clips
from tests.http_server import HttpServer
from tests.rtsp_server import RtspServer
from vision import END, Frame, SourceLostError, SourceOpenError
from vision.sources import Source, SourceConfig, open_source

AWKWARD = "p@s:s/w#r %d"
SECRETS = ("secret", "p@s", "s/w#r", "p%40s", "admin")


def make(url: str, **changes: object) -> Source:
    return open_source(url, SourceConfig(**({"speed": "max", "open_timeout_s": 3.0} | changes)))  # type: ignore[arg-type]


def read_all(source: Source, limit: int = 1000) -> tuple[list[Frame], object]:
    """The frames, and what came after them: END, SourceLostError, or None when the limit was reached."""
    frames: list[Frame] = []
    try:
        while len(frames) < limit:
            item = source.read(1.0)
            if item is END:
                return frames, END
            if isinstance(item, Frame):
                frames.append(item)
    except SourceLostError as error:
        assert_harmless(error)
        return frames, SourceLostError
    return frames, None


def assert_harmless(error: BaseException) -> None:
    """Nothing of a password in the error, nor in what it is chained to."""
    assert error.__cause__ is None and error.__context__ is None
    text = f"{error} {error!r} {error.args}"
    assert not [secret for secret in SECRETS if secret in text]
    assert "\n" not in str(error) and "Errno" not in str(error) and str(error).endswith(".")


def refusal(url: str, **changes: object) -> SourceOpenError:
    source = make(url, **changes)
    with pytest.raises(SourceOpenError) as failure:
        source.open()
    source.close()
    assert_harmless(failure.value)
    return failure.value


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- cameras ---


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
        source = make(camera.url, read_timeout_s=2.5)
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
    with RtspServer(ending="pause", num_frames=5, pause_s=1.5) as camera:
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


# --- HTTP ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips.write_clip(tmp_path / "clip.mp4")
    clips.write_clip(tmp_path / "clip.ts", num_frames=25, size=(320, 240))
    clips.write_truncated_clip(tmp_path / "first.mp4", index_first=True, fraction=1.0)
    clips.write_still(tmp_path / "still.jpg")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "num_frames"),
    [("file/clip.mp4", 20), ("file/clip.ts", 25), ("stream/first.mp4", 20), ("redirect/clip.mp4", 20)],
)
def test_a_video_of_the_web_is_played_to_its_end(folder: Path, path: str, num_frames: int) -> None:
    with HttpServer(folder) as server:
        source = make(server.url(path))
        source.open()
        frames, outcome = read_all(source)
        source.close()
    assert not source.is_live
    assert (len(frames), outcome) == (num_frames, END)
    assert frames[0].time_s == 0.0 and frames[-1].time_s == pytest.approx((num_frames - 1) / 10)


def test_a_password_for_the_web_is_used(folder: Path) -> None:
    with HttpServer(folder, credentials=("admin", AWKWARD)) as server:
        assert refusal(server.url("file/clip.mp4", "admin:wrong")).kind == "unauthorized"
        source = make(server.url("file/clip.mp4", f"admin:{AWKWARD}"))
        source.open()
        source.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("401", "unauthorized"),
        ("403", "unauthorized"),
        ("404", "missing"),
        ("500", "refused"),
        ("text", "not_video"),
        ("file/nothing.mp4", "missing"),
    ],
)
def test_each_refusal_of_a_web_server_is_told_apart(folder: Path, path: str, kind: str) -> None:
    with HttpServer(folder) as server:
        assert refusal(server.url(path, "admin:secret")).kind == kind


def test_a_camera_of_the_web_is_live(folder: Path) -> None:
    with HttpServer(folder, jpeg=(folder / "still.jpg").read_bytes()) as server:
        source = make(server.url("mjpeg"))
        source.open()
        frames, outcome = read_all(source, limit=20)
        source.close()
    assert source.is_live
    assert (len(frames), outcome) == (20, None)


@pytest.mark.parametrize(("path", "ending"), [("mjpeg", "cut"), ("mjpeg", "stall"), ("stream/clip.ts", "end")])
def test_a_live_stream_of_the_web_that_stops_is_lost(folder: Path, path: str, ending: str) -> None:
    with HttpServer(folder, ending=ending, jpeg=(folder / "still.jpg").read_bytes()) as server:  # type: ignore[arg-type]
        source = make(server.url(path))
        source.open()
        start_s = time.monotonic()
        frames, outcome = read_all(source)
        source.close()
    assert len(frames) >= 10 and outcome is SourceLostError
    assert time.monotonic() - start_s < 6


@pytest.mark.parametrize("ending", ["cut", "stall"])
def test_a_video_of_the_web_that_breaks_off_is_lost_after_what_came(folder: Path, ending: str) -> None:
    with HttpServer(folder, ending=ending, fraction=0.6) as server:  # type: ignore[arg-type]
        source = make(server.url("file/first.mp4"))
        source.open()
        frames, outcome = read_all(source)
        source.close()
    assert 5 <= len(frames) < 20 and outcome is SourceLostError


def test_a_playlist_of_the_web_cannot_make_us_read_a_file_of_this_machine(folder: Path) -> None:
    list_of = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2.5,\n{}\n#EXT-X-ENDLIST\n"
    (folder / "bad.m3u8").write_text(list_of.format(f"file://{folder / 'clip.ts'}"))
    (folder / "good.m3u8").write_text(list_of.format("clip.ts"))
    with HttpServer(folder) as server:
        assert refusal(server.url("file/bad.m3u8")).kind == "not_video"
        source = make(server.url("file/good.m3u8"))
        source.open()
        assert len(read_all(source)[0]) == 25
        source.close()


def test_a_web_server_on_the_port_of_a_camera_is_no_camera(folder: Path) -> None:
    with HttpServer(folder) as server:
        assert refusal(server.url("file/clip.mp4").replace("http:", "rtsp:")).kind == "not_video"


def test_closing_is_possible_twice_and_before_opening() -> None:
    source = make("rtsp://admin:secret@127.0.0.1:1/a")
    source.close()
    source.close()
    with pytest.raises(ValueError, match="before open"):
        source.read(0.0)
