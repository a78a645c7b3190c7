"""Addresses of network cameras: read once, encoded for the decoder, and masked wherever they are shown.

People type passwords as they are, with @ : # / % and spaces in them. The decoder wants them percent-encoded. Pure
functions, any thread.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from vision.errors import SourceOpenError

__all__ = [
    "SCHEMES",
    "NetworkAddress",
    "SplitAddress",
    "add_credentials",
    "mask_credentials",
    "parse_address",
    "split_address",
]

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "http": 80, "https": 443}
SCHEMES = tuple(_DEFAULT_PORTS)

_MASK = "***"
_SECRET_PARAMETER = re.compile(
    r"(?i)((?:pass(?:word|wd|code)?|pwd|pw|token|secret|api_?key|key|auth|sig(?:nature)?|session|user(?:name)?|usr)=)"
    r"[^&;?#/\s'\"]+"
)
_SECRET_USERINFO = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^\s'\"<>]*@")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]@/?#:\s]+)(?::(\d*))?")


@dataclass(frozen=True, kw_only=True)
class NetworkAddress:
    scheme: str
    name: str
    """For people: user and password are masked."""
    url: str = field(repr=False)
    """For the decoder: user and password are in it, percent-encoded. Never to be shown."""


@dataclass(frozen=True, kw_only=True)
class SplitAddress:
    """The parts of a `NetworkAddress.url`. User and password as typed, not percent-encoded, or None."""

    scheme: str
    host: str
    """Without brackets."""
    port: int
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    target: str = field(repr=False)
    """Path and query, at least "/"."""
    url: str = field(repr=False)

    @property
    def netloc(self) -> str:
        """Host and port, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    def with_host(self, address: str) -> str:
        """The same address, to another name of the host."""
        userinfo, at, _ = urlsplit(self.url).netloc.rpartition("@")
        host = f"[{address}]" if ":" in address else address
        return urlsplit(self.url)._replace(netloc=f"{userinfo}{at}{host}:{self.port}").geturl()


def split_address(url: str) -> SplitAddress:
    """url: as `parse_address` gives it. Raises ValueError if it is not one."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("expected an address as parse_address gives it")
    return SplitAddress(
        scheme=parts.scheme,
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        url=url,
    )


def add_credentials(url: str, user: str, password: str) -> str:
    """The address with user and password in it, unless it names some itself. url: as `parse_address` gives it."""
    parts = urlsplit(url)
    if parts.username is not None:
        return url
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}").geturl()


def mask_credentials(text: str) -> str:
    """The text with the user and password of every address in it replaced, and the values of telling parameters."""
    return _SECRET_PARAMETER.sub(rf"\1{_MASK}", _SECRET_USERINFO.sub(rf"\1{_MASK}@", text))


def parse_address(text: str) -> NetworkAddress:
    """`text` begins with one of SCHEMES and a colon. Raises SourceOpenError (kind bad_url), with no secret in it."""
    scheme, _, rest = text.partition(":")
    scheme = scheme.lower()
    if not rest.startswith("//"):
        raise SourceOpenError(f"An address of this kind starts with {scheme}://, then the name of the host.", "bad_url")
    userinfo, location = _split_userinfo(rest[2:])
    match = _HOST_AND_PORT.match(location)
    path = location[match.end() :] if match else ""
    if match is None or (path and path[0] not in "/?#"):
        raise SourceOpenError(f"The address {scheme}:// has no readable host name.", "bad_url")
    host, port = _check_host(match[1], scheme), match[2]
    if port is not None and not (port and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise SourceOpenError(f"The port of the {scheme} address for {host} is not in 1..65535.", "bad_url")
    shown = f"{_MASK}@{match[0]}{path}" if userinfo is not None else f"{match[0]}{path}"
    place = host if port is None else f"{host}:{port}"
    encoded = "" if userinfo is None else f"{_encode_userinfo(userinfo)}@"
    return NetworkAddress(
        scheme=scheme,
        name=_SECRET_PARAMETER.sub(rf"\1{_MASK}", f"{scheme}://{shown}"),
        url=f"{scheme}://{encoded}{place}{_encode(path, safe='/?#:@!$&()*+,;=~[]')}",
    )


def _check_host(host: str, scheme: str) -> str:
    """The host as the decoder wants it."""
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        encoded = host.encode("ascii" if host.isascii() else "idna").decode()
    except ValueError:  # UnicodeError is one
        encoded = ""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", encoded):
        raise SourceOpenError(f"The host name of the {scheme} address is not valid.", "bad_url")
    return encoded


def _split_userinfo(rest: str) -> tuple[str | None, str]:
    """What stands before the host, and the rest from the host on.

    By the standard the user and password end at the first of / ? # at the latest. Passwords with these characters in
    them are typed all the same, so that a later @ is taken where the standard reading gives no plausible host.
    """
    standard = re.split(r"[/?#]", rest, maxsplit=1)[0]
    position = standard.rfind("@")
    later = [match.start() for match in re.finditer("@", rest) if match.start() > position]
    if position >= 0 and (_is_full_host(standard[position + 1 :]) or not later):
        return rest[:position], rest[position + 1 :]
    if position < 0 and not later:
        return None, rest
    for candidate in reversed(later):
        following = re.split(r"[/?#]", rest[candidate + 1 :], maxsplit=1)[0]
        if _is_full_host(following) or (position < 0 and _is_host(following) and not _is_path_sign(rest, candidate)):
            return rest[:candidate], rest[candidate + 1 :]
    return (None, rest) if position < 0 else (rest[:position], rest[position + 1 :])


def _is_path_sign(rest: str, position: int) -> bool:
    """True if this @ belongs to a path: the address starts with what can only be a host, or it follows a slash."""
    standard = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return rest[position - 1] == "/" or ":" not in standard or _is_full_host(standard.partition(":")[0])


def _is_host(text: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(text)
    return match is not None and match[2] != ""


def _is_full_host(text: str) -> bool:
    """A host that is not mistaken for a piece of a password: it has a dot or a port, or is localhost or IPv6."""
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or match[2] == "":
        return False
    return match[2] is not None or match[1].startswith("[") or "." in match[1] or match[1].lower() == "localhost"


def _encode_userinfo(userinfo: str) -> str:
    user, colon, password = userinfo.partition(":")
    safe = "!$&'()*+,;=~"
    return f"{_encode(user, safe=safe)}{colon}{_encode(password, safe=safe)}"


def _encode(text: str, *, safe: str) -> str:
    """Percent-encode; what is percent-encoded already stays as it is."""
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text), safe=safe + "%")
