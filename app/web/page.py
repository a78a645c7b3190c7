"""The page itself, in Gradio: one block of our own markup, whose script opens the WebSocket.

Comes in: the FastAPI application. Goes out: the same with the page at its root. Nothing is loaded from another machine.
Gradio is imported when the page is made: it takes seconds.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.web.application import PREFIX

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["add_page"]

_STATIC = Path(__file__).resolve().parent / "static"
_HEAD = f"""\
<link rel="icon" href="{PREFIX}/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{PREFIX}/static/page.css">
<link rel="stylesheet" href="{PREFIX}/static/voice.css">
<link rel="stylesheet" href="{PREFIX}/static/moments.css">
<meta name="color-scheme" content="light dark">
"""
_START = f"import('{PREFIX}/static/main.js').then((page) => page.start(element));"
_SYSTEM_FONTS = ["system-ui", "sans-serif"]


def add_page(application: "FastAPI") -> None:
    """Mounts the page at /."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio

    with gradio.Blocks(title="Afterglow", analytics_enabled=False, fill_width=True) as blocks:
        gradio.HTML(
            html_template=(_STATIC / "page.html").read_text(encoding="utf-8"),
            js_on_load=_START,
            apply_default_css=False,
            elem_id="afterglow",
        )
    gradio.mount_gradio_app(
        application,
        blocks,
        path="/",
        theme=gradio.themes.Base(font=_SYSTEM_FONTS, font_mono=["ui-monospace", "monospace"]),
        head=_HEAD,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        show_error=False,
        max_file_size=0,
    )
