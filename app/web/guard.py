"""Who may talk to the page: browsers that opened this page itself, programs of this machine, and who has the token.

Comes in: every HTTP request and WebSocket, before the application sees it: page, interface for programs, pictures and
static files alike. Goes out: the same, or a refusal in one sentence. Host is checked against DNS rebinding, Origin
against other sites, the path against steps upwards, and, where other machines can reach the page, the Door asks for the
token. Answers carry headers that keep the page to itself: nothing is loaded from elsewhere, nothing may frame it, and
no other site may read it.
"""

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from app.web.door import Door, Reply
from app.web.scopes import has_odd_path, header, host_of, name_of, take_query_token

__all__ = ["MAX_BODY_BYTES", "Guard"]

MAX_BODY_BYTES = 64 * 1024
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_POSTED = frozenset({"/v1/ask"})  # what may be asked for by POST; JSON alone, which no form of another site can send
_OPEN = frozenset({"/healthz"})  # without a token: it says whether all is well, and nothing else
_FIXED_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(self), geolocation=()"),
)


class Guard:
    """An ASGI application around another one."""

    def __init__(
        self,
        application: Any,
        *,
        names: Iterable[str] = (),
        serves_addresses: bool = False,
        door: Door | None = None,
    ) -> None:
        """names: further host names under which the page may be opened, without port. serves_addresses: any number
        may stand for the host, since no name that somebody else owns can be one. door: None: nobody is asked for a
        token."""
        self._application, self._serves_addresses, self._door = application, serves_addresses, door
        self._names = _LOOPBACK_NAMES | {name.lower() for name in names if name}  # none is not one

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        query_token = None if self._door is None else take_query_token(scope)
        refusal = self.refusal(scope)
        if refusal is not None:
            await _answer(scope, receive, send, _refused(*refusal))
        elif self._door is None or scope["path"] in _OPEN:
            await self._application(scope, receive, _with_headers(send, host_of(scope)))
        elif self._door.owns(scope["path"]) and scope["type"] == "http":
            await _answer(scope, receive, send, await self._door.serve(scope, receive))
        else:
            await self._let_in(self._door, scope, receive, send, query_token)

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """(HTTP status, sentence), or None for a request that may pass as far as no token is needed."""
        if has_odd_path(scope):
            return 400, "There is no such path here."
        host = host_of(scope)
        if not self._is_ours(name_of(host)):
            return 403, self._wrong_name()
        origin = header(scope, b"origin")
        is_socket = scope["type"] == "websocket"
        if (origin is not None or is_socket) and not _is_same_origin(origin, host):
            return 403, "This request comes from another site, and was refused."
        return None if is_socket else self._wrong_request(scope)

    def _wrong_request(self, scope: Any) -> tuple[int, str] | None:
        method, path = scope["method"], scope["path"]
        is_form = self._door is not None and self._door.owns(path)
        if method not in _SAFE_METHODS and not (method == "POST" and (path in _POSTED or is_form)):
            return 405, "Nothing is changed by this kind of request here."
        kind = header(scope, b"content-type") or ""
        if method == "POST" and not is_form and not kind.startswith("application/json"):
            return 415, "Send the question as JSON, with the header content-type: application/json."
        length = header(scope, b"content-length")
        if length is not None and (not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY_BYTES):
            return 413, f"A request may have {MAX_BODY_BYTES // 1024} KiB."
        is_foreign = header(scope, b"sec-fetch-site") in ("cross-site", "same-site")
        if is_foreign and header(scope, b"sec-fetch-mode") != "navigate":
            return 403, "This request comes from another site, and was refused."
        return None

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        if not self._serves_addresses:
            return False
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
            return True
        return False

    def _wrong_name(self) -> str:
        if self._serves_addresses:
            return "This page is not known under that name: its owner can add it with --host-name."
        return "This page answers on this machine alone: open it as http://127.0.0.1 with its port."

    async def _let_in(self, door: Door, scope: Any, receive: Any, send: Any, query_token: str | None) -> None:
        admitted = door.admit(scope, query_token)
        if isinstance(admitted, Reply):
            await _answer(scope, receive, send, admitted)
            return
        scope["afterglow.has_login"] = admitted.login is not None
        send = _with_headers(send, host_of(scope))
        if scope["type"] == "http" or admitted.login is None:
            await self._application(scope, receive, send)
            return
        serving = asyncio.ensure_future(self._application(scope, receive, send))
        try:
            if await door.until_logout(admitted.login, serving):
                with contextlib.suppress(RuntimeError):  # it is closed already
                    await send({"type": "websocket.close", "code": 1008, "reason": "Logged out."})
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


def _is_same_origin(origin: str | None, host: str) -> bool:
    try:
        parts = urlsplit((origin or "").lower())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host and parts.path in ("", "/")


def _content_policy(host: str) -> bytes:
    rules = (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio's own page needs both
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob: mediastream:",
        f"connect-src 'self' ws://{host} wss://{host}",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules).encode("latin-1")


def _with_headers(send: Any, host: str) -> Any:
    async def send_guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            kept = [item for item in message.get("headers", ()) if not item[0].lower().startswith(b"access-control-")]
            policy = (b"content-security-policy", _content_policy(host))
            message = {**message, "headers": [*kept, *_FIXED_HEADERS, policy]}
        await send(message)

    return send_guarded


def _refused(status: int, sentence: str) -> Reply:
    return Reply(status=status, body=f"{sentence}\n".encode())


async def _answer(scope: Any, receive: Any, send: Any, reply: Reply) -> None:
    """In place of the application."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": reply.sentence[:120]})
        return
    body, headers = reply.body, reply.headers
    if scope["path"].startswith("/v1/") and reply.is_sentence:  # to programs, as the interface itself refuses
        body = json.dumps({"type": "error", "message": reply.sentence}).encode()
        headers = ((b"content-type", b"application/json"), *headers[1:])
    own = {name for name, _ in headers}
    common = [item for item in _FIXED_HEADERS if item[0] not in own]
    fixed = (*common, (b"cache-control", b"no-store"), (b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *fixed]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
