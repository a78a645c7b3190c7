"""Who may talk to the page: browsers on this machine that opened this page itself.

Comes in: every HTTP request and WebSocket, before the application sees it. Goes out: the same, or a refusal in one
sentence. Host is checked against DNS rebinding, Origin against other sites; answers carry headers that keep the page
to itself: nothing is loaded from elsewhere, nothing may frame it, and no other site may read it.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Guard"]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_POSTED = frozenset({"/v1/ask"})  # what may be asked for by POST; JSON alone, which no form of another site can send
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

    def __init__(self, application: Any, *, names: Iterable[str] = ()) -> None:
        """names: further host names under which the page may be opened, without port."""
        self._application = application
        self._names = _LOOPBACK_NAMES | {name.lower() for name in names}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self._application(scope, receive, _with_headers(send, _host(scope)))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1][:120]})
        else:
            await _refuse(send, *refusal)

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """(HTTP status, sentence), or None for a request that may pass."""
        host = _host(scope)
        if _name_of(host) not in self._names:
            return 403, "This page answers on this machine alone: open it as http://127.0.0.1 with its port."
        origin = _header(scope, b"origin")
        is_socket = scope["type"] == "websocket"
        if (origin is not None or is_socket) and not _is_same_origin(origin, host):
            return 403, "This request comes from another site, and was refused."
        if is_socket:
            return None
        if scope["method"] not in _SAFE_METHODS and not (scope["method"] == "POST" and scope["path"] in _POSTED):
            return 405, "Nothing is changed by this kind of request here."
        if scope["method"] == "POST" and not (_header(scope, b"content-type") or "").startswith("application/json"):
            return 415, "Send the question as JSON, with the header content-type: application/json."
        is_foreign = _header(scope, b"sec-fetch-site") in ("cross-site", "same-site")
        if is_foreign and _header(scope, b"sec-fetch-mode") != "navigate":
            return 403, "This request comes from another site, and was refused."
        return None


def _host(scope: Any) -> str:
    return (_header(scope, b"host") or "").lower()


def _header(scope: Any, name: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ("" if values else None)


def _name_of(host: str) -> str:
    """The host's name without its port; empty if the header is malformed."""
    name, separator, port = host.rpartition(":")
    if not separator or host.endswith("]"):
        return host
    return name if port.isdecimal() and len(port) <= 5 else ""


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


async def _refuse(send: Any, status: int, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *_FIXED_HEADERS]})
    await send({"type": "http.response.body", "body": body})
