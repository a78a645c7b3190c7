"""Spoken answers in a real browser, heard at the very end of its audio graph."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.serving import PageServer
from tests.browser.tab import Tab
from tests.fakes import FakeLMM
from tests.numbered import write_numbered_clip

RECORDER = (Path(__file__).parent / "recorder.js").read_text(encoding="utf-8")
LOUD = 0.05
MAX_TAIL_S = 0.3


class ToneSpeaker:
    """Each word is a quarter of a second of one tone."""

    name, sample_rate = "tone", 24_000

    def synthesise(self, text: str, options: Any, is_cancelled: Callable[[], bool]) -> Iterator[np.ndarray]:
        times_s = np.arange(6000) / self.sample_rate
        for _ in text.split():
            if is_cancelled():
                return
            yield (0.3 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_numbered_clip(tmp_path / "clip.mp4", 600, 10)


@pytest.fixture
def listen(start_server: Callable[..., PageServer], open_tab: Callable[..., Tab], clip: Path) -> Callable[..., Tab]:
    """listen(words=...): a tab that watches the clip, with spoken answers on and everything that sounds recorded."""

    def open_it(words: int = 40, **parts: Any) -> Tab:
        text = " ".join(["word"] * words) + "."
        parts = {"speaker": lambda name: ToneSpeaker(), "make_lmm": lambda: FakeLMM(script=(text,)), **parts}
        tab = open_tab(start_server(**parts), bypass_csp=True)
        tab.page.add_init_script(RECORDER)
        tab.page.reload()
        tab.wait_until_usable()
        tab.watch_file(clip)
        tab.part("speaker").click()
        tab.page.wait_for_function("window.recorderIsReady")
        return tab

    return open_it


def heard(tab: Tab) -> np.ndarray:
    """[quanta, 2]: time in the audio graph, loudest sample."""
    return np.array(tab.page.evaluate("recorded().heard"))


def wait_for_sound(tab: Tab, after_s: float = 0.0) -> None:
    tab.page.wait_for_function(f"recorded().heard.some(([time, peak]) => time > {after_s} && peak > {LOUD})")


def wait_for_silence(tab: Tab, lasting_s: float = 0.5) -> None:
    tab.page.wait_for_function(
        f"""(() => {{
          const loud = recorded().heard.filter(([, peak]) => peak > {LOUD});
          const last = loud.length ? loud[loud.length - 1][0] : 0;
          return recordedContext.currentTime > last + {lasting_s};
        }})()"""
    )


def test_a_spoken_answer_has_no_gaps_and_is_played_once(listen: Callable[..., Tab]) -> None:
    tab = listen(words=12)
    exchange = tab.ask("What do you see?")
    expect(exchange.locator(".ag-replay")).to_be_visible()
    wait_for_sound(tab)
    wait_for_silence(tab)
    sound = heard(tab)
    loud = sound[sound[:, 1] > LOUD]
    assert loud[-1, 0] - loud[0, 0] == pytest.approx(3.0, abs=0.05)  # 12 words, nothing twice, nothing left out
    assert np.diff(loud[:, 0]).max() < 0.012  # two render quanta
    expect(tab.part("cancel")).to_be_hidden()
    assert tab.page.locator(".ag-heard").count() == 0


@pytest.mark.parametrize("how", ["stop", "escape", "question", "switch", "replay"])
def test_whatever_silences_does_so_at_once(listen: Callable[..., Tab], how: str) -> None:
    tab = listen(words=40)
    exchange = tab.ask("What do you see?")
    tab.page.wait_for_function(f"recorded().heard.filter(([, peak]) => peak > {LOUD}).length > 200")  # a second
    expect(exchange.locator(".ag-replay")).to_be_visible()
    field = tab.page.locator("textarea[name=question]")
    if how == "stop":
        tab.part("cancel").click()
    elif how == "escape":
        field.press("Escape")
    elif how == "question":
        field.fill("And now?")
        field.press("Enter")
    elif how == "switch":
        tab.part("speaker").click()
    else:
        exchange.locator(".ag-replay").click()
    expect(exchange.locator(".ag-heard")).to_contain_text("Heard until")
    pressed_s = tab.page.evaluate("recorded().marks.at(-1)")
    if how != "question":  # there the next answer is heard
        wait_for_silence(tab)
    sound = heard(tab)
    later = sound[(sound[:, 0] > pressed_s) & (sound[:, 1] > LOUD)]
    if how == "question":  # up to the first silence
        after = sound[sound[:, 0] > pressed_s]
        quiet_s = after[after[:, 1] < LOUD][0, 0]
        assert quiet_s - pressed_s < MAX_TAIL_S
    else:
        assert not len(later) or later[-1, 0] - pressed_s < MAX_TAIL_S


def test_an_answer_can_be_heard_again(listen: Callable[..., Tab]) -> None:
    tab = listen(words=2)
    exchange = tab.ask("What do you see?")
    wait_for_sound(tab)
    wait_for_silence(tab)
    before_s = tab.page.evaluate("recordedContext.currentTime")
    exchange.locator(".ag-replay").click()
    wait_for_sound(tab, before_s)


def test_the_switch_is_remembered_and_a_click_is_asked_for(listen: Callable[..., Tab]) -> None:
    tab = listen(words=4)
    tab.page.reload()
    tab.wait_until_usable()
    expect(tab.part("speaker")).to_have_attribute("aria-pressed", "true")


def test_a_voice_that_fails_is_told_beside_the_answer(listen: Callable[..., Tab]) -> None:
    def fail(name: str) -> Any:
        raise RuntimeError("no such model")

    tab = listen(speaker=fail)
    exchange = tab.ask("What do you see?")
    expect(exchange.locator(".ag-text")).to_contain_text("word")
    expect(tab.part("voice")).to_contain_text("not spoken", ignore_case=True)
