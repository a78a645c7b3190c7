"""The commands beside `ask`, and how progress is shown."""

import io
import sys
from types import ModuleType
from typing import Any

import pytest

from app.cli import main
from app.cli.output import TextOutput, clock_time
from tests.fakes import make_session


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page was asked to serve."""
    calls: list[dict[str, Any]] = []
    web = ModuleType("app.web")
    web.serve = lambda config, **options: calls.append({"config": config, **options})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.web", web)
    return calls


@pytest.mark.parametrize("words", [[], ["serve"]])
def test_page_is_served_by_default(served: list[dict[str, Any]], words: list[str]) -> None:
    assert main(words) == 0
    (call,) = served
    assert (call["host"], call["port"], call["source"], call["open_browser"]) == ("127.0.0.1", 7860, None, True)


def test_options_of_the_page_need_no_command(served: list[dict[str, Any]]) -> None:
    words = ["--source", "webcam:0", "--port", "7861", "--host", "0.0.0.0", "--no-browser", "--fps", "4"]
    assert main(words) == 0
    (call,) = served
    assert (call["host"], call["port"], call["source"], call["open_browser"]) == ("0.0.0.0", 7861, "webcam:0", False)
    assert call["config"].perceive.fps == 4.0


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
    web.serve = serve  # type: ignore[attr-defined]
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
