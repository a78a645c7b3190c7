"""Access for other machines: the Guard with its Door around a tiny application that would tell everything."""

import contextlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from app.web.access_token import AccessToken
from app.web.door import MAX_FAILURES, Door
from app.web.guard import Guard
from app.web.login_page import LOGIN_PATH, LOGOUT_PATH
from app.web.logins import MAX_AGE_S, Logins
from tests.fakes import FakeClock

HOST = "192.168.1.5:7860"
TOKEN = "correct-horse-battery-staple-0123456789"
HTML = {"accept": "text/html,application/xhtml+xml"}
BEARER = {"authorization": f"Bearer {TOKEN}"}
PATHS = ["/", "/v1/status", "/v1/frames/0", "/metrics", "/afterglow/static/page.css", "/afterglow/frames/a/1/2.jpg"]


class Site:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.seen: list[str] = []
        application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

        @application.get("/")
        async def page() -> Any:
            return HTMLResponse("secret")

        @application.websocket("/afterglow/socket")
        async def talk(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_json({"has_login": socket.scope["afterglow.has_login"]})
            with contextlib.suppress(WebSocketDisconnect):
                while True:
                    await socket.send_text((await socket.receive_text()).upper())

        @application.post("/v1/ask")
        @application.get("/{rest:path}")
        async def tell(rest: str = "") -> Any:
            return PlainTextResponse("secret")

        door = Door(AccessToken(text=TOKEN, path=Path("token")), cookie="afterglow-7860", clock=self.clock)
        guarded = Guard(application, names=("cam.example",), serves_addresses=True, door=door)

        async def seeing(scope: Any, receive: Any, send: Any) -> None:
            await guarded(scope, receive, send)
            self.seen.append(repr(scope.get("query_string")))

        self.application = seeing

    def client(self, address: str = "10.0.0.7", host: str = HOST) -> TestClient:
        return TestClient(self.application, base_url=f"http://{host}", client=(address, 5000), follow_redirects=False)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with site.client() as client:
        yield client


def log_in(client: TestClient, token: str = TOKEN, **headers: str) -> Any:
    return client.post(LOGIN_PATH, data={"token": token}, headers={**HTML, "origin": f"http://{HOST}", **headers})


def socket_of(client: TestClient, **headers: str) -> Any:
    return client.websocket_connect(f"ws://{HOST}/afterglow/socket", headers={"origin": f"http://{HOST}", **headers})


# Nobody comes in without the token


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_the_token(client: TestClient, path: str) -> None:
    plain = client.get(path)
    assert plain.status_code == 401 and "secret" not in plain.text
    assert plain.headers["www-authenticate"].startswith("Bearer") and plain.headers["cache-control"] == "no-store"
    browser = client.get(path, headers=HTML)
    assert browser.status_code == 401 and 'name="token"' in browser.text and "secret" not in browser.text
    assert client.head(path).status_code == 401


def test_asking_and_the_websocket_need_it_too(client: TestClient) -> None:
    reply = client.post("/v1/ask", json={"question": "a"})
    assert reply.status_code == 401 and reply.json()["type"] == "error" and "Bearer" in reply.json()["message"]
    with pytest.raises(WebSocketDisconnect) as refused, socket_of(client):
        pass
    assert refused.value.code == 1008


def test_health_alone_is_open(client: TestClient) -> None:
    assert client.get("/healthz").text == "secret"
    assert client.get("/healthz/../metrics").status_code in (400, 401)


@pytest.mark.parametrize(
    "given",
    [
        "wrong", "", TOKEN[:-1], TOKEN + "a", TOKEN.upper(), TOKEN[::-1], "a" * 9000 + "b", "null", "\xe2\x82\xac",
    ],
)  # fmt: skip
def test_a_wrong_token_is_refused_however_it_is_given(site: Site, given: str) -> None:
    with site.client() as client:
        assert (
            client.get("/v1/status", headers={"authorization": f"Bearer {given}".encode("latin-1")}).status_code == 401
        )
        assert client.get("/", params={"token": given}, headers=HTML).status_code == 401
        form = log_in(client, given)
        assert form.status_code in (401, 413) and "set-cookie" not in form.headers
        assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    "authorization", [f"Basic {TOKEN}", TOKEN, f"Token {TOKEN}", "Bearer", f"Bearer x {TOKEN}", f"Bearer {TOKEN} x"]
)
def test_the_token_in_another_header_is_no_token(client: TestClient, authorization: str) -> None:
    assert client.get("/v1/status", headers={"authorization": authorization}).status_code == 401


def test_two_authorizations_are_none(client: TestClient) -> None:
    headers = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer wrong")]
    assert client.get("/v1/status", headers=headers).status_code == 401


# Programs


