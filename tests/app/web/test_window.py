"""The page in a window of its own."""

import asyncio
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.config import AssistantConfig
from app.install.errors import SetupError
from app.web import WebConfig, serve, serving
from app.web import window as window_module
from app.web.window import close_window, open_window, window_command

ADDRESS = "http://127.0.0.1:7860"


def test_pywebview_comes_first_as_a_process_of_its_own() -> None:
    command = window_command(ADDRESS, has_webview=True, find=lambda name: "/usr/bin/" + name)
    assert command == [sys.executable, "-P", "-m", "app.web.window", ADDRESS]


def test_else_a_browser_shows_it_without_tabs_and_with_a_profile_of_its_own() -> None:
    command = window_command(ADDRESS, has_webview=False, find=lambda name: f"/opt/{name}" if "edge" in name else None)
    assert command[0] == "/opt/microsoft-edge" and f"--app={ADDRESS}" in command
    assert any(word.startswith("--user-data-dir=") for word in command)


def test_browsers_are_found_where_windows_and_macos_put_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ProgramFiles", "C:/Programs")
    monkeypatch.delenv("ProgramFiles(x86)", raising=False)
    found = window_command(ADDRESS, has_webview=False, find=lambda name: None, is_file=lambda path: "Edge" in path)
    assert found[0] == "C:/Programs/Microsoft/Edge/Application/msedge.exe"


def test_without_any_of_them_a_sentence_says_what_to_do() -> None:
    with pytest.raises(SetupError, match="leave --window out"):
        window_command(ADDRESS, has_webview=False, find=lambda name: None, is_file=lambda path: False)


def test_without_a_screen_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "window_command", lambda address: ["true"])
    monkeypatch.setattr(serving, "_has_screen", lambda: False)
    with pytest.raises(SetupError, match="needs a screen"):
        serve(AssistantConfig(), web=WebConfig(port=0, opens_window=True))


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for a browser is a shell script")
@pytest.mark.parametrize(("exit_code", "ends"), [(0, True), (3, False)])
def test_the_program_ends_with_its_window_and_not_with_a_window_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], exit_code: int, ends: bool
) -> None:
    browser = tmp_path / "chromium"
    browser.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(window_module, "window_command", lambda address: [str(browser), address])
    server = SimpleNamespace(should_exit=False)
    asyncio.run(serving._show_window(server, ADDRESS))
    assert server.should_exit is ends
    assert ("exit code 3" in capsys.readouterr().err) is not ends


@pytest.mark.skipif(sys.platform == "win32", reason="uses the system's sleep")
def test_a_window_that_is_open_is_closed_with_the_program() -> None:
    process = open_window(["sleep", "60"])
    close_window(process)
    assert process.poll() is not None
    close_window(process)


def test_pywebview_is_asked_for_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    stand_in = SimpleNamespace(
        create_window=lambda *words, **more: calls.append(words), start=lambda: calls.append(("start",))
    )
    monkeypatch.setitem(sys.modules, "webview", stand_in)
    assert window_module.main([ADDRESS]) == 0
    assert calls == [("Afterglow", ADDRESS), ("start",)]
