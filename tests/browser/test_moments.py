"""Timeline, chips, viewer, pins, forgetting and the memory's view in a real browser; encoder and LMM are scripted."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from app.language.lmm import Question, Reply
from tests.browser.parts import CitingLMM
from tests.browser.serving import PageServer
from tests.browser.tab import Tab, pixels_of
from tests.fakes import FakeLMM
from tests.numbered import number_of, write_numbered_clip

StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


class SilentLMM(FakeLMM):
    """Says two sentences that nothing shows."""

    def stream(self, question: Question, snapshot: Any, is_cancelled: Callable[[], bool]) -> Iterator[str | Reply]:
        text = "I cannot tell. Ask me something else."
        yield text
        yield Reply(text=text, evidence=(), num_prompt_tokens=1, num_tokens=1)


def watched(start_server: StartServer, open_tab: OpenTab, folder: Path, **options: object) -> Tab:
    """A tab at a clip of six seconds that was seen to its end."""
    tab = open_tab(start_server(CitingLMM), **options)
    tab.watch_file(write_numbered_clip(folder / "short.mp4", 60, 10))
    expect(tab.part("badge")).to_have_text("Ended")
    expect(tab.part("timeline")).to_be_visible()
    expect(tab.part("timewords")).to_contain_text("0:00 – 0:05")
    return tab


def is_drawn(tab: Tab) -> bool:
    """Something that is no background stands on the strip."""
    strip = pixels_of(tab.part("strip"))
    return len({tuple(pixel) for pixel in strip[::4, ::4].reshape(-1, 3)}) > 4


def questions(tab: Tab) -> Locator:
    return tab.page.locator(".ag-question")


def test_the_timeline_is_drawn_and_a_click_asks_what_happened_there(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    tab.wait_until(lambda: is_drawn(tab))
    track = tab.part("track")
    box = track.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    expect(tab.part("peek")).to_be_visible()
    expect(tab.part("peek")).to_contain_text(re.compile(r"0:0[23]"))
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    expect(questions(tab)).to_have_text(re.compile(r"What did you see at 0:0[23]\?"))
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 200)
    expect(tab.part("peek")).to_be_hidden()


def test_the_timeline_is_used_by_keys_alone(start_server: StartServer, open_tab: OpenTab, tmp_path: Path) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    track = tab.part("track")
    track.focus()
    track.press("Home")
    expect(track).to_have_attribute("aria-valuetext", "0:00")
    track.press("+")
    track.press("+")
    expect(tab.part("timewords")).not_to_contain_text("0:05")
    expect(tab.part("zoomall")).to_be_enabled()
    track.press("End")
    expect(tab.part("timewords")).to_contain_text("0:05")
    track.press("0")
    expect(tab.part("zoomall")).to_be_disabled()
    track.press("Home")
    for _ in range(5):
        track.press("Shift+ArrowRight")
    expect(tab.part("timewords")).to_contain_text("0:00 – 0:02 selected")
    tab.part("askspan").click()
    expect(questions(tab)).to_have_text("What happened between 0:00 and 0:02?")
    track.press("Escape")
    expect(tab.part("timewords")).not_to_contain_text("selected")
    track.press("Home")
    track.press("Enter")
    expect(questions(tab).last).to_have_text("What did you see at 0:00?")
    track.press(" ")
    expect(tab.part("large")).to_be_visible()


def test_a_chip_opens_the_very_frame_and_those_around_it(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    exchange = tab.ask("Which one?")
    expect(exchange.locator(".ag-text")).to_contain_text("Frame ")
    named = int(exchange.locator(".ag-text").inner_text().removeprefix("Frame ").rstrip("."))
    chip = exchange.locator(".ag-chip")
    expect(chip).to_have_text(f"0:{named // 10:02d}")
    chip.focus()
    chip.press("Enter")
    dialog, image = tab.part("large"), tab.part("shown")
    expect(tab.part("momentnote")).to_have_text("The picture of that moment.")
    expect(image).to_have_js_property("complete", True)
    assert number_of(pixels_of(image)) == named
    tab.part("previous").click()
    tab.wait_for_number(image, lambda number: number < named)
    expect(tab.part("momentnote")).to_contain_text("s before that moment")
    tab.part("play").click()
    tab.wait_for_number(image, lambda number: number > named)
    for _ in range(12):  # the focus goes round inside
        tab.page.keyboard.press("Tab")
    assert dialog.evaluate(
        "dialog => dialog.contains(document.activeElement) || document.activeElement === document.body"
    )
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(chip).to_be_focused()


def test_a_sentence_that_nothing_shows_says_so(start_server: StartServer, open_tab: OpenTab, clip: Path) -> None:
    tab = open_tab(start_server(SilentLMM))
    tab.watch_file(clip)
    exchange = tab.ask("What?")
    expect(exchange.locator(".ag-line")).to_have_count(2)
    expect(exchange.locator(".ag-unproven")).to_have_count(2)
    expect(exchange.locator(".ag-chip")).to_have_count(0)


def test_a_moment_is_remembered_under_its_name(start_server: StartServer, open_tab: OpenTab, tmp_path: Path) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    tab.part("remember").click()
    tab.page.locator("[data-part=pinform] input[name=label]").fill("<b>the visit</b>")
    tab.page.keyboard.press("Enter")
    expect(tab.part("receipt")).to_contain_text("Remembered as “<b>the visit</b>”: 0:00 to 0:05.")
    expect(tab.part("timewords")).to_contain_text("1 pin")
    expect(tab.part("remember")).to_be_focused()


def test_forgetting_asks_first_and_leaves_nothing_on_the_page(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    tab.allowed.append("404")
    exchange = tab.ask("Which one?")
    image = exchange.locator(".ag-evidence img")
    expect(image).to_have_js_property("complete", True)
    address = image.get_attribute("src")
    tab.part("forget").click()
    expect(tab.part("forgetdialog").get_by_role("button", name="Keep it")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(exchange.locator(".ag-chip")).to_have_count(1)
    tab.part("forget").click()
    tab.part("forgetdialog").locator("[type=submit]").click()
    expect(tab.part("receipt")).to_contain_text("Forgotten: 0:00 to")
    expect(exchange).to_contain_text("Erased, with the moment that it spoke of.")
    expect(exchange.locator("img")).to_have_count(0)
    expect(tab.part("picture")).not_to_have_class("is-shown")
    expect(tab.part("timewords")).to_contain_text("0 slots · 1 gap")
    assert tab.page.evaluate("address => fetch(address).then((answer) => answer.status)", address) == 404


def test_the_memory_is_shown_and_a_budget_holds_for_what_is_started_next(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    tab.part("openmemory").click()
    slots = tab.page.locator(".ag-tier", has=tab.page.get_by_role("heading", name="Event slots"))
    expect(slots).to_contain_text("of 48")
    expect(tab.page.locator("[data-part=coarseness] tr")).to_have_count(3)
    slider = tab.part("budget")
    slider.press("Home")
    expect(tab.part("previewfacts")).to_contain_text("12, of which pins may hold")
    tab.part("usebudget").click()
    expect(tab.part("usebudget")).to_have_text("Chosen")
    tab.page.keyboard.press("Escape")
    tab.watch_file(tmp_path / "short.mp4")
    expect(tab.part("badge")).to_have_text("Ended")
    tab.part("openmemory").click()
    expect(slots).to_contain_text("of 12")


def test_a_page_that_is_loaded_again_finds_its_timeline_and_the_questions_on_it(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path)
    expect(tab.ask("Which one?").locator(".ag-chip")).to_have_count(1)
    marks = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, 12).data.some((one) => one)"
    tab.wait_until(lambda: tab.part("strip").evaluate(marks))
    tab.page.reload()
    tab.wait_until_usable()
    expect(tab.part("timewords")).to_contain_text("0:00 – 0:05")
    expect(tab.page.locator(".ag-chip")).to_have_count(1)
    tab.wait_until(lambda: tab.part("strip").evaluate(marks))


def test_the_models_are_shown(start_server: StartServer, open_tab: OpenTab) -> None:
    tab = open_tab(start_server())
    tab.part("model").click()
    expect(tab.page.locator(".ag-model-choice")).to_contain_text("Afterglow embedded")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_all_can_be_touched(
    start_server: StartServer, open_tab: OpenTab, tmp_path: Path
) -> None:
    tab = watched(start_server, open_tab, tmp_path, **PHONE)
    expect(tab.ask("Which one?").locator(".ag-chip")).to_have_count(1)
    assert tab.page.evaluate("document.scrollingElement.scrollWidth") <= 390
    small = tab.page.evaluate(
        """() => [...document.querySelectorAll(".ag button, .ag select, .ag input:not([type=radio])")]
            .filter((one) => one.offsetParent !== null && one.getBoundingClientRect().height < 43.5)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert small == []
    for opener, dialog in (("remember", "pindialog"), ("forget", "forgetdialog"), ("openmemory", "memorydialog")):
        tab.part(opener).click()
        assert tab.part(dialog).evaluate("one => one.scrollWidth <= one.clientWidth + 1"), dialog
        tab.page.keyboard.press("Escape")


def test_the_axis_of_the_timeline_has_room_for_its_labels(start_server: StartServer, open_tab: OpenTab) -> None:
    tab = open_tab(start_server())
    for span_s in (2, 49, 600, 5400, 36_000, 400_000, 4_000_000):
        found = tab.page.evaluate(
            """async (spanS) => {
              const { Scale, ticks } = await import("/afterglow/static/timeline_scale.js");
              const scale = new Scale(100, 100 + spanS, 700);
              const zoomed = scale.zoomed(3, 100 + spanS / 2, scale);
              return [ticks(scale, 76).map((timeS) => scale.x(timeS)), zoomed.spanS, scale.time(scale.x(107))];
            }""",
            span_s,
        )
        places, zoomed_s, there_and_back = found
        gaps = [later - earlier for earlier, later in zip(places, places[1:], strict=False)]
        assert all(gap >= 76 - 1e-6 for gap in gaps) and len(places) <= 10
        assert abs(there_and_back - 107) < 1e-6 and zoomed_s >= min(span_s, 2)
