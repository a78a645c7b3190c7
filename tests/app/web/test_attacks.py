"""The real web server before the real application, spoken to byte by byte: what no well-behaved client would send."""

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.web import api, door
from app.web.access_token import AccessToken
from app.web.door import Door
from app.web.guard import MAX_BODY_BYTES
from app.web.serving import server_config
from tests.app.web.conftest import Server
from tests.fakes import FakeSource, make_frames

StartServer = Callable[..., Server]
TOKEN = "correct-horse-battery-staple-0123456789"
WAIT_S = 20.0


class Site:
    """A server on a port of its own."""

    def __init__(self, application: Any) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        config = server_config(application)
        config.lifespan = "off"  # whoever made the application has begun it already
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([self._listener])))

    def __enter__(self) -> "Site":
        self._thread.start()
        end_s = time.monotonic() + WAIT_S
        while not self._server.started:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        return self

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        self._listener.close()

    def say(self, *parts: bytes, ends: bool = False) -> bytes:
        """Sends the parts as they are; everything that comes back until the server closes or has answered."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) as connection:
            with contextlib.suppress(OSError):  # it may hang up before it has heard all
                for part in parts:
                    connection.sendall(part)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
            return _answer(connection)

    def request(self, line: str, *headers: str, body: bytes = b"", bearer: str | None = TOKEN) -> bytes:
        told = [f"Host: {self.host}", "Connection: close", *headers]
        if bearer is not None:
            told.append(f"Authorization: Bearer {bearer}")
        return self.say("\r\n".join([f"{line} HTTP/1.1", *told, "", ""]).encode("latin-1") + body)


def _answer(connection: socket.socket) -> bytes:
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.fixture
def site(start_server: StartServer) -> Iterator[Site]:
    server = start_server({"clip": lambda: FakeSource(make_frames(3))})
    guard: Any = server.client.app
    guard._door = Door(AccessToken(text=TOKEN, path=Path("token")))
    with Site(guard) as site:
        yield site


@pytest.mark.parametrize(
    "path",
    [
        "/afterglow/static/../serving.py", "/afterglow/static/%2e%2e/serving.py", "/afterglow/static/..%2fserving.py",
        "/afterglow/static/%252e%252e/serving.py", "/afterglow/static/..\\serving.py", "/afterglow/static/%5c..%5cx",
        "/afterglow/static//etc/passwd", "/afterglow/static/%2fetc%2fpasswd", "/afterglow/static/main.js%00.png",
        "/afterglow/frames/../../../1/2.jpg", "/v1/frames/../../etc/passwd", "/v1/frames/%2e%2e%2fetc",
        "/v1/frames/0%00", "/v1/frames/-1e9", "/AFTERGLOW/STATIC/main.js",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(site: Site, path: str) -> None:
    answer = site.request(f"GET {path}")
    assert status(answer) in (400, 404, 422), answer[:200]
    assert b"Runs the page until" not in answer and b"root:" not in answer


@pytest.mark.parametrize(
    ("raw", "allowed"),
    [
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (403,)),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (400, 403)),
        (b"GET / HTTP/1.0\r\n\r\n", (400, 403)),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (403,)),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX-Forwarded-Host: 127.0.0.1\r\nConnection: close\r\n\r\n", (401,)),
        (b"\x00\x01\x02\r\n\r\n", (400,)),
        (b"GET / HTTP/9.9\r\nHost: HOST\r\n\r\n", (400, 401)),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", (400, 404)),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", (400, 431)),
    ],
    ids=["rebinding", "two hosts", "no host", "absolute", "forwarded", "noise", "version", "long path", "long header"],
)  # fmt: skip
def test_requests_that_lie_about_the_host_or_are_none(site: Site, raw: bytes, allowed: tuple[int, ...]) -> None:
    answer = site.say(raw.replace(b"HOST", site.host.encode()), ends=True)
    assert answer == b"" or status(answer) in allowed, answer[:300]
    assert b"secret" not in answer


def test_a_body_that_grows_is_cut_off(site: Site) -> None:
    head = f"POST /v1/ask HTTP/1.1\r\nHost: {site.host}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    assert status(site.say(head.encode(), *[chunk] * (MAX_BODY_BYTES // 0x4000 + 1), b"0\r\n\r\n")) == 413


@pytest.mark.parametrize("path", ["/v1/ask", "/afterglow/login"])
def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(api, "_BODY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(door, "_FORM_TIMEOUT_S", 0.2)
    kind = "application/json" if path == "/v1/ask" else "application/x-www-form-urlencoded"
    head = f"POST {path} HTTP/1.1\r\nHost: {site.host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    assert status(site.say(f"{head}Content-Type: {kind}\r\nContent-Length: 50\r\n\r\nto".encode())) == 408


def test_a_websocket_message_may_not_be_of_any_size(site: Site) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    headers = {"Authorization": f"Bearer {TOKEN}"}
    with connect(
        f"ws://{site.host}/afterglow/socket", origin=f"http://{site.host}", additional_headers=headers
    ) as page:  # type: ignore[arg-type]
        page.send(json.dumps({"type": "hello", "key": None}))
        assert json.loads(page.recv(WAIT_S))["type"] == "hello"
        with pytest.raises((ConnectionClosed, OSError)):  # in mid-message, so the sender may learn it first
            page.send(b"a" * (2 * 1024 * 1024))
            while True:
                page.recv(WAIT_S)
        assert page.protocol.close_code in (1009, 1006)  # 1006: the reset of the line overtook the server's word


def test_what_is_logged_at_its_most_talkative_holds_no_token(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    from websockets.sync.client import connect

    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.client").setLevel(logging.WARNING)  # ours, not the server's
    site.request(f"GET /?token={TOKEN}", "Accept: text/html", bearer=None)
    site.request(f"GET /v1/status?token={TOKEN}", bearer="wrong-" + "x" * 30)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with connect(
        f"ws://{site.host}/afterglow/socket?token={TOKEN}", origin=f"http://{site.host}", additional_headers=headers
    ) as page:  # type: ignore[arg-type]
        page.send(json.dumps({"type": "hello", "key": None}))
        page.recv(WAIT_S)
    text = "\n".join(f"{record.name} {record.getMessage()}" for record in caplog.records)
    assert TOKEN not in text and "wrong-x" not in text
