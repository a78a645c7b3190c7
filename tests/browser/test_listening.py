"""Questions by voice in a real browser, whose microphone plays a file; what was said is scripted, the sound is real."""

import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, expect

from app.errors import AfterglowError
from app.hearing import NotUnderstoodError
from tests import needed
from tests.browser.conftest import QUIET
from tests.browser.serving import PageServer
from tests.browser.tab import Tab
from tests.fakes import FakeRecogniser
from tests.numbered import write_numbered_clip

QUESTION = "Is the cat there?"
RATE = 48_000
REFUSE = "navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{}'); }}; null"
FAKES = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.6 s of quiet, 1.2 s of a loud voice, three seconds of quiet; the browser plays it over and over."""
    times_s = np.arange(round(1.2 * RATE)) / RATE
    voice = 0.4 * np.sign(np.sin(2 * np.pi * 150 * times_s)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times_s))
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(3 * RATE)
    sound = np.concatenate([quiet[: 3 * RATE // 5], voice, quiet])
    path = tmp_path_factory.mktemp("microphone") / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def browser(playwright: Playwright, speech: Path) -> Iterator[Browser]:
    flags = [*QUIET, *FAKES, f"--use-file-for-fake-audio-capture={speech}"]
    started = playwright.chromium.launch(executable_path=needed.chromium(), args=flags)
    yield started
    started.close()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_numbered_clip(tmp_path / "clip.mp4", 600, 10)


StartServer = Callable[..., PageServer]
OpenTab = Callable[..., Tab]


def test_a_question_is_spoken_written_down_and_asked(start_server: StartServer, open_tab: OpenTab, clip: Path) -> None:
    recogniser = FakeRecogniser([QUESTION])
    tab = open_tab(start_server(recogniser=lambda: recogniser))
    tab.watch_file(clip)
    talk, field = tab.part("talk"), tab.page.locator("textarea[name=question]")
    talk.click()
    expect(tab.part("voice")).to_have_text("Listening…")
    expect(talk).to_have_attribute("aria-pressed", "true")
    tab.page.wait_for_timeout(2500)  # something has to be said
    talk.click()
    expect(field).to_have_value(QUESTION)
    expect(tab.part("voice")).to_contain_text("Press Enter")
    field.press("Enter")
    exchange = tab.page.locator("article.ag-exchange", has_text=QUESTION).last
    expect(exchange.locator(".ag-text")).to_have_text("I see a cat.")
    assert recogniser.lengths[0] > 8_000


def test_the_space_bar_is_held_while_one_speaks(start_server: StartServer, open_tab: OpenTab) -> None:
    tab = open_tab(start_server(recogniser=lambda: FakeRecogniser([QUESTION])))
    tab.part("talk").focus()
    tab.page.keyboard.down(" ")
    expect(tab.part("voice")).to_have_text("Listening…")
    tab.page.wait_for_timeout(2500)
    tab.page.keyboard.up(" ")
    expect(tab.page.locator("textarea[name=question]")).to_have_value(QUESTION)


def test_hands_free_notices_that_somebody_speaks_and_asks(
    start_server: StartServer, open_tab: OpenTab, clip: Path
) -> None:
    recogniser = FakeRecogniser([QUESTION] * 20)
    tab = open_tab(start_server(recogniser=lambda: recogniser))
    tab.watch_file(clip)
    tab.part("handsfree").click()
    expect(tab.part("speaker")).to_have_attribute("aria-pressed", "true")
    exchange = tab.page.locator("article.ag-exchange", has_text=QUESTION).first
    expect(exchange.locator(".ag-text")).to_have_text("I see a cat.")
    assert 12_800 < recogniser.lengths[0] < 16_000 * 5  # the voice, with a little before and after it
    expect(tab.part("said")).not_to_be_empty()
    tab.part("handsfree").click()
    expect(tab.part("handsfree")).to_have_attribute("aria-pressed", "false")


def test_hands_free_begins_by_address_and_tells_what_is_watched(start_server: StartServer, open_tab: OpenTab) -> None:
    server = start_server(recogniser=lambda: FakeRecogniser([QUESTION] * 20))
    server.url += "/?handsfree=1"
    tab = open_tab(server)
    expect(tab.part("handsfree")).to_have_attribute("aria-pressed", "true")
    expect(tab.part("said")).to_contain_text("Nothing is being watched")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotUnderstoodError("I did not understand that."), "I did not understand that."),
        (AfterglowError("There is no network."), "There is no network."),
    ],
)
def test_what_is_not_understood_is_told_and_nothing_is_asked(
    start_server: StartServer, open_tab: OpenTab, error: Exception, words: str
) -> None:
    tab = open_tab(start_server(recogniser=lambda: FakeRecogniser([error])))
    tab.part("talk").click()
    expect(tab.part("voice")).to_have_text("Listening…")
    tab.page.wait_for_timeout(2500)
    tab.part("talk").click()
    expect(tab.part("voice")).to_contain_text(words)
    assert tab.page.locator("article.ag-exchange").count() == 0


def test_without_permission_a_sentence_says_what_to_do(start_server: StartServer, open_tab: OpenTab) -> None:
    tab = open_tab(start_server())
    tab.page.evaluate(REFUSE.format("NotAllowedError"))
    tab.part("talk").click()
    expect(tab.part("voice")).to_contain_text("not permitted to use the microphone")
    expect(tab.part("talk")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (REFUSE.format("NotFoundError"), "found no microphone"),
        (REFUSE.format("NotReadableError"), "another program"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false })", "secure pages only"),
    ],
)  # fmt: skip
def test_what_else_keeps_the_microphone_away_is_told(
    start_server: StartServer, open_tab: OpenTab, script: str, words: str
) -> None:
    tab = open_tab(start_server())
    tab.page.evaluate(script)
    tab.part("handsfree").click()
    expect(tab.part("voice")).to_contain_text(words)
    expect(tab.part("handsfree")).to_have_attribute("aria-pressed", "false")
