"""Runs the page until Ctrl-C.

Comes in: the configuration, an address, who may come in there, and what to watch at once. Goes out: nothing; errors are
raised before the address is announced. The web server and its event loop live in the main thread.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.install.errors import EXIT_BAD_ARGUMENTS, SetupError
from app.install.port import require_free_port
from app.web.access_token import AccessToken, default_token_file, open_token
from app.web.web_config import WebConfig

if TYPE_CHECKING:
    from app.config import AssistantConfig
    from vision.sources import SourceAccess

__all__ = ["serve"]

_GRACEFUL_S = 1  # for answers in the making when the program ends
_MAX_MESSAGE_BYTES = 1024 * 1024
_MAX_CONNECTIONS = 256
_LOG_LEVEL = logging.INFO  # below that, the library for WebSockets logs the headers that it reads, cookies among them
_ANY = ("", "0.0.0.0", "::")


def serve(
    config: "AssistantConfig", *, web: WebConfig | None = None, cameras: "Mapping[str, AssistantConfig] | None" = None
) -> None:
    """Serves the page. config: of the sessions of pages; cameras: of those that the program itself watches, by name.

    Raises SetupError for an address or a token that cannot be used, KeyboardInterrupt at Ctrl-C.
    """
    web = web or WebConfig()
    if web.opens_window:
        _require_window()
    token = open_token(web.token_file or default_token_file(), is_renewed=web.renews_token) if web.needs_token else None
    with listening_socket(web.host, web.port) as listener:
        port = listener.getsockname()[1]
        sys.stderr.write("Afterglow is starting.\n")
        application = _make_application(config, web, token, port, cameras or {})
        _run(application, listener, web, _announcement(web, token, port))


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


def _make_application(
    config: "AssistantConfig",
    web: WebConfig,
    token: AccessToken | None,
    port: int,
    cameras: "Mapping[str, AssistantConfig]",
) -> Any:
    """The whole ASGI application; the models begin to load beside it."""
    from app import loading
    from app.kept_models import KeptModels
    from app.recording.folder import default_data_folder
    from app.session import Session
    from app.shared_lmm import SharedLMM
    from app.web.warming import WarmUp

    models = KeptModels(load_lmm=SharedLMM(loading.load_lmm).lend)
    warm_up = WarmUp(models)
    warm_up.begin()
    from app.web.application import make_application
    from app.web.cameras import Cameras
    from app.web.door import Door
    from app.web.guard import Guard
    from app.web.hub import Hub
    from app.web.page import add_page
    from app.web.recordings import Recordings

    hub = Hub(
        config,
        lambda made, opened: Session(
            made, source=opened, encoder=warm_up.encoder, lmm=warm_up.lmm, speaker=models.speaker
        ),
        warm_up=warm_up,
        access=page_access(web),
    )
    recordings = Recordings(web.data or default_data_folder(), warm_up.lmm)
    application = make_application(hub, Cameras(cameras, hub.make_camera), recordings)
    add_page(application)
    door = None if token is None else Door(token, cookie=f"afterglow-{port}")
    return Guard(application, names=served_names(web), serves_addresses=not web.is_local, door=door)


def page_access(web: WebConfig) -> "SourceAccess":
    """What a page may open. One of this machine alone is its owner's; where a token is needed, pages may be anywhere:
    they open what the owner has permitted, and nothing that only this machine can reach."""
    from vision.sources import OWNER, SourceAccess

    if not web.needs_token:
        return OWNER
    return SourceAccess(
        trust="visitor", folders=web.allowed_folders, hosts=web.allowed_hosts, has_devices=web.allows_devices
    )


def served_names(web: WebConfig) -> tuple[str, ...]:
    """The names that a browser may call this page by, beside those of loopback and those that are numbers."""
    names = list(web.host_names)
    if web.is_local or web.host not in _ANY:
        names.append(f"[{web.host}]" if ":" in web.host else web.host)
    if not web.is_local:
        own = socket.gethostname().partition(".")[0]
        names += [socket.gethostname(), own, f"{own}.local"]
    return tuple(dict.fromkeys(names))


def _announcement(web: WebConfig, token: AccessToken | None, port: int) -> tuple[str, str]:
    """The address for the browser of this machine, and what is told as soon as it answers."""
    here = "127.0.0.1" if web.host in _ANY else web.host
    address = f"http://{f'[{here}]' if ':' in here else here}:{port}"
    lines = [f"Afterglow is at {address}  (Ctrl-C stops it)"]
    if not web.is_local:
        names = ", ".join(f"http://{name}:{port}" for name in served_names(web))
        lines.append(f"Other machines reach it as {names}, or by this machine's address, with the token.")
        lines.append("What goes over the network is not encrypted: use it where you trust the network, or behind TLS.")
    if token is not None and token.is_new:
        lines.append(f"The token, shown this once and kept in {token.path}: {token.text}")
    elif token is not None:
        lines.append(f"The token lies in {token.path}.")
    return address, "\n".join(lines)


def _run(application: Any, listener: socket.socket, web: WebConfig, announcement: tuple[str, str]) -> None:
    import uvicorn

    address, told = announcement
    address += "/?handsfree=1" if web.is_hands_free else ""

    class Server(uvicorn.Server):
        """Says where the page is as soon as it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            sys.stderr.write(f"{told}\n")
            if web.opens_window:
                self.opening = asyncio.create_task(_show_window(self, address))
            elif web.opens_browser and _has_screen():
                self.opening = asyncio.create_task(_open_browser(address))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if web.opens_window:
                self.opening.cancel()
                await asyncio.gather(self.opening, return_exceptions=True)
            await super().shutdown(sockets)

    Server(server_config(application)).run([listener])


def server_config(application: Any) -> Any:
    """Of uvicorn: nothing is logged for each request, nobody is believed about whom a request comes from."""
    import uvicorn

    return uvicorn.Config(
        application,
        log_config=None,
        log_level=max(logging.getLogger().getEffectiveLevel(), _LOG_LEVEL),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACEFUL_S,
    )


def _has_screen() -> bool:
    """Without one, a text browser would take over the terminal."""
    is_unix_desktop = sys.platform.startswith("linux") or "bsd" in sys.platform
    return not is_unix_desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _require_window() -> None:
    """Raises SetupError for what would keep a window from being shown."""
    from app.web.window import window_command

    window_command("")
    if not _has_screen():
        raise SetupError(
            "--window needs a screen, and there is none here (DISPLAY is not set): leave --window out.",
            EXIT_BAD_ARGUMENTS,
        )


async def _show_window(server: Any, address: str) -> None:
    """Ends the program when the window is closed. One that cannot be shown is told, and the page stays."""
    from app.web.background import in_background
    from app.web.window import close_window, open_window, window_command

    try:
        process = open_window(window_command(address))
    except OSError as error:
        sys.stderr.write(f"The window could not be opened ({error}): open {address} in your browser.\n")
        return
    try:
        exit_code = await in_background("window", process.wait)
    finally:
        await in_background("window-close", lambda: close_window(process))
    if exit_code != 0:
        sys.stderr.write(f"The window ended with exit code {exit_code}: open {address} in your browser.\n")
        return
    server.should_exit = True


async def _open_browser(address: str) -> None:
    from app.web.background import in_background

    with contextlib.suppress(webbrowser.Error, OSError):
        await in_background("browser", lambda: webbrowser.open(address))
