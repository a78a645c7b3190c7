"""What is watched, on the real page: switching, losing and getting back the connection, two tabs side by side."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.parts import CitingLMM, HeldLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab, pixels_of
from tests.numbered import number_of, write_numbered_clip

StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]


def test_another_source_takes_the_place_of_the_first(
    start_server: StartServer, open_tab: OpenTab, clip: Path, tmp_path: Path
) -> None:
    other = write_numbered_clip(tmp_path / "other.mp4", 300, 10, first=2000)
    tab = open_tab(start_server(CitingLMM))
    tab.watch_file(clip)
    expect(tab.ask("One?").locator(".ag-thumb")).to_have_count(1)
    tab.watch_file(other)
    expect(tab.page.locator(".ag-turn")).to_contain_text("other.mp4")
    tab.wait_for_number(tab.part("picture"), lambda number: number >= 2000)
    thumbnail = tab.ask("Two?").locator(".ag-evidence img")
    expect(thumbnail).to_have_js_property("complete", True)
    assert number_of(pixels_of(thumbnail)) >= 2000


def test_a_page_whose_connection_breaks_comes_back_to_its_stream_and_its_answer(
    start_server: StartServer, open_tab: OpenTab, clip: Path, held_lmm: type[HeldLMM]
) -> None:
    server = start_server(held_lmm)
    tab = open_tab(server)
    tab.allowed.append("WebSocket")
    tab.watch_file(clip)
    text = tab.ask("What do you see?").locator(".ag-text")
    expect(text).to_have_text("I see")
    number = number_of(pixels_of(tab.part("picture")))
    server.shut_out_pages()
    expect(tab.part("badge")).to_have_text("Offline")
    expect(tab.part("sentence")).to_contain_text("connection to Afterglow was lost")
    tab.ask("Is it still there?")
    expect(tab.part("refusal")).to_contain_text("no connection")
    expect(tab.page.locator("textarea[name=question]")).to_have_value("Is it still there?")
    server.let_pages_in()
    expect(tab.part("badge")).to_have_text("Playing")
    held_lmm.gate.set()
    expect(text).to_have_text("I see a cat.")
    expect(tab.page.locator("article.ag-exchange")).to_have_count(1)
    tab.wait_for_number(tab.part("picture"), lambda shown: shown > number)


def test_tabs_know_nothing_of_each_other(start_server: StartServer, open_tab: OpenTab, clip: Path) -> None:
    server = start_server(CitingLMM)
    first, second = open_tab(server), open_tab(server)
    first.watch_file(clip)
    picture = first.ask("Which one?").locator(".ag-evidence img")
    expect(picture).to_have_js_property("complete", True)
    second.ask("Which one?")
    expect(second.part("refusal")).to_contain_text("nothing to ask about yet")
    expect(second.page.locator("article.ag-exchange")).to_have_count(0)
    expect(second.part("picture")).not_to_have_class("is-shown")
    address = picture.get_attribute("src")
    assert address is not None
    key_of_second = second.page.evaluate("sessionStorage.getItem('afterglow-page')")
    _, _, watch, name = address.removeprefix("/afterglow/").split("/")
    statuses = [
        second.page.request.get(f"{server.url}{path}").status
        for path in (
            address,
            f"/afterglow/frames/{key_of_second}/{watch}/{name}",
            f"/afterglow/frames/x/{watch}/{name}",
        )
    ]
    assert statuses == [200, 404, 404], "the key of a page is all that opens its pictures"
