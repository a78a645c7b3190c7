"""The commands beside `ask`, and how progress is shown."""

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.cli import main
from app.cli.output import TextOutput, clock_time
from app.recording.folder import RecordingFolder, RecordingLock
from app.web import WebConfig
from tests.fakes import make_session


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page was asked to serve."""
    calls: list[dict[str, Any]] = []
    web = ModuleType("app.web")
    web.serve = lambda config, **options: calls.append({"config": config, **options})  # type: ignore[attr-defined]
    web.WebConfig = WebConfig  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.web", web)
    return calls


@pytest.mark.parametrize("words", [[], ["serve"]])
def test_page_is_served_by_default(served: list[dict[str, Any]], words: list[str]) -> None:
    assert main(words) == 0
    (call,) = served
    web = call["web"]
    assert (web.host, web.port, call["cameras"], web.opens_browser) == ("127.0.0.1", 7860, {}, True)
    assert web.is_local and not web.needs_token


def test_a_window_takes_the_place_of_the_browser(served: list[dict[str, Any]]) -> None:
    assert main(["--window"]) == 0
    assert served[0]["web"].opens_window
    assert main(["--window", "--no-browser"]) == 2


def test_options_of_the_page_need_no_command(served: list[dict[str, Any]]) -> None:
    words = ["--source", "webcam:0", "--port", "7861", "--host", "0.0.0.0", "--no-browser", "--fps", "4"]
    assert main(words) == 0
    (call,) = served
    web, camera = call["web"], call["cameras"]["camera"]
    assert (web.host, web.port, camera.source, web.opens_browser) == ("0.0.0.0", 7861, "webcam:0", False)
    assert call["config"].perceive.fps == camera.perceive.fps == 4.0
    assert web.needs_token and camera.keep is None


def test_several_sources_are_watched_by_name_and_kept_if_wished(served: list[dict[str, Any]], tmp_path: Path) -> None:
    words = ["--source", "a.mp4", "--name", "front", "--source", "b.mp4", "--name", "back"]
    assert main(["serve", *words, "--keep", "--data", str(tmp_path)]) == 0
    (call,) = served
    assert {name: config.source for name, config in call["cameras"].items()} == {"front": "a.mp4", "back": "b.mp4"}
    front = call["cameras"]["front"]
    assert front.keep.folder.path == tmp_path / "front" and front.keep.folder.lock.is_file()
    assert front.capture.reading.max_fps is None  # people look on


def test_a_file_of_cameras_is_served_as_it_is_recorded(served: list[dict[str, Any]], tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text("data: kept\ncameras:\n  - {name: front, source: a.mp4, video: false, max_gb: 2}\n")
    assert main(["serve", "--config", str(config)]) == 0
    (call,) = served
    keep = call["cameras"]["front"].keep
    assert (keep.data, keep.keeps_video, keep.max_bytes) == (tmp_path / "kept", False, 2_000_000_000)
    assert call["web"].data == tmp_path / "kept"


def test_a_camera_that_somebody_records_is_not_recorded_twice(
    served: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RecordingFolder(tmp_path, "camera")
    folder.make()
    lock = RecordingLock(folder)
    words = ["serve", "--source", "a.mp4", "--data", str(tmp_path)]
    assert main([*words, "--keep"]) == 6 and served == []
    assert "Somebody records 'camera'" in capsys.readouterr().err
    assert main(words) == 0  # looking on is free
    lock.release()


@pytest.mark.parametrize(
    "words",
    [
        ["--name", "front"],
        ["--source", "a", "--name", "front", "--name", "back"],
        ["--source", "a", "--source", "b", "--name", "front"],
        ["--source", "a", "--source", "b", "--name", "front", "--name", "front"],
        ["--source", "a", "--name", "../front"],
        ["--source", "a", "--name", "Front Door"],
        ["--source", " "],
        ["--source", "a", "--config", "cameras.yaml"],
        ["--host-name", ""],
        ["--host-name", "http://cam.example"],
        ["--host-name", "cam.example:443"],
        ["--host-name", "*"],
        ["--host-name", "a b"],
    ],
)
def test_sources_and_names_that_do_not_fit_are_refused(served: list[dict[str, Any]], words: list[str]) -> None:
    assert main(["serve", *words]) == 2
    assert served == []


def test_a_wrong_file_of_cameras_is_not_served(
    served: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cameras.yaml").write_text("cameras:\n  - {name: front, sauce: a.mp4}\n")
    assert main(["serve", "--config", str(tmp_path / "cameras.yaml")]) == 2
    assert served == [] and "sauce" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["70000", "-1", "http", "1.5"])
def test_impossible_ports_are_refused(served: list[dict[str, Any]], port: str) -> None:
    assert main(["serve", "--port", port]) == 2
    assert served == []


def test_ctrl_c_ends_the_page_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(config: object, **options: object) -> None:
        raise KeyboardInterrupt

    web = ModuleType("app.web")
    web.serve, web.WebConfig = serve, WebConfig  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.web", web)
    assert main(["serve"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


def test_doctor_gets_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = ModuleType("app.doctor")
    doctor.main = lambda words: len(words)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.doctor", doctor)
    assert main(["doctor", "--json", "--more"]) == 2


@pytest.mark.parametrize(
    ("time_s", "text"), [(0.0, "0:00"), (41.9, "0:41"), (75, "1:15"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_times_are_shown_as_a_player_does(time_s: float, text: str) -> None:
    assert clock_time(time_s) == text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_takes_one_line_of_a_terminal_and_is_cleared() -> None:
    terminal, stdout = Terminal(), io.StringIO()
    output = TextOutput(stdout, terminal)
    status = make_session().status()
    output.progress(status)
    output.progress(status)
    output.question(0, "what?", 1)
    assert terminal.getvalue().count("\n") == 0
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert stdout.getvalue() == ""


def test_progress_stays_out_of_files() -> None:
    stderr = io.StringIO()
    TextOutput(io.StringIO(), stderr).progress(make_session().status())
    assert stderr.getvalue() == ""
