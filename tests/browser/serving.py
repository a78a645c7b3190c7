"""The page as a browser gets it: the real application and web server, in a thread, at a port of its own.

The sessions are real too, memory included; encoder and LMM are what the test gives, scripted ones as a rule.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from app.config import AssistantConfig
from app.perceiving import PerceiveConfig
from app.session import Session
from app.web.access_token import AccessToken
from app.web.application import make_application
from app.web.cameras import Cameras
from app.web.door import Door as TokenDoor
from app.web.guard import Guard
from app.web.hearing import Hearing
from app.web.hub import Hub
from app.web.page import add_page
from app.web.recordings import Recordings
from app.web.serving import listening_socket
from tests.app.recording.parts import GridEncoder
from tests.fakes import FakeLMM, FakeRecogniser, FakeSpeaker

__all__ = ["PageServer"]

_START_S, _STOP_S = 60.0, 20.0


class Door:
    """An ASGI application around another one, which turns WebSockets away while it is shut."""

    def __init__(self, application: Any) -> None:
        self.is_shut = False
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket" and self.is_shut:
            await receive()
            await send({"type": "websocket.close", "code": 1013})
            return
        await self._application(scope, receive, send)


class PageServer:
    """Use as a context manager. `url` is what the browser opens; `lmms` are the LMMs of the sessions so far."""

    def __init__(
        self,
        make_lmm: Callable[[], Any] = FakeLMM,
        make_encoder: Callable[[], Any] = GridEncoder,
        cameras: Mapping[str, AssistantConfig] | None = None,
        config: AssistantConfig | None = None,
        token: AccessToken | None = None,
        speaker: Callable[[str], Any] = lambda name: FakeSpeaker(),
        data: Path = Path("no recordings here"),
        recogniser: Callable[[], Any] = lambda: FakeRecogniser([]),
    ) -> None:
        self.lmms: list[Any] = []

        def note_lmm() -> Any:
            self.lmms.append(make_lmm())
            return self.lmms[-1]

        config = config or AssistantConfig(perceive=PerceiveConfig(fps=10.0))
        self.hub = Hub(
            config,
            lambda made, source: Session(made, source=source, encoder=make_encoder, lmm=note_lmm, speaker=speaker),
            hearing=Hearing(recogniser),
        )
        application = make_application(
            self.hub, Cameras(cameras or {}, self.hub.make_camera), Recordings(data, make_lmm)
        )
        add_page(application)
        self._door = Door(Guard(application, door=None if token is None else TokenDoor(token)))
        self._listener = listening_socket("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._door, log_config=None, access_log=False, timeout_graceful_shutdown=1, ws_per_message_deflate=False
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="page-server")

    def __enter__(self) -> "PageServer":
        self._thread.start()
        for _ in range(int(_START_S / 0.02)):
            if self._server.started:
                return self
            threading.Event().wait(0.02)
        raise AssertionError("the page server did not start")

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the page server did not end"

    def shut_out_pages(self) -> None:
        """Every page loses its connection, and gets none until `let_pages_in`."""
        self._door.is_shut = True
        self._server.servers[0].get_loop().call_soon_threadsafe(self._drop_connections)

    def let_pages_in(self) -> None:
        self._door.is_shut = False

    def _drop_connections(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
