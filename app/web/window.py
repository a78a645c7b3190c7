"""The page in a window of its own: by pywebview where it is installed, else by the browser's mode for applications.

Comes in: the page's address. Goes out: a child process that lives as long as its window. `python -m app.web.window URL`
is that child for pywebview, which wants the main thread of its process for itself.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app.assets_store import cache_dir
from app.install.errors import EXIT_BAD_ARGUMENTS, SetupError

__all__ = ["WINDOW_SIZE", "close_window", "open_window", "window_command"]

WINDOW_SIZE = (1280, 820)
_BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "microsoft-edge-stable", "msedge", "brave-browser",
)  # fmt: skip
_PLACES = (  # where they lie on Windows and macOS, whose search path does not know them
    "{ProgramFiles}/Google/Chrome/Application/chrome.exe",
    "{ProgramFiles(x86)}/Microsoft/Edge/Application/msedge.exe",
    "{ProgramFiles}/Microsoft/Edge/Application/msedge.exe",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_STOP_S = 3.0


def window_command(
    address: str,
    *,
    has_webview: bool | None = None,
    find: Callable[[str], str | None] = shutil.which,
    is_file: Callable[[str], bool] = os.path.isfile,
) -> list[str]:
    """What shows the address in a window. Raises SetupError with a sentence when nothing can."""
    if importlib.util.find_spec("webview") is not None if has_webview is None else has_webview:
        return [sys.executable, "-P", "-m", "app.web.window", address]
    browser = next(filter(None, map(find, _BROWSERS)), None) or next(filter(is_file, _places()), None)
    if browser is None:
        raise SetupError(
            "--window needs Chromium, Chrome, Edge or Brave, or pywebview in .venv, and none of them was found: "
            "install one, or leave --window out and open the page in your browser.",
            EXIT_BAD_ARGUMENTS,
        )
    width, height = WINDOW_SIZE
    profile = cache_dir() / "window"  # its own, so that the process ends with its window
    return [
        browser, f"--app={address}", f"--user-data-dir={profile}", f"--window-size={width},{height}", "--no-first-run",
        "--no-default-browser-check", "--disable-sync", "--disable-background-networking",
    ]  # fmt: skip


def open_window(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Starts it. Raises OSError."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def close_window(process: "subprocess.Popen[bytes]") -> None:
    """Ends it, if it has not ended. May be called twice."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _places() -> list[str]:
    known = {**os.environ}
    return [place.format_map(known) for place in _PLACES if _is_known(place, known)]


def _is_known(place: str, known: dict[str, str]) -> bool:
    return "{" not in place or place[1 : place.index("}")] in known


def main(arguments: Sequence[str]) -> int:
    """The child: returns when the window is closed."""
    webview = importlib.import_module("webview")
    width, height = WINDOW_SIZE
    webview.create_window("Afterglow", arguments[0], width=width, height=height)
    webview.start()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
