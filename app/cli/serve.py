"""`serve`: opens the page.

Comes in: checked options. Goes out: the exit code, when the page is closed. The main thread.
"""

from app.cli.parsing import ServeOptions

__all__ = ["serve"]


def serve(options: ServeOptions) -> int:
    """Runs until Ctrl-C."""
    from app.config import AssistantConfig
    from app.perceiving import PerceiveConfig
    from app.web import serve as serve_page

    config = AssistantConfig(perceive=PerceiveConfig(fps=options.fps))
    serve_page(config, host=options.host, port=options.port, source=options.source, open_browser=options.opens_browser)
    return 0
