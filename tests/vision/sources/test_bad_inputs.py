"""Everything that people, cameras and attackers give us by mistake or on purpose, in one table each.

What is no stream is refused with a sentence and a kind; what is only odd is played.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import clips
from tests.http_server import HttpServer
from tests.rtsp_server import RtspServer
from tests.vision.sources.reading import assert_harmless, read_all
from vision import Frame, SourceLostError, SourceOpenError
from vision.sources import SourceConfig, open_source

QUICK = SourceConfig(connection=None, speed="max", open_timeout_s=0.8, read_timeout_s=0.6)
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"


class Refused(NamedTuple):
    spec: str
    kinds: str


ADDRESSES = [
    Refused("", "bad_url"),
    Refused("   ", "bad_url"),
    Refused("rtsp://", "bad_url"),
    Refused("rtsp:///a", "bad_url"),
    Refused("rtsp://cam/a\nb", "bad_url"),
    Refused("rtsp://cam/a\x00b", "bad_url"),
    Refused("rtsp://cam/" + "x" * 4200, "bad_url"),
    Refused("rtsp://💥.invalid/a", "bad_url refused"),
    Refused("rtsp://ünï.invalid/a", "refused"),
    Refused("rtsp://cam.invalid:0/a", "bad_url"),
    Refused("rtsp://cam.invalid:99999/a", "bad_url"),
    Refused("rtsp://admin:p@s#w%r:d/secret@cam.invalid/a", "refused"),
    Refused("rtsp://[::1]:1/a", "refused"),
    Refused("http://[::g]/a", "bad_url"),
    Refused("ftp://h/a", "bad_url"),
    Refused("gopher://h/a", "bad_url"),
    Refused("file:///etc/passwd", "bad_url"),
    Refused("data:video/mp4;base64,AAAA", "bad_url"),
    Refused("concat:/etc/passwd|/etc/group", "bad_url"),
    Refused("subfile,,start,0,end,10,,:/etc/passwd", "bad_url"),
    Refused("unix:/run/socket", "bad_url"),
    Refused("lavfi:testsrc", "bad_url"),
    Refused("tcp://127.0.0.1:1", "bad_url"),
    Refused("udp://127.0.0.1:1", "bad_url"),
    Refused("crypto:rtsp://h/a", "bad_url"),
    Refused("pipe:0", "bad_url"),
]


def refusal(spec: str) -> SourceOpenError:
    start_s = time.monotonic()
    with pytest.raises(SourceOpenError) as failure:
        source = open_source(spec, QUICK)
        try:
            source.open()
        finally:
            source.close()
    assert time.monotonic() - start_s < 10
    assert_harmless(failure.value)
    return failure.value


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: ascii(case.spec[:30]))
def test_addresses_that_are_none_are_refused(case: Refused) -> None:
    assert refusal(case.spec).kind in case.kinds.split()


def write_list(path: Path, entry: str) -> None:
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{entry}\n#EXT-X-ENDLIST\n")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.mp4": (clips.write_empty, "empty"),
    "text.mp4": (clips.write_text, "not_video"),
    "no_index.mp4": (clips.write_truncated_clip, "not_video"),
    "no_pictures.mkv": (clips.write_zero_frame_clip, "empty not_video"),
    "sound.m4a": (clips.write_audio_only, "no_video_stream"),
    "huge.png": (clips.write_huge_png_header, "too_large"),
    "directory": (lambda path: path.mkdir(), "directory"),
    "pipe.mp4": (lambda path: os.mkfifo(path), "other"),
    "device.mp4": (lambda path: path.symlink_to("/dev/zero"), "other"),
    "nothing.mp4": (lambda path: None, "missing"),
    "file.m3u8": (lambda path: write_list(path, "file:///etc/passwd"), "not_video"),
    "concat.m3u8": (lambda path: write_list(path, "concat:/etc/passwd"), "not_video"),
    "subfile.m3u8": (lambda path: write_list(path, "subfile,,start,0,end,9,,:/etc/passwd"), "not_video"),
    "http.m3u8": (lambda path: write_list(path, "http://127.0.0.1:1/internal.ts"), "not_video"),
    "list.ffconcat": (lambda path: path.write_text("ffconcat version 1.0\nfile /etc/passwd\n"), "not_video"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_video_are_refused(name: str, tmp_path: Path) -> None:
    write, kinds = FILES[name]
    write(tmp_path / name)
    assert refusal(str(tmp_path / name)).kind in kinds.split()


CAMERAS: dict[str, tuple[dict, str]] = {
    "sound alone": ({"sdp": SDP + "m=audio 0 RTP/AVP 0\r\na=control:track1\r\n"}, "no_video_stream"),
    "no track at all": ({"sdp": SDP}, "empty not_video refused timeout"),
    "an empty description": ({"sdp": "\r\n"}, "empty not_video refused timeout"),
    "a description that is none": ({"sdp": "<html></html>"}, "empty not_video refused timeout"),
    "an unknown codec": (
        {"sdp": SDP + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 NONSENSE/90000\r\na=control:t\r\n"},
        "not_video timeout",
    ),
    "a password": ({"credentials": ("admin", "secret")}, "unauthorized"),
    "a redirect to where nothing is": ({"redirect_to": "rtsp://127.0.0.1:1/a"}, "refused"),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_cameras_that_send_no_video_are_refused(name: str) -> None:
    options, kinds = CAMERAS[name]
    with RtspServer(**options) as camera:
        assert refusal(camera.url).kind in kinds.split()


@pytest.mark.parametrize(
    "options",
    [
        {"has_parameter_sets": False},
        {"sdp": SDP + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:track1\r\n"},
    ],
    ids=["no parameter sets", "another codec than it says"],
)
def test_cameras_whose_video_cannot_be_decoded_are_refused_or_lost(options: dict) -> None:
    with RtspServer(**options) as camera:
        source = open_source(camera.url, QUICK)
        try:
            source.open()
            frames, outcome = read_all(source)
            assert (frames, outcome) == ([], SourceLostError)
        except SourceOpenError as error:
            assert_harmless(error)
        finally:
            source.close()


def test_a_web_server_that_speaks_another_language_is_refused(tmp_path: Path) -> None:
    with HttpServer(tmp_path) as server, RtspServer() as camera:
        assert refusal(server.url("text").replace("http:", "rtsp:")).kind == "not_video"
        assert refusal(camera.url.replace("rtsp:", "http:")).kind in ("refused", "timeout")
        assert refusal(server.url("silent")).kind == "timeout"
        assert refusal(server.url("silent").replace("http:", "rtmp:")).kind in ("timeout", "refused", "other")


def write_odd(path: Path, codec: str, pix_fmt: str, size: tuple[int, int] = (64, 48)) -> Path:
    return clips.write_clip(path, num_frames=3, codec=codec, pix_fmt=pix_fmt, size=size)


PLAYED: dict[str, tuple[Callable[[Path], object], tuple[int, int, int]]] = {
    "1x1.mkv": (lambda path: write_odd(path, "ffv1", "yuv420p", (1, 1)), (3, 1, 1)),
    "odd sizes.mkv": (lambda path: write_odd(path, "ffv1", "yuv444p", (33, 17)), (3, 17, 33)),
    "10 bits.mp4": (lambda path: write_odd(path, "libx265", "yuv420p10le"), (3, 48, 64)),
    "rotated.mp4": (lambda path: clips.write_rotated_clip(path, 90), (5, 64, 48)),
    "mjpeg.avi": (lambda path: write_odd(path, "mjpeg", "yuvj420p"), (3, 48, 64)),
    "variable rate.mkv": (lambda path: clips.write_clip(path, times_ms=[0, 10, 900, 901]), (4, 48, 64)),
    "a day ahead.mkv": (lambda path: clips.write_clip(path, times_ms=[0, 100, 86_400_000]), (3, 48, 64)),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAYED)
def test_odd_videos_are_played_with_times_that_never_go_back(name: str, tmp_path: Path) -> None:
    write, (num_frames, height_px, width_px) = PLAYED[name]
    write(tmp_path / name)
    source = open_source(str(tmp_path / name), QUICK)
    source.open()
    frames: list[Frame] = read_all(source)[0]
    source.close()
    assert len(frames) == num_frames
    assert frames[0].image.shape == (height_px, width_px, 3)
    times = [frame.time_s for frame in frames]
    assert times == sorted(times) and times[-1] < 10
