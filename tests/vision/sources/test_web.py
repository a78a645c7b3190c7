import time
from pathlib import Path

import pytest

from tests import clips
from tests.http_server import HttpServer
from tests.vision.sources.reading import AWKWARD, make, read_all, refusal
from vision import END, SourceLostError
from vision.sources import ConnectionConfig, take_gaps
from vision.sources.source import source_notes


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
        source = make(server.url(path), read_timeout_s=1.0)
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
        assert refusal(server.url("file/bad.m3u8")).kind == "forbidden"
        source = make(server.url("file/good.m3u8"))
        source.open()
        assert len(read_all(source)[0]) == 25
        source.close()


# --- cameras with endless pictures ---


def test_pictures_without_a_length_are_found_by_their_marks(folder: Path) -> None:
    with HttpServer(folder, jpeg=(folder / "still.jpg").read_bytes()) as server:
        source = make(server.url("bare-mjpeg"))
        source.open()
        frames, _ = read_all(source, limit=5)
        source.close()
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].image.shape == (48, 64, 3)


def test_pictures_that_are_none_are_counted_and_the_camera_is_lost(folder: Path) -> None:
    with HttpServer(folder, jpeg=b"\xff\xd8\xff\xe0 no picture at all \xff\xd9") as server:
        source = make(server.url("mjpeg"), read_timeout_s=20.0)
        source.open()
        frames, outcome = read_all(source)
        source.close()
    assert (frames, outcome) == ([], SourceLostError)
    assert source.counters.packets_damaged > 10


def test_the_rate_of_a_web_camera_is_limited_before_its_pictures_are_decoded(folder: Path) -> None:
    with HttpServer(folder, jpeg=(folder / "still.jpg").read_bytes()) as server:
        source = make(server.url("mjpeg"), max_fps=5.0)
        source.open()
        frames, _ = read_all(source, limit=3)
        source.close()
    assert 0.3 <= frames[-1].time_s <= 1.5 and frames[-1].index >= 8


def test_hardware_that_decodes_no_such_pictures_is_done_without_and_said(folder: Path) -> None:
    with HttpServer(folder, jpeg=(folder / "still.jpg").read_bytes()) as server:
        for path in ("mjpeg", "file/clip.ts"):
            source = make(server.url(path), hardware="vaapi")
            source.open()
            assert len(read_all(source, limit=3)[0]) == 3
            (note,) = source_notes(source)
            assert "without hardware: vaapi" in note
            source.close()


# --- passwords, redirects, hosts that dawdle ---


def test_a_camera_that_asks_for_a_digest_is_answered(folder: Path) -> None:
    with HttpServer(folder, credentials=("admin", AWKWARD), challenge="Digest") as server:
        assert refusal(server.url("file/clip.ts", "admin:wrong")).kind == "unauthorized"
        assert refusal(server.url("file/clip.ts")).kind == "unauthorized"
        source = make(server.url("file/clip.ts", f"admin:{AWKWARD}"))
        source.open()
        assert len(read_all(source)[0]) == 25
        source.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2", "[::1]"])
def test_a_redirect_to_another_host_is_not_followed(folder: Path, host: str) -> None:
    with HttpServer(folder) as other:
        target = f"http://{host}:{other.port}/file/clip.ts"
        with HttpServer(folder, redirect_to=target) as server:
            error = refusal(server.url("away", "admin:secret"))
        assert error.kind == "forbidden" and "another host" in str(error)
        assert other.paths_asked == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "rtsp://127.0.0.1/a", "http://", "//", "\\\\host\\a"])
def test_a_redirect_to_something_else_is_not_followed(folder: Path, target: str) -> None:
    with HttpServer(folder, redirect_to=target) as server:
        assert refusal(server.url("away")).kind in ("forbidden", "refused", "missing")


def test_redirects_in_a_circle_come_to_an_end(folder: Path) -> None:
    with HttpServer(folder, redirect_to="/away") as server:
        assert refusal(server.url("away")).kind == "refused"
        assert len(server.paths_asked) < 10