def test_a_program_sends_the_token_with_every_request(client: TestClient) -> None:
    assert client.get("/v1/status", headers=BEARER).text == "secret"
    assert client.get("/v1/status", headers={"authorization": f"bearer  {TOKEN}"}).text == "secret"
    reply = client.post("/v1/ask", json={"question": "a"}, headers=BEARER)
    assert reply.text == "secret" and "set-cookie" not in reply.headers
    assert client.get("/v1/status").status_code == 401  # nothing was remembered
    with socket_of(client, **BEARER) as socket:
        assert socket.receive_json() == {"has_login": False}


# Browsers


def test_a_browser_logs_in_by_a_form_and_out_again(client: TestClient) -> None:
    assert client.get(LOGIN_PATH, headers=HTML).status_code == 200
    reply = log_in(client)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert re.fullmatch(rf"afterglow-7860=\S{{40,}}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Strict", cookie)
    assert TOKEN not in cookie
    assert client.get("/", headers=HTML).text == client.get("/metrics").text == "secret"
    assert client.get(LOGIN_PATH, headers=HTML).headers["location"] == "/"
    out = client.post(LOGOUT_PATH, headers={"origin": f"http://{HOST}"})
    assert (out.status_code, out.headers["location"]) == (303, LOGIN_PATH)
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert client.get("/").status_code == 401


def test_a_cookie_is_worth_nothing_after_logout_or_a_second_login(site: Site) -> None:
    with site.client() as client, site.client("10.0.0.8") as thief:
        log_in(client)
        stolen = client.cookies["afterglow-7860"]
        headers = {"cookie": f"afterglow-7860={stolen}"}
        assert thief.get("/", headers=headers).text == "secret"
        client.post(LOGOUT_PATH)
        assert thief.get("/", headers=headers).status_code == 401
        log_in(client)
        assert client.cookies["afterglow-7860"] != stolen
        second = client.cookies["afterglow-7860"]
        log_in(client)
        assert thief.get("/", headers={"cookie": f"afterglow-7860={second}"}).status_code == 401


@pytest.mark.parametrize(
    "cookie",
    ["afterglow-7860=", f"afterglow-7860={TOKEN}", "afterglow-7860=a; afterglow-7860=b", "x" * 9000, "=;,\"\\",
     "afterglow-7861=%s"],
)  # fmt: skip
def test_other_cookies_are_none(client: TestClient, cookie: str) -> None:
    log_in(client)
    good = client.cookies["afterglow-7860"]
    client.cookies.clear()
    assert client.get("/", headers={"cookie": cookie.replace("%s", good)}).status_code == 401


def test_a_login_ends_by_itself(site: Site, client: TestClient) -> None:
    log_in(client)
    site.clock.advance(MAX_AGE_S + 1)
    assert client.get("/").status_code == 401


def test_logins_are_bounded_and_the_oldest_goes() -> None:
    logins = Logins(clock=FakeClock())
    cookies = [logins.begin() for _ in range(65)]
    first, *others = [logins.find(cookie) for cookie in cookies]
    assert first is None and None not in others


def test_a_link_with_the_token_logs_in_once_and_leads_to_one_without(site: Site, client: TestClient) -> None:
    reply = client.get("/", params={"token": TOKEN, "view": "wide"}, headers=HTML)
    assert (reply.status_code, reply.headers["location"]) == (303, "/?view=wide")
    assert TOKEN not in str(reply.headers) + reply.text
    assert client.get("/").text == "secret"
    assert not [query for query in site.seen if TOKEN in query]


def test_only_the_page_itself_takes_a_token_from_its_address(client: TestClient) -> None:
    for path in ("/v1/status", "/metrics", "/afterglow/static/page.css"):
        assert client.get(path, params={"token": TOKEN}).status_code == 401
    assert client.get("/", params=[("token", TOKEN), ("token", "x")], headers=HTML).status_code == 401
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{HOST}/afterglow/socket?token={TOKEN}", headers={"origin": f"http://{HOST}"}),
    ):
        pass


def test_over_tls_the_cookie_stays_on_tls(site: Site) -> None:
    with site.client(host="cam.example") as client:
        headers = {"origin": "https://cam.example"}
        assert "; Secure" in client.post(LOGIN_PATH, data={"token": TOKEN}, headers=headers).headers["set-cookie"]


def test_a_websocket_ends_with_the_login(client: TestClient) -> None:
    log_in(client)
    with socket_of(client) as socket:
        assert socket.receive_json() == {"has_login": True}
        socket.send_text("hello")
        assert socket.receive_text() == "HELLO"
        client.post(LOGOUT_PATH)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_text()
        assert (ended.value.code, ended.value.reason) == (1008, "Logged out.")


def test_the_login_page_is_plain_and_keeps_to_itself(client: TestClient) -> None:
    reply = client.get(LOGIN_PATH, headers=HTML)
    assert '<label for="token">' in reply.text and 'lang="en"' in reply.text and "<script" not in reply.text
    assert 'type="password"' in reply.text and "://" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "same-origin"  # with none a browser's form has the origin "null"
    wrong = log_in(client, "<script>alert(1)</script>")
    assert 'role="alert"' in wrong.text and "alert(1)" not in wrong.text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"token=" + b"a" * 5000, "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"token=a&token=b", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b'{"token": "x"}', "application/json"),
    ],
)
def test_what_is_no_form_is_refused(client: TestClient, content: bytes, kind: str) -> None:
    assert client.post(LOGIN_PATH, content=content, headers={"content-type": kind}).status_code == 413


