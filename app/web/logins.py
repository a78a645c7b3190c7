"""Browsers that are logged in: each has a random cookie, which is worth nothing once it is logged out.

Comes in: cookies. Goes out: Logins. Kept in memory alone: when the program starts anew, all log in again. Bounded.
Belongs to the page's event loop.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable

__all__ = ["MAX_AGE_S", "Login", "Logins"]

MAX_AGE_S = 7 * 86_400
_MAX_LOGINS = 64


class Login:
    """One browser. `over` is set when it has logged out, or was pushed out by others."""

    def __init__(self, until_s: float) -> None:
        self.until_s, self.over = until_s, asyncio.Event()


class Logins:
    """Nobody can tell a cookie from what is kept here: its hash."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logins: dict[bytes, Login] = {}  # the oldest first

    def begin(self) -> str:
        """A new cookie. The oldest login ends when there are too many."""
        while len(self._logins) >= _MAX_LOGINS:
            self._logins.pop(next(iter(self._logins))).over.set()
        cookie = secrets.token_urlsafe(32)
        self._logins[_hash(cookie)] = Login(self._clock() + MAX_AGE_S)
        return cookie

    def find(self, cookie: str) -> Login | None:
        """None: no such login, or it has ended."""
        login = self._logins.get(_hash(cookie))
        if login is not None and self._clock() >= login.until_s:
            self.end(cookie)
            return None
        return login

    def end(self, cookie: str) -> None:
        """May be called twice, and with any text."""
        login = self._logins.pop(_hash(cookie), None)
        if login is not None:
            login.over.set()

    def left_s(self, login: Login) -> float:
        return login.until_s - self._clock()


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
