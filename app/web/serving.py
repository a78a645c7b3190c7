"""Runs the page until Ctrl-C.

Comes in: the configuration, an address of this machine, and what to watch at once. Goes out: nothing; errors are raised
before the address is announced. The web server and its event loop live in the main thread.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import sys
import webbrowser
from typing import TYPE_CHECKING, Any

from app.install.errors import EXIT_BAD_ARGUMENTS, SetupError
from app.install.port import require_free_port

if TYPE_CHECKING:
    from app.config import AssistantConfig

__all__ = ["serve"]

CAMERA_NAME = "camera"  # what programs call the one source of `serve --source`
_GRACEFUL_S = 1  # for answers in the making when the program ends
_MAX_MESSAGE_BYTES = 1024 * 1024


def serve(
    config: "AssistantConfig",
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    source: str | None = None,
    open_browser: bool = True,
) -> None:
    """Serves the page. Raises SetupError for an address that cannot be used, KeyboardInterrupt at Ctrl-C."""
    require_loopback(host)
    with listening_socket(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        sys.stderr.write("Afterglow is starting.\n")
        application = _make_application(config, source, host)
        _run(application, listener, address, open_browser)


def require_loopback(host: str) -> None:
    """Raises SetupError for an address that other machines could reach."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host.lower() != "localhost":
        raise SetupError(
            f"--host {host} would let other machines reach the page, and there is no password yet: "
            "use --host 127.0.0.1, and from elsewhere an SSH tunnel (ssh -L 7860:127.0.0.1:7860 THIS-MACHINE).",
            EXIT_BAD_ARGUMENTS,
        )


def listening_socket(host: str, port: int) -> socket.socket:
    """Bound and listening, so that a browser which is early waits. Raises SetupError if the port is taken."""
    if port:
        require_free_port(host, port)
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise SetupError(f"The page cannot be served at {host} port {port}: {error}.", EXIT_BAD_ARGUMENTS) from error
    return listener


def _make_application(config: "AssistantConfig", source: str | None, host: str) -> Any:
    """The whole ASGI application; the models begin to load beside it."""
    from app.kept_models import KeptModels
    from app.session import Session
    from app.web.choices import read_choice
    from app.web.warming import WarmUp

    warm_up = WarmUp(KeptModels())
    warm_up.begin()
    from app.web.application import make_application
    from app.web.cameras import Cameras
    from app.web.guard import Guard
    from app.web.hub import Hub
    from app.web.page import add_page

    hub = Hub(
        config,
        lambda made, opened: Session(made, source=opened, encoder=warm_up.encoder, lmm=warm_up.lmm),
        warm_up=warm_up,
    )
    choices = {} if source is None else {CAMERA_NAME: read_choice("named", source)}
    application = make_application(hub, Cameras(choices, hub.make_source, hub.make_camera))
    add_page(application)
    return Guard(application, names=(f"[{host}]" if ":" in host else host,))


def _run(application: Any, listener: socket.socket, address: str, open_browser: bool) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """Says where the page is as soon as it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            sys.stderr.write(f"Afterglow is at {address}  (Ctrl-C stops it)\n")
            if open_browser and _has_screen():
                self.opening = asyncio.create_task(_open_browser(address))

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACEFUL_S,
    )
    Server(config).run([listener])


def _has_screen() -> bool:
    """Without one, a text browser would take over the terminal."""
    is_unix_desktop = sys.platform.startswith("linux") or "bsd" in sys.platform
    return not is_unix_desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def _open_browser(address: str) -> None:
    from app.web.background import in_background

    with contextlib.suppress(webbrowser.Error, OSError):
        await in_background("browser", lambda: webbrowser.open(address))
