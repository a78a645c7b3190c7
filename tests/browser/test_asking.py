"""Questions on the real page in a real browser; encoder and LMM are scripted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.serving import PageServer
from tests.browser.tab import Tab
from tests.numbered import write_numbered_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_numbered_clip(tmp_path / "clip.mp4", 600, 10)


def test_a_question_is_answered_while_a_file_plays(
    start_server: Callable[..., PageServer], open_tab: Callable[..., Tab], clip: Path
) -> None:
    tab = open_tab(start_server())
    tab.watch_file(clip)
    exchange = tab.ask("What do you see?")
    expect(exchange.locator(".ag-text")).to_have_text("I see a cat.")
    expect(exchange.locator(".ag-meta")).to_contain_text("first token")
    expect(tab.part("badge")).to_have_text("Playing")
