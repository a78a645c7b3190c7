"""A real browser at the real page: Debian's Chromium, driven by Playwright, with a camera that plays numbered pictures.

`start_server(...)` serves a page (see serving.py), `open_tab(server)` opens it in a browser profile of its own. What
the console calls an error fails the test, unless it was allowed beforehand.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests import needed
from tests.browser.parts import HeldLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab
from tests.numbered import write_numbered_clip

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Of this module: while it lives no other event loop can run in the main thread, so it must not outlive it."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def camera_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera of the browser shows, over and over."""
    return write_numbered_clip(tmp_path_factory.mktemp("camera") / "camera.mjpeg", 100, 20, "mjpeg")


@pytest.fixture(scope="module")
def browser(playwright: Playwright, camera_clip: Path) -> Iterator[Browser]:
    """Permits the camera without asking."""
    flags = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_clip}",
    ]
    started = playwright.chromium.launch(executable_path=needed.chromium(), args=[*QUIET, *flags])
    yield started
    started.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., PageServer]]:
    """start_server(...): the arguments of PageServer."""
    with ExitStack() as servers:
        yield lambda *arguments, **named: servers.enter_context(PageServer(*arguments, **named))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of numbered pictures, ten a second."""
    return write_numbered_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 600, 10)


@pytest.fixture
def held_lmm() -> Iterator[type[HeldLMM]]:
    """A HeldLMM whose gate the test opens, or its end."""

    class Held(HeldLMM):
        gate = threading.Event()

    yield Held
    Held.gate.set()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """open_tab(server, ...): the rest are options of the browser's context, such as viewport."""
    tabs: list[Tab] = []

    def open_it(server: PageServer, **options: object) -> Tab:
        tabs.append(Tab(browser.new_context(**options).new_page(), server.url))  # type: ignore[arg-type]
        return tabs[-1]

    yield open_it
    for tab in tabs:
        tab.page.context.close()
    for tab in tabs:
        tab.check_console()
