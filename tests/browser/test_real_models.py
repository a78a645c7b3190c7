"""The page as a user starts it: the program itself, the real models, the demo clip, and a question about it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.tab import Tab, pixels_of

ROOT = Path(__file__).resolve().parents[2]
END_TIMEOUT_S = 30.0
_MODELS_MS = 100_000  # on a machine that is busy with something else


@pytest.fixture
def address() -> Iterator[str]:
    command = [sys.executable, "-P", "-m", "app.cli", "serve", "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = (re.search(r"Afterglow is at (http://\S+)", line) for line in process.stderr)
        yield next(found[1] for found in said if found)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=END_TIMEOUT_S)
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.communicate()


@pytest.mark.weights
@pytest.mark.timeout(240)
def test_the_demo_clip_is_seen_and_answers_show_what_they_rest_on(browser: Browser, address: str) -> None:
    tab = Tab(browser.new_page(), address)
    tab.part("start").click()
    exchange = tab.ask("Is there a person?")
    expect(exchange.locator(".ag-meta")).to_contain_text("whole answer", timeout=_MODELS_MS)
    expect(exchange.locator(".ag-text")).to_contain_text("person")
    thumbnail = exchange.locator(".ag-evidence img").first
    expect(thumbnail).to_have_js_property("complete", True)
    assert pixels_of(thumbnail).std() > 20, "a photograph"
    tab.page.close()
    tab.check_console()
