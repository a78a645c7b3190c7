"""The camera of the browser: what it shows is seen, and what goes wrong with it is said on the page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests import needed
from tests.browser.conftest import QUIET
from tests.browser.parts import CitingLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab, pixels_of
from tests.numbered import number_of

StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]


def test_the_first_question_is_answered_on_a_live_camera(start_server: StartServer, open_tab: OpenTab) -> None:
    tab = open_tab(start_server(CitingLMM))
    tab.watch_camera()
    expect(tab.part("stop")).to_be_visible()  # it is being opened
    thumbnail = tab.ask("Which one?").locator(".ag-evidence img")
    expect(thumbnail).to_have_js_property("complete", True)
    expect(tab.part("badge")).to_have_text("Live")
    assert 0 <= number_of(pixels_of(thumbnail)) < 100
    shown = number_of(pixels_of(tab.part("picture")))
    tab.wait_for_number(tab.part("picture"), lambda number: number != shown)
    tab.part("stop").click()
    expect(tab.part("badge")).to_have_text("Ended")
    expect(tab.part("sentence")).to_contain_text("You can still ask about what was seen.")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--use-fake-device-for-media-stream", "--deny-permission-prompts"], "was not permitted to use the camera"),
        (["--use-fake-ui-for-media-stream"], "found no camera"),
    ],
)
def test_a_camera_that_cannot_be_had_is_said(
    playwright: Playwright, start_server: StartServer, flags: list[str], sentence: str
) -> None:
    server = start_server()
    browser = playwright.chromium.launch(executable_path=needed.chromium(), args=[*QUIET, *flags])
    try:
        tab = Tab(browser.new_page(), server.url)
        tab.watch_camera()
        expect(tab.part("sentence")).to_contain_text(sentence)
        expect(tab.part("start")).to_be_enabled()
        tab.check_console()
    finally:
        browser.close()


def test_a_page_that_is_not_secure_says_where_the_camera_can_be_used(
    start_server: StartServer, open_tab: OpenTab, clip: Path
) -> None:
    tab = open_tab(start_server())
    tab.page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    tab.watch_camera()
    expect(tab.part("sentence")).to_contain_text("open http://127.0.0.1:")
    tab.watch_file(clip)
    expect(tab.part("badge")).to_have_text("Playing")
