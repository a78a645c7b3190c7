"""All routes but the page itself: the WebSocket, pictures of evidence, static files, the interface for programs.

Comes in: the hub and the cameras. Goes out: a FastAPI application whose lifespan is theirs. The event loop of the main
thread.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from app.errors import RecordingError
from app.web.api import make_api
from app.web.cameras import Cameras
from app.web.clips import MAX_CLIP_S, clip_response
from app.web.connection import Connection
from app.web.hub import Hub
from app.web.recordings import Recordings

__all__ = ["PREFIX", "make_application"]

PREFIX = "/afterglow"
_STATIC = Path(__file__).resolve().parent / "static"
_LOOK_AFTER_S = 1.0


def make_application(hub: Hub, cameras: Cameras, recordings: Recordings) -> FastAPI:
    """Everything but the page at /. Ending it closes all sessions. Where there is one camera, every page sees it."""
    hub.cameras = cameras

    @contextlib.asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        looking_after = asyncio.create_task(_look_after(hub, cameras))
        cameras.start()
        try:
            yield
        finally:
            looking_after.cancel()
            await asyncio.gather(cameras.close(), hub.close())

    application = FastAPI(title="Afterglow", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @application.websocket(f"{PREFIX}/socket")
    async def live(socket: WebSocket) -> None:
        await Connection(hub, socket).serve()

    @application.get(f"{PREFIX}/frames/{{key}}/{{watch}}/{{frame}}.jpg")
    async def evidence_picture(key: str, watch: int, frame: int) -> Response:
        jpeg = hub.frame_jpeg(key, watch, frame)
        if jpeg is None:
            return Response("There is no such picture.\n", 404, media_type="text/plain")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, no-store"})

    @application.get(f"{PREFIX}/clips/{{key}}/{{watch}}/{{start_ms}}-{{end_ms}}.mp4")
    async def clip(key: str, watch: int, start_ms: int, end_ms: int, request: Request) -> Response:
        data = None
        if 0 <= start_ms < end_ms <= start_ms + MAX_CLIP_S * 1e3:
            with contextlib.suppress(RecordingError):
                data = await hub.clip(key, watch, start_ms / 1e3, end_ms / 1e3)
        if data is None:
            return Response("There is no such clip.\n", 404, media_type="text/plain")
        return clip_response(data, request.headers.get("range"))

    @application.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        sentence = f"{first['loc'][-1]}: {first['msg']}."
        return JSONResponse({"type": "error", "message": sentence}, 422)

    application.include_router(make_api(cameras, recordings))
    application.mount(f"{PREFIX}/static", _FreshStaticFiles(directory=_STATIC), name="static")
    return application


class _FreshStaticFiles(StaticFiles):
    """Browsers ask whether a file has changed before they use their copy: a new version is never half an old one."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


async def _look_after(hub: Hub, cameras: Cameras) -> None:
    while True:
        await asyncio.sleep(_LOOK_AFTER_S)
        hub.drop_gone()
        for before, after in cameras.renew():
            hub.follow(before, after)