# Guessing


def test_who_guesses_is_slowed_down_even_when_right_at_last(site: Site) -> None:
    with site.client("10.0.0.9") as guesser, site.client("10.0.0.7") as owner:
        assert [log_in(guesser, f"guess {i}").status_code for i in range(MAX_FAILURES)] == [401] * MAX_FAILURES
        late = log_in(guesser, TOKEN)
        assert late.status_code == 429 and int(late.headers["retry-after"]) > 0 and "set-cookie" not in late.headers
        assert guesser.get("/v1/status", headers=BEARER).status_code == 429
        assert guesser.get("/", params={"token": TOKEN}, headers=HTML).status_code == 429
        assert log_in(owner).status_code == 303
        site.clock.advance(60.0)
        assert log_in(guesser).status_code == 303


def test_who_is_logged_in_is_not_locked_out_by_a_neighbour(site: Site) -> None:
    with site.client() as owner, site.client() as neighbour:
        log_in(owner)
        for i in range(MAX_FAILURES + 2):
            neighbour.get("/v1/status", headers={"authorization": f"Bearer guess-{i}"})
        assert owner.get("/").text == "secret"


def test_a_request_without_a_token_is_no_guess(client: TestClient) -> None:
    assert {client.get("/", headers=HTML).status_code for _ in range(MAX_FAILURES * 2)} == {401}
    assert log_in(client).status_code == 303


# Other sites


@pytest.mark.parametrize(
    "host", ["evil.example", "192.168.1.5.evil.example", "cam.example.evil.example", "", "[::1", "1.2.3"]
)
def test_names_that_others_own_are_refused_even_with_a_cookie(client: TestClient, host: str) -> None:
    log_in(client)
    reply = client.get("/", headers={"host": host})
    assert reply.status_code == 403 and "secret" not in reply.text


@pytest.mark.parametrize(
    "host", ["192.168.1.5:7860", "10.1.2.3", "[fe80::1]:7860", "cam.example", "CAM.example:443", "localhost"]
)
def test_numbers_and_the_pages_own_names_pass(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host, **BEARER}).text == "secret"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://192.168.1.6:7860", "http://192.168.1.5",
     "https://x@192.168.1.5:7860"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", LOGIN_PATH, LOGOUT_PATH])
def test_other_origins_neither_read_nor_log_in_nor_out(client: TestClient, origin: str, path: str) -> None:
    log_in(client)
    method = "GET" if path == "/" else "POST"
    assert client.request(method, path, headers={"origin": origin}).status_code == 403
    assert client.get("/").text == "secret"  # still logged in
    with pytest.raises(WebSocketDisconnect), socket_of(client, origin=origin):
        pass


def test_no_other_site_may_read_an_answer(client: TestClient) -> None:
    headers = client.get("/", headers=BEARER).headers
    assert not [name for name in headers if name.startswith("access-control")]
    assert client.options("/v1/ask", headers={"origin": f"http://{HOST}"}).status_code == 405


# Odd paths and bodies


@pytest.mark.parametrize(
    "path",
    [
        "/afterglow/static/../../../etc/passwd", "/afterglow/static/%2e%2e/%2e%2e/etc/passwd",
        "/afterglow/static/%252e%252e/secret", "/afterglow/static/..%5c..%5csecret", "/a%00b", "/a%0d%0ab",
        "/afterglow/frames/%2e%2e%2f/1/2.jpg", "/v1/frames/..%2f..%2f0", "/%25252525252e%25252525252e/x",
    ],
)  # fmt: skip
def test_odd_paths_are_refused_before_anybody_reads_them(site: Site, path: str) -> None:
    """As a server gives them: decoded once."""
    from urllib.parse import unquote

    import anyio

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b""}
    headers = [(b"host", HOST.encode()), (b"authorization", f"Bearer {TOKEN}".encode())]
    anyio.run(site.application, {**scope, "headers": headers, "client": ("10.0.0.7", 1)}, None, send)
    assert sent[0]["status"] == 400 and b"secret" not in sent[1]["body"]


@pytest.mark.parametrize("length", ["65537", "999999999999", "-1", "1e3", ""])
def test_a_body_that_is_told_to_be_large_is_refused_before_it_comes(client: TestClient, length: str) -> None:
    headers = {**BEARER, "content-type": "application/json", "content-length": length}
    assert client.post("/v1/ask", content=b"{}", headers=headers).status_code == 413


def test_the_token_is_in_no_log(site: Site, client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client.get("/", params={"token": TOKEN}, headers=HTML)
    log_in(client)
    client.get("/v1/status", headers=BEARER)
    client.get("/v1/status", params={"token": TOKEN})
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert TOKEN not in "\n".join(ours)
