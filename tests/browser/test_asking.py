"""Questions on the real page in a real browser; encoder and LMM are scripted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.parts import CitingLMM, HeldLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab, pixels_of
from tests.numbered import number_of

StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]


def test_a_question_is_answered_while_a_file_plays(start_server: StartServer, open_tab: OpenTab, clip: Path) -> None:
    tab = open_tab(start_server())
    tab.watch_file(clip)
    exchange = tab.ask("What do you see?")
    expect(exchange.locator(".ag-text")).to_have_text("I see a cat.")
    expect(exchange.locator(".ag-meta")).to_contain_text("first token")
    expect(tab.part("badge")).to_have_text("Playing")
    expect(tab.page.locator("textarea[name=question]")).to_have_value("")


def test_evidence_opens_the_frame_that_the_answer_speaks_of(
    start_server: StartServer, open_tab: OpenTab, clip: Path
) -> None:
    tab = open_tab(start_server(CitingLMM))
    tab.watch_file(clip)
    exchange = tab.ask("Which one?")
    thumbnail = exchange.locator(".ag-evidence img")
    expect(thumbnail).to_have_js_property("complete", True)
    named = int(exchange.locator(".ag-text").inner_text().removeprefix("Frame ").rstrip("."))
    assert number_of(pixels_of(thumbnail)) == named
    exchange.locator(".ag-thumb").click()
    large = tab.part("large")
    expect(large.locator("img")).to_be_visible()
    expect(large.locator("img")).to_have_js_property("complete", True)
    assert number_of(pixels_of(large.locator("img"))) == named
    expect(large.locator("p")).to_contain_text(f"0:{named // 10:02d}")  # the clip has ten pictures a second
    large.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()


def test_stop_ends_an_answer_in_its_middle(
    start_server: StartServer, open_tab: OpenTab, clip: Path, held_lmm: type[HeldLMM]
) -> None:
    tab = open_tab(start_server(held_lmm))
    tab.watch_file(clip)
    first = tab.ask("One?")
    expect(first.locator(".ag-text")).to_have_text("I see")
    tab.part("cancel").click()
    expect(first.locator(".ag-meta")).to_contain_text("stopped")
    expect(first.locator(".ag-text")).to_have_text("I see")
    expect(tab.part("cancel")).to_be_hidden()
    held_lmm.gate.set()
    expect(tab.ask("Two?").locator(".ag-text")).to_have_text("I see a cat.")


@pytest.mark.parametrize("leaves", ["reload", "back and forward"])
def test_a_page_that_is_loaded_again_in_mid_answer_hears_the_rest(
    start_server: StartServer, open_tab: OpenTab, clip: Path, held_lmm: type[HeldLMM], leaves: str
) -> None:
    server = start_server(held_lmm)
    tab = open_tab(server)
    tab.watch_file(clip)
    expect(tab.ask("What do you see?").locator(".ag-text")).to_have_text("I see")
    if leaves == "reload":
        tab.page.reload()
    else:
        tab.page.goto("about:blank")
        tab.page.go_back()
    tab.wait_until_usable()
    tab.wait_for_picture()
    exchange = tab.page.locator("article.ag-exchange")
    expect(exchange.locator(".ag-question")).to_have_text("What do you see?")
    expect(exchange.locator(".ag-text")).to_have_text("I see")
    held_lmm.gate.set()
    expect(exchange.locator(".ag-text")).to_have_text("I see a cat.")
    assert len(server.lmms) == 1, "the same session went on"
