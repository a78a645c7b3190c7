import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision import SourceOpenError
from vision.sources import parse_spec


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("clip.mp4", "file", "clip.mp4"),
        ("  clip.mp4 ", "file", "clip.mp4"),
        ("/a b/ü 💥.mkv", "file", "/a b/ü 💥.mkv"),
        ("C:\\videos\\clip.mp4", "file", "C:\\videos\\clip.mp4"),
        ("notes: today.mp4", "file", "notes: today.mp4"),
        ("webcam", "webcam", "0"),
        ("webcam:0", "webcam", "0"),
        ("webcam:12", "webcam", "12"),
        ("webcam:/dev/video2", "webcam", "/dev/video2"),
        ("rtsp://h/a", "network", "rtsp://h/a"),
        ("HTTPS://h/a", "network", "https://h/a"),
        ("rtmps://h/a/b", "network", "rtmps://h/a/b"),
        ("screen", "screen", ""),
        ("Screen:1", "screen", "1"),
        ("screen::1.0", "screen", ":1.0"),
        ("synthetic:colours", "synthetic", "colours"),
    ],
)
def test_each_kind_of_source_is_recognised(text: str, kind: str, target: str) -> None:
    spec = parse_spec(text)
    assert (spec.kind, spec.target) == (kind, target)


def test_the_home_folder_is_found() -> None:
    assert parse_spec("~/clip.mp4").target == os.path.expanduser("~/clip.mp4")
    assert parse_spec("~/clip.mp4").name == "~/clip.mp4"


def test_options_of_a_synthetic_source_are_read() -> None:
    spec = parse_spec("synthetic:moving_square?frames=50&fps=10&size=64x48")
    assert dict(spec.options) == {"frames": "50", "fps": "10", "size": "64x48"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a\nb.mp4",
        "a\x00.mp4",
        "x" * 5000,
        "ftp://h/a",
        "gopher://h/a",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "FILE:/etc/passwd",
        "data:video/mp4;base64,AAAA",
        "concat:/etc/passwd|/etc/group",
        "subfile,,start,0,end,10,,:/etc/passwd",
        "unix:/run/socket",
        "lavfi:testsrc",
        "tcp://127.0.0.1:1",
        "udp://127.0.0.1:1",
        "rtmpt://h/a",
        "srt://h:1",
        "crypto:rtsp://h/a",
        "pipe:0",
        "fd:0",
        "webcam:x",
        "webcam:/etc/passwd",
        "webcam:-1",
        "webcam:123",
        "screen:desktop",
        "screen::0;rm",
        "synthetic:colours?frames",
    ],
)
def test_what_is_no_source_of_ours_is_refused(text: str) -> None:
    with pytest.raises(SourceOpenError) as failure:
        parse_spec(text)
    assert failure.value.kind == "bad_url"
    assert len(str(failure.value)) < 300 + len(text) * (len(text) < 100)


def test_a_password_is_neither_in_the_refusal_nor_in_the_repr() -> None:
    with pytest.raises(SourceOpenError) as failure:
        parse_spec("ftp://admin:secret@h/a")
    assert "secret" not in str(failure.value)
    assert "secret" not in repr(parse_spec("rtsp://admin:secret@h/a"))


@given(st.text(max_size=200))
def test_any_text_is_either_a_source_or_refused(text: str) -> None:
    try:
        assert parse_spec(text).name
    except SourceOpenError as error:
        assert error.kind == "bad_url"


@given(st.text(alphabet="ab@:/#?%[]. 1", max_size=40), st.sampled_from(["rtsp://", "http://u:", "rtsp://u:p"]))
def test_any_address_is_either_read_or_refused(text: str, start: str) -> None:
    try:
        assert parse_spec(start + text).kind == "network"
    except SourceOpenError as error:
        assert error.kind == "bad_url"
