"""The page in a real browser: when each picture was drawn, and how old it was then.

In: the page's address, and when each number was made. Out: pictures a second and ages in ms. Chromium, headless,
without a GPU: on a machine of few cores it takes its share of them.
"""

from __future__ import annotations

import shutil
import time

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.numbered import NUM_BITS

__all__ = ["watch_in_browser"]

_WARM_UP_S = 3.0
_POLL_S = 0.4  # a number is used again after two seconds: its time must be looked up before that
_PATIENCE_MS = 60_000

# Notes when each picture was drawn and, after that, reads its number from the upper row of blocks.
_HOOK = """bits => {
  window.drawn = [];
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...words) {
    draw.apply(this, words);
    if (this.canvas.dataset.part !== "picture") return;
    const at = performance.now();
    const { width, height } = this.canvas;
    const row = this.getImageData(0, Math.floor(height / 16), width, 1).data;
    let number = 0;
    for (let place = 0; place < bits; place++) {
      if (row[4 * Math.floor(((place + 0.5) * width) / bits)] > 128) number += 2 ** place;
    }
    window.drawn.push([at, number]);
  };
}"""


def watch_in_browser(address: str, seconds: float, sent_s: np.ndarray) -> dict[str, object] | None:
    """None where there is no Chromium."""
    path = shutil.which("chromium")
    if path is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.locator("canvas[data-part=picture].is-shown").wait_for(timeout=_PATIENCE_MS)
        page.evaluate(_HOOK, NUM_BITS)
        page.wait_for_timeout(1e3 * _WARM_UP_S)
        page.evaluate("() => { window.drawn = []; }")
        ages, duration_s = _ages_ms(page, seconds, sent_s)
        browser.close()
    return {"fps": len(ages) / duration_s, "ages_ms": ages}


def _ages_ms(page: Page, seconds: float, sent_s: np.ndarray) -> tuple[list[float], float]:
    offset_s, ages = _clock_offset_s(page), []
    start_s = time.monotonic()
    while time.monotonic() < start_s + seconds:
        page.wait_for_timeout(1e3 * _POLL_S)
        made_s = np.array(sent_s)
        for at_ms, number in page.evaluate("() => window.drawn.splice(0)"):
            age_ms = (at_ms / 1e3 + offset_s - made_s[number]) * 1e3
            if age_ms >= 0:  # else the number was made again between the drawing and this look
                ages.append(age_ms)
    return ages, time.monotonic() - start_s


def _clock_offset_s(page: Page) -> float:
    """From the browser's clock to ours: of many exchanges the quickest."""
    best_s, offset_s = np.inf, 0.0
    for _ in range(50):
        before_s = time.monotonic()
        there_ms = page.evaluate("() => performance.now()")
        after_s = time.monotonic()
        if after_s - before_s < best_s:
            best_s, offset_s = after_s - before_s, (before_s + after_s) / 2 - there_ms / 1e3
    return offset_s