def test_a_host_that_answers_byte_by_byte_is_given_up_in_time(folder: Path) -> None:
    with HttpServer(folder) as server:
        start_s = time.monotonic()
        assert refusal(server.url("dribble"), open_timeout_s=0.5).kind == "timeout"
        assert time.monotonic() - start_s < 3.0


def test_a_camera_of_the_web_comes_back(folder: Path) -> None:
    still = (folder / "still.jpg").read_bytes()
    rules = ConnectionConfig(first_delay_s=0.01, max_delay_s=0.02)
    with HttpServer(folder, jpeg=still, ending="cut") as server:
        source = make(server.url("mjpeg"), connection=rules)
        source.open()
        frames, outcome = read_all(source, limit=25)
        source.close()
    assert outcome is None and len(frames) == 25
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    assert len(take_gaps(source)) >= 2


# --- playlists ---

LIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
PIECE = "#EXTINF:0.5,\n{}\n"


@pytest.fixture
def pieces(folder: Path) -> Path:
    """Three pieces of half a second, whose times go on from one to the next."""
    for number in range(3):
        clips.write_clip(folder / f"piece{number}.ts", times_ms=[500 * number + 100 * index for index in range(5)])
    return folder


def test_a_playlist_that_grows_is_live_and_goes_on_with_its_new_pieces(pieces: Path) -> None:
    (pieces / "live.m3u8").write_text(LIST + "".join(PIECE.format(f"piece{number}.ts") for number in range(2)))
    with HttpServer(pieces) as server:
        source = make(server.url("file/live.m3u8"), speed="realtime")
        source.open()
        assert source.is_live
        frames, _ = read_all(source, limit=10)
        (pieces / "live.m3u8").write_text(LIST + "".join(PIECE.format(f"piece{number}.ts") for number in range(3)))
        frames += read_all(source, limit=5)[0]
        source.close()
    times = [frame.time_s for frame in frames]
    assert len(frames) == 15 and times == sorted(times)


def test_the_pieces_of_a_playlist_are_asked_for_with_its_password(pieces: Path) -> None:
    (pieces / "list.m3u8").write_text(LIST + PIECE.format("piece0.ts") + "#EXT-X-ENDLIST\n")
    with HttpServer(pieces, credentials=("admin", AWKWARD)) as server:
        source = make(server.url("file/list.m3u8", f"admin:{AWKWARD}"))
        source.open()
        assert len(read_all(source)[0]) == 5
        source.close()
        assert "/file/piece0.ts" in server.paths_asked


@pytest.mark.parametrize(
    "entry",
    [
        "file:///etc/passwd",
        "concat:/etc/passwd",
        "subfile,,start,0,end,10,,:/etc/passwd",
        "data:video/mp2t;base64,AAAA",
        "http://127.0.0.1:{other}/internal.ts",
        "http://169.254.169.254/latest/meta-data.ts",
        "http://[::1]:{other}/internal.ts",
        "http://10.255.255.1/internal.ts",
        "rtsp://127.0.0.1:{other}/internal",
        "tcp://127.0.0.1:{other}",
        "gopher://127.0.0.1:{other}/",
    ],
)
def test_a_playlist_reaches_nothing_but_its_own_host_and_the_open_internet(folder: Path, entry: str) -> None:
    with HttpServer(folder) as other, HttpServer(folder) as server:
        (folder / "bad.m3u8").write_text(LIST + PIECE.format(entry.format(other=other.port)) + "#EXT-X-ENDLIST\n")
        assert refusal(server.url("file/bad.m3u8")).kind in ("forbidden", "missing")
        assert other.paths_asked == []


def test_a_playlist_without_an_end_is_not_read(folder: Path) -> None:
    (folder / "long.m3u8").write_text(LIST + PIECE.format("clip.ts") * 200_000)
    with HttpServer(folder) as server:
        assert refusal(server.url("file/long.m3u8")).kind == "too_large"
