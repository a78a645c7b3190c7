"""The page: a FastAPI application that carries a Gradio page and one WebSocket for everything live."""

from app.web.serving import serve

__all__ = ["serve"]
