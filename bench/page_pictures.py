"""Makes docs/images/page.png and memory.png from the real page: the real models, the demo clip, real questions.

    .venv/bin/python -m bench.page_pictures [--folder docs/images] [--all DIR]

Needs Chromium and Playwright (tests/requirements.txt). --all also writes what a person should look at before a release:
the page at three widths, by day and by night, and its dialogs. A picture that the machine was too busy to make well
(few frames encoded) is made again by hand: the program measures nothing.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_MS = 180_000
SIZE = (1280, 800)
TALL_PX = 1080
# Of the page's own small marks, which a palette made for photographs would lose.
MARKS = ("6fdc9f", "ff7d87", "b9aebb", "b3472f", "f39a63", "2f7a57", "7fd3a8", "a3283f", "f2884b", "ffd9a0", "b8436b")
WIDTHS = ((1280, 800), (768, 1024), (390, 844))
QUESTIONS_AT = ((14, "What do you see now?"), (44, "When did you first see the cat?"), (46, "What happened so far?"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of the page for the documents.")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--all", type=Path, metavar="DIR", help="write every view into this folder too")
    options = parser.parse_args()
    with _page() as page:
        _play_and_ask(page)
        _save(page, options.folder / "page.png")
        if options.all is not None:
            options.all.mkdir(parents=True, exist_ok=True)
            _views(page, options.all)
        _part(page, "remember").click()
        page.locator("[data-part=pinform] input[name=label]").fill("the cat")
        page.keyboard.press("Enter")
        _part(page, "receipt").get_by_role("button").click()
        page.set_viewport_size({"width": SIZE[0], "height": TALL_PX})  # the whole dialog
        _part(page, "openmemory").click()
        page.locator(".ag-tier").first.wait_for()
        _save(page, options.folder / "memory.png")
        if options.all is not None:
            page.keyboard.press("Escape")
            _dialogs(page, options.all)


@contextmanager
def _page() -> Iterator[Any]:
    """A tab of Chromium at a page server of its own."""
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        raise SystemExit("Chromium is not on this machine.")
    words = [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--no-browser"]
    server = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        found = (re.search(r"Afterglow is at (\S+)", line) for line in server.stderr)
        address = next(match[1] for match in found if match)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--disable-gpu", "--no-first-run"])
            page = browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(address)
            page.locator("[data-part=body]:not([inert])").wait_for()
            yield page
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _part(page: Any, name: str) -> Any:
    return page.locator(f"[data-part={name}]")


def _play_and_ask(page: Any) -> None:
    _part(page, "start").click()
    page.locator("canvas[data-part=picture].is-shown").wait_for()
    for at_s, question in QUESTIONS_AT:
        page.wait_for_function(
            """seconds => {
              const [minutes, rest] = document.querySelector("[data-part=clock]").textContent.split(":").map(Number);
              return minutes * 60 + rest >= seconds;
            }""",
            arg=at_s,
        )
        page.locator("textarea[name=question]").fill(question)
        page.locator("[data-part=ask] [type=submit]").click()
        page.locator("article.ag-exchange", has_text=question).locator(".ag-meta").first.wait_for()


def _save(page: Any, path: Path) -> None:
    """With 256 colours, so that it stays small."""
    page.wait_for_timeout(800)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    palette = picture.quantize(256 - len(MARKS)).getpalette() or []
    for mark in MARKS:
        palette += [*bytes.fromhex(mark)]
    painted = Image.new("P", (1, 1))
    painted.putpalette(palette)
    picture.quantize(palette=painted, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def _views(page: Any, folder: Path) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            _save(page, folder / f"{scheme}-{width}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})


def _dialogs(page: Any, folder: Path) -> None:
    for scheme, (width, height) in (("light", WIDTHS[0]), ("dark", WIDTHS[2])):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.locator(".ag-chip").last.click()
        _save(page, folder / f"{scheme}-{width}-viewer.png")
        page.keyboard.press("Escape")
        for name in ("remember", "forget", "openmemory", "model"):
            _part(page, name).click()
            _save(page, folder / f"{scheme}-{width}-{name}.png")
            page.keyboard.press("Escape")


if __name__ == "__main__":
    main()
