"""Who may come in where other machines can reach the page: whoever has the token, or a browser that logged in with it.

Comes in: requests whose host and origin the Guard has checked. Goes out: an Admission, or a refusal. Programs send
`Authorization: Bearer`; browsers log in by a form, or by `?token=` once, and get a cookie that is not the token. Those
who guess are slowed down by address. Belongs to the page's event loop.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from app.web.access_token import AccessToken
from app.web.login_page import LOGIN_PATH, LOGOUT_PATH, login_html, login_policy
from app.web.logins import MAX_AGE_S, Login, Logins
from app.web.rates import RateLimit, client_of
from app.web.scopes import bearer_of, cookie_of, header

__all__ = ["Admission", "Door", "Reply"]

MAX_FAILURES, FAILURES_PERIOD_S = 10, 300.0
_MAX_FORM_BYTES = 4096
_FORM_TIMEOUT_S = 10.0
_HTML = (b"content-type", b"text/html; charset=utf-8")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Let in. login: of a browser; None for a program, which sends the token with every request."""

    login: Login | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the door itself answers."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (_TEXT,)  # the kind first

    @property
    def is_sentence(self) -> bool:
        return bool(self.body) and self.headers[0] == _TEXT

    @property
    def sentence(self) -> str:
        """What a WebSocket is closed with."""
        return self.body.decode().strip() if self.is_sentence else "Log in first."


class Door:
    """One token, any number of browsers."""

    def __init__(
        self, token: AccessToken, *, cookie: str = "afterglow", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """cookie: its name; ports of one host share their cookies, so that each port needs a name of its own."""
        self._token, self._cookie = token, cookie
        self._logins = Logins(clock=clock)
        self._failures = RateLimit(MAX_FAILURES, FAILURES_PERIOD_S, clock=clock)

    def owns(self, path: str) -> bool:
        """True for the paths that `serve` answers."""
        return path in (LOGIN_PATH, LOGOUT_PATH)

    def admit(self, scope: Any, query_token: str | None) -> "Admission | Reply":
        """query_token: of `?token=`, which the scope no longer has."""
        bearer = bearer_of(scope)
        if bearer is not None:
            return self._refuse_guess(scope, bearer) or Admission()
        if query_token is not None and scope["type"] == "http" and scope["path"] == "/":
            return self._refuse_guess(scope, query_token) or self._welcome(scope, _target(scope))
        login = self._login_of(scope)
        if login is not None:
            return Admission(login=login)
        if _wants_page(scope):
            return _page(401)
        text = b"Send the token of this Afterglow, as the header Authorization: Bearer ..., or log in with a browser.\n"
        return Reply(status=401, body=text, headers=(_TEXT, (b"www-authenticate", b'Bearer realm="Afterglow"')))

    async def serve(self, scope: Any, receive: Any) -> Reply:
        """The form, what it sends, and the way out."""
        if scope["path"] == LOGOUT_PATH:
            return self._log_out(scope) if scope["method"] == "POST" else _redirect("/")
        if scope["method"] != "POST":
            return _page(200) if self._login_of(scope) is None else _redirect("/")
        try:
            token = await asyncio.wait_for(_form_token(receive), _FORM_TIMEOUT_S)
        except TimeoutError:
            return _page(408, "The form came too slowly. Try again.")
        if token is None:
            return _page(413, "That is no token.")
        return self._refuse_guess(scope, token, is_form=True) or self._welcome(scope, "/")

    async def until_logout(self, login: Login, serving: "asyncio.Task[None]") -> bool:
        """Waits for the end of what serves a WebSocket, or for the end of its login. True: the login ended first."""
        over = asyncio.ensure_future(login.over.wait())
        try:
            timeout_s = max(self._logins.left_s(login), 0.0)
            await asyncio.wait((serving, over), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        return not serving.done()

    def _refuse_guess(self, scope: Any, given: str, *, is_form: bool = False) -> Reply | None:
        """None if it is the token. An address that has guessed too often is not told whether this one is right."""
        client = client_of(scope)
        wants_page = is_form or _wants_page(scope)
        wait_s = self._failures.wait_s(client)
        if wait_s > 0:
            sentence = "Too many wrong tokens came from this address. Try again in a few minutes."
            retry = (b"retry-after", str(math.ceil(wait_s)).encode())
            return _page(429, sentence, retry) if wants_page else _text(429, sentence, retry)
        if self._token.matches(given):
            return None
        self._failures.take(client)
        sentence = "This is not the token of this Afterglow."
        return _page(401, sentence) if wants_page else _text(401, sentence, (b"www-authenticate", b"Bearer"))

    def _login_of(self, scope: Any) -> Login | None:
        cookie = cookie_of(scope, self._cookie)
        return None if cookie is None else self._logins.find(cookie)

    def _welcome(self, scope: Any, target: str) -> Reply:
        self._logins.end(cookie_of(scope, self._cookie) or "")  # a cookie from before is worth nothing any more
        is_secure = scope.get("scheme") == "https" or (header(scope, b"origin") or "").startswith("https:")
        return _redirect(target, self._set_cookie(self._logins.begin(), MAX_AGE_S, is_secure=is_secure))

    def _log_out(self, scope: Any) -> Reply:
        self._logins.end(cookie_of(scope, self._cookie) or "")
        return _redirect(LOGIN_PATH, self._set_cookie("", 0), (b"clear-site-data", b'"cache", "storage"'))

    def _set_cookie(self, value: str, max_age_s: int, *, is_secure: bool = False) -> tuple[bytes, bytes]:
        secure = "; Secure" if is_secure else ""
        text = f"{self._cookie}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"
        return (b"set-cookie", text.encode("ascii"))


async def _form_token(receive: Any) -> str | None:
    """None: what was sent is no form with one token."""
    data = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        data += message.get("body", b"")
        if len(data) > _MAX_FORM_BYTES:
            return None
        if not message.get("more_body", False):
            break
    found = parse_qs(data.decode("latin-1"), keep_blank_values=True).get("token", [])
    return found[0].strip() if len(found) == 1 else None


def _wants_page(scope: Any) -> bool:
    is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return is_read and "text/html" in (header(scope, b"accept") or "")


def _target(scope: Any) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"/?{query}" if query else "/"


def _page(status: int, problem: str | None = None, *more: tuple[bytes, bytes]) -> Reply:
    policy = (b"content-security-policy", login_policy())
    referrer = (b"referrer-policy", b"same-origin")  # without one, browsers do not tell the form's origin either
    return Reply(status=status, body=login_html(problem), headers=(_HTML, policy, referrer, *more))


def _text(status: int, sentence: str, *more: tuple[bytes, bytes]) -> Reply:
    return Reply(status=status, body=f"{sentence}\n".encode(), headers=(_TEXT, *more))


def _redirect(target: str, *more: tuple[bytes, bytes]) -> Reply:
    return Reply(status=303, headers=(_TEXT, (b"location", target.encode("ascii")), *more))
