"""What an ASGI scope says: its headers, cookies and the token in its query. Pure."""

from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

__all__ = ["bearer_of", "cookie_of", "has_odd_path", "header", "host_of", "name_of", "take_query_token"]

_MAX_COOKIE_CHARS = 4096
_MAX_DECODINGS = 3


def header(scope: Any, name: bytes) -> str | None:
    """None: there is none. Empty if it was sent more than once: whom to believe?"""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ("" if values else None)


def host_of(scope: Any) -> str:
    return (header(scope, b"host") or "").lower()


def name_of(host: str) -> str:
    """The host's name without its port; empty if the header is malformed."""
    name, separator, port = host.rpartition(":")
    if not separator or host.endswith("]"):
        return host
    return name if port.isdecimal() and len(port) <= 5 else ""


def cookie_of(scope: Any, name: str) -> str | None:
    text = header(scope, b"cookie")
    if not text or len(text) > _MAX_COOKIE_CHARS:
        return None
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return None
    return None if found is None else found.value


def bearer_of(scope: Any) -> str | None:
    """The token that a program sends; None: it sends none. Empty: it sends something else."""
    text = header(scope, b"authorization")
    if text is None:
        return None
    scheme, _, token = text.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def take_query_token(scope: Any) -> str | None:
    """The token of `?token=`. It is taken out of the scope itself, so that whoever sees that later, a log too, finds
    none."""
    query = scope.get("query_string", b"")
    if b"token" not in unquote_to_bytes(query).lower():
        return None
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    scope["query_string"] = urlencode([pair for pair in pairs if pair[0].lower() != "token"]).encode("latin-1")
    given = [value for name, value in pairs if name.lower() == "token"]
    return given[0] if len(given) == 1 else ("" if given else None)


def has_odd_path(scope: Any) -> bool:
    """True for a path that no page of ours has: steps upwards, backslashes, control characters, however encoded."""
    data = scope["path"].encode("utf-8", "surrogateescape")
    for _ in range(_MAX_DECODINGS):
        if b"\\" in data or any(byte < 32 or byte == 127 for byte in data):
            return True
        if any(part in (b"..", b".") for part in data.split(b"/")):
            return True
        decoded = unquote_to_bytes(data)
        if decoded == data:
            return False
        data = decoded
    return True  # encoded more often than anybody honest does
