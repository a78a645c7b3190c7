"""cameras.yaml: every mistake with its line, all at once."""

from pathlib import Path

import pytest

from app.reading_options import ReadingOptions
from app.recording.cameras_file import CamerasFile, read_cameras
from vision.sources import SourceConfig, TlsRules

GOOD = """\
data: recordings
defaults:
  max_days: 3
  video: false
cameras:
  - name: front
    source: rtsp://camera.local/stream
    credentials_file: /etc/afterglow/front
    max_gb: 50
  - name: back
    source: ${BACK_CAMERA}
    video: true
    fps: 2
"""


def read(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> CamerasFile:
    path = tmp_path / "cameras.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_cameras(path, environ or {})


def told(tmp_path: Path, text: str | bytes) -> list[tuple[int, str]]:
    return [(problem.line, problem.sentence) for problem in read(tmp_path, text).problems]


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_a_good_file_gives_its_cameras(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text, {"BACK_CAMERA": "webcam:1"})
    assert found.problems == () and found.data == tmp_path / "recordings"
    front, back = found.cameras
    assert (front.name, front.source, front.max_gb, front.max_days, front.video, front.fps) == (
        "front", "rtsp://camera.local/stream", 50.0, 3.0, False, 1.0,
    )  # fmt: skip
    assert (back.name, back.source, back.video, back.fps) == ("back", "webcam:1", True, 2.0)
    assert "camera.local" not in repr(front)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "empty"),
        ("cameras: [", 1, "not YAML"),
        ("cameras:\n\t- name: a", 2, "not YAML"),
        ("- a\n- b", 1, "key: value"),
        ("cameras:\n  - name: a\n    source: x\ncamera: 3", 4, "did you mean 'cameras'"),
        ("data: x", 1, "no `cameras:` list"),
        ("cameras: []", 1, "list of 1 to 64"),
        ("cameras:\n  - name: a\n    source: x\n    max_bg: 3", 4, "did you mean 'max_gb'"),
        ("cameras:\n  - name: a\n    source: x\n    max_gb: much", 4, "number from"),
        ("cameras:\n  - name: a\n    source: x\n    fps: 0", 4, "number from"),
        ("cameras:\n  - name: a\n    source: x\n    video: maybe", 4, "true or false"),
        ("cameras:\n  - source: x", 2, "no name"),
        ("cameras:\n  - name: a", 2, "no source"),
        ("cameras:\n  - name: ../a\n    source: x", 2, "no name for a camera"),
        ("cameras:\n  - name: a\n    source: gopher://x/y", 3, "not a kind of source"),
        ("cameras:\n  - name: a\n    source: ''", 3, "should be a text"),
        ("cameras:\n  - name: a\n    source: ${NOT_THERE}", 3, "no NOT_THERE"),
        ("cameras:\n  - name: a\n    source: x\n  - name: a\n    source: y", 4, "already, on line 2"),
        ("cameras:\n  - name: a\n    name: b\n    source: x", 3, "given twice"),
        ("a: &a [x, x]\ncameras: [*a]", 1, "References"),
        ("cameras:\n  - !!python/object/apply:os.system [ls]", 2, "key: value"),
        (b"\xff\xfe\x00", 1, "not UTF-8"),
        ("x" * 300_000, 1, "larger than"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str | bytes, line: int, part: str) -> None:
    problems = told(tmp_path, text)
    assert any(where == line and part in sentence for where, sentence in problems), problems


def test_all_mistakes_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = "cameras:\n  - name: A\n    source: x\n    fps: 99\n  - name: b\n    sauce: y\n"
    assert [line for line, _ in told(tmp_path, text)] == [2, 4, 5, 6]


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    (problem,) = read_cameras(tmp_path / "none.yaml", {}).problems
    assert problem.line == 1 and "cannot be read" in problem.sentence


def test_a_password_in_a_wrong_source_is_not_told(tmp_path: Path) -> None:
    for source in ("rtsp://admin:s3cret@camera:99999/x", "gopher://admin:s3cret@camera/x"):
        problems = told(tmp_path, f"cameras:\n  - name: a\n    source: {source}\n")
        assert problems and not any("s3cret" in sentence for _, sentence in problems)


def test_how_an_address_is_read_may_be_told_for_all_and_for_one(tmp_path: Path) -> None:
    text = """\
defaults: {ca_file: house.pem, hardware: vaapi}
cameras:
  - {name: front, source: "rtsps://camera.local/a"}
  - {name: back, source: "rtsps://other.local/a", ca_file: /etc/back.pem, tls_check: false}
"""
    front, back = read(tmp_path, text).cameras
    assert front.reading == ReadingOptions(ca_file=str(tmp_path / "house.pem"), hardware="vaapi")
    assert back.reading == ReadingOptions(ca_file="/etc/back.pem", hardware="vaapi", checks_tls=False)
    config = back.reading.applied(SourceConfig(max_fps=3.0))
    assert config == SourceConfig(
        max_fps=3.0, hardware="vaapi", tls=TlsRules(is_checked=False, ca_file="/etc/back.pem")
    )
    wrong = text.replace("tls_check: false", "tls_check: perhaps").replace("hardware: vaapi", "hardware: 7")
    assert told(tmp_path, wrong) == [
        (1, "hardware should be a text."),
        (4, "tls_check should be true or false."),
    ]
