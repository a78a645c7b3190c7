"""One tab of a browser at the page: finds what a user finds, and keeps what the console calls an error."""

import base64
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.numbered import number_or_none

__all__ = ["Tab", "pixels_of"]

PATIENCE_MS = 30_000  # nothing here is about speed: a busy machine only takes longer
_PIXELS = """element => {
  const canvas = document.createElement("canvas");
  canvas.width = element.naturalWidth || element.width;
  canvas.height = element.naturalHeight || element.height;
  canvas.getContext("2d").drawImage(element, 0, 0);
  return canvas.toDataURL("image/png");
}"""

expect.set_options(timeout=PATIENCE_MS)


def pixels_of(picture: Locator) -> np.ndarray:
    """uint8 [H, W, 3] RGB: what an image or a canvas of the page shows, in its own size."""
    _, _, data = picture.evaluate(_PIXELS).partition(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


class Tab:
    """One tab. `allowed` holds words of console errors that the test means to provoke."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.allowed: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.goto(url)
        self.wait_until_usable()

    def wait_until_usable(self) -> None:
        self.page.locator("[data-part=body]:not([inert])").wait_for()

    def part(self, name: str) -> Locator:
        return self.page.locator(f"[data-part={name}]")

    def choose(self, kind: str) -> None:
        self.page.locator(f"input[name=kind][value={kind}]").check()

    def watch_file(self, path: Path) -> None:
        """Returns when the first picture is shown."""
        self.choose("file")
        self.page.locator("input[name=file]").fill(str(path))
        self.part("start").click()
        self.wait_for_picture()

    def watch_address(self, url: str) -> None:
        self.choose("address")
        self.page.locator("input[name=address]").fill(url)
        self.part("start").click()

    def watch_camera(self) -> None:
        """Of this browser."""
        self.choose("camera")
        self.part("start").click()

    def wait_for_picture(self) -> None:
        self.page.locator("canvas[data-part=picture].is-shown").wait_for()

    def ask(self, question: str) -> Locator:
        """The exchange that begins with it."""
        self.page.locator("textarea[name=question]").fill(question)
        self.page.locator("[data-part=ask] [type=submit]").click()
        return self.page.locator("article.ag-exchange", has_text=question).last

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Of what a locator cannot tell."""
        end_s = time.monotonic() + PATIENCE_MS / 1e3
        while not condition():
            assert time.monotonic() < end_s, "it did not come true in time"
            self.page.wait_for_timeout(50)

    def wait_for_number(self, picture: Locator, is_right: Callable[[int], bool]) -> None:
        """Until the number that it carries is right; one that is still being loaded carries none."""

        def is_shown() -> bool:
            number = number_or_none(pixels_of(picture))
            return number is not None and is_right(number)

        self.wait_until(is_shown)

    def check_console(self) -> None:
        unexpected = [error for error in self.errors if not any(word in error for word in self.allowed)]
        assert unexpected == [], "the browser's console"
