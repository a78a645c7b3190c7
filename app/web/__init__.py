"""The page: a FastAPI application that carries a Gradio page and one WebSocket for everything live."""

from app.web.serving import serve
from app.web.web_config import WebConfig

__all__ = ["WebConfig", "serve"]
