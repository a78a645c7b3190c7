"""One HTTP request under our own rules: checked and pinned hosts, no redirect to another one, a deadline for it all.

In: an address and a `SourceAccess`. Out: a `WebResponse` whose reading never takes longer than its deadline, or
SourceOpenError. The decoder's own HTTP client would follow a redirect or a playlist to any host. Reading thread only.
"""

import http.client
import re
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from vision.errors import OpenFailureKind, SourceOpenError
from vision.sources.access import SourceAccess, permitted_addresses
from vision.sources.address import SplitAddress, split_address
from vision.sources.tls import TlsRules, untrusted
from vision.sources.web_connection import Deadline, PinnedConnection

__all__ = ["WebResponse", "fetch"]

_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS: dict[int, tuple[OpenFailureKind, str]] = {
    401: ("unauthorized", "{name} asks for a user and a password, or these are wrong."),
    403: ("unauthorized", "{name} does not permit access."),
    404: ("missing", "The host answers, but there is nothing at {name}. Check the path."),
    410: ("missing", "The host answers, but there is nothing at {name} any more. Check the path."),
}


@dataclass(frozen=True, kw_only=True)
class WebResponse:
    """An answer whose body has not been read yet."""

    url: str
    """Without user and password, after redirects."""
    response: http.client.HTTPResponse
    deadline: Deadline
    hang_up: Callable[[], None]

    @property
    def content_type(self) -> str:
        return self.response.headers.get_content_type()

    def read(self, num_bytes: int) -> bytes:
        """What has come, at most `num_bytes`; waits for something. b"" at the end. Raises TimeoutError, OSError."""
        try:
            return self.response.read1(num_bytes)
        except (http.client.HTTPException, ValueError) as error:
            raise ConnectionError("the body of the answer is malformed") from error

    def wait(self, duration_s: float) -> bool:
        """True when something can be read (the end too); False if nothing came within the time."""
        self.deadline.within(duration_s)
        try:
            self.response.fp.peek(1)  # a BufferedReader: waits only if it is empty
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self.response.close()
        self.hang_up()


def fetch(
    url: str,
    name: str,
    access: SourceAccess,
    deadline: Deadline,
    *,
    start: int = 0,
    tls: TlsRules,
) -> WebResponse:
    """GET. url: user and password in it are used; start: first byte that is wanted. Raises SourceOpenError."""
    first = address = split_address(url)
    failure: SourceOpenError
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            web = _get(address, first, name, access, deadline, start, tls)
            status = web.response.status
            if status in (200, 206):
                return web
            web.close()
            if status not in _REDIRECTS:
                raise _refusal(status, name)
            address = _redirected(address, web.response.headers.get("Location", ""), name)
        raise SourceOpenError(f"{name} redirects again and again.", "refused")
    except TimeoutError:
        failure = SourceOpenError(f"{name} did not answer in time.", "timeout")
    except ssl.SSLCertVerificationError:
        failure = untrusted(name)
    except ConnectionRefusedError:
        failure = SourceOpenError(
            f"Nothing answers at {name}: the connection was refused. Check the host, the port and the camera.",
            "refused",
        )
    except (OSError, http.client.HTTPException, ValueError):
        failure = SourceOpenError(f"The host of {name} does not answer as a web server does.", "refused")
    raise failure


def _refusal(status: int, name: str) -> SourceOpenError:
    default: tuple[OpenFailureKind, str] = "refused", "The host of {name} answers with an error of its own. Try later."
    kind, sentence = _REFUSALS.get(status, default)
    return SourceOpenError(sentence.format(name=name), kind)


def _redirected(address: SplitAddress, location: str, name: str) -> SplitAddress:
    """The address that a redirect leads to, if it stays on the host."""
    target = split_address(urljoin(address.url, location))
    is_same_place = target.host == address.host and (target.port == address.port or target.scheme == "https")
    if (
        target.scheme not in ("http", "https")
        or not is_same_place
        or (address.scheme, target.scheme) == ("https", "http")
    ):
        raise SourceOpenError(
            f"{name} redirects to another host or to a less safe connection, which is not followed. Give the address "
            "where it really is.",
            "forbidden",
        )
    return target


def _get(
    address: SplitAddress,
    first: SplitAddress,
    name: str,
    access: SourceAccess,
    deadline: Deadline,
    start: int,
    tls: TlsRules,
) -> WebResponse:
    """One answer, after the question for user and password if the host puts it."""
    # A range is asked for even from the start on: the answer shows whether the host gives parts.
    headers = {"Accept": "*/*", "User-Agent": "Afterglow", "Range": f"bytes={start}-"}
    web = _request(address, headers, name, access, deadline, tls)
    if web.response.status != 401 or first.user is None:
        return web
    challenges = web.response.headers.get_all("WWW-Authenticate") or []
    web.close()
    authorization = _authorization(address, challenges, first.user, first.password or "")
    if authorization is None:
        raise _refusal(401, name)
    return _request(address, headers | {"Authorization": authorization}, name, access, deadline, tls)


def _request(
    address: SplitAddress,
    headers: dict[str, str],
    name: str,
    access: SourceAccess,
    deadline: Deadline,
    tls: TlsRules,
) -> WebResponse:
    connection = PinnedConnection(address, permitted_addresses(access, address.host, address.port, name), deadline)
    try:
        connection.connect_with(tls)
        connection.request("GET", address.target, headers=headers)
        response = connection.getresponse()
    except BaseException:
        connection.hang_up()
        raise
    return WebResponse(
        url=address.origin + address.target, response=response, deadline=deadline, hang_up=connection.hang_up
    )


def _authorization(address: SplitAddress, challenges: list[str], user: str, password: str) -> str | None:
    """The header that answers the host's question; None if it asks in a way that we do not know."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, address.origin, user, password)
    request = urllib.request.Request(address.origin + address.target)
    for challenge in challenges:
        kind, _, parameters = challenge.partition(" ")
        if kind.lower() == "digest":
            known: Any = urllib.request.parse_keqv_list(list(filter(None, urllib.request.parse_http_list(parameters))))
            digest = urllib.request.HTTPDigestAuthHandler(passwords).get_authorization(request, known)
            if digest:
                return f"Digest {digest}"
    if any(re.match(r"basic\b", challenge, re.IGNORECASE) for challenge in challenges):
        return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
    return None
