"""The Guard around a tiny application that would tell everything to everyone."""

from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from app.web.guard import Guard

HOST = "127.0.0.1:7860"


@pytest.fixture
def client() -> TestClient:
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @application.api_route("/", methods=["GET", "POST", "PUT", "DELETE"])
    async def tell() -> Any:
        return PlainTextResponse("secret", headers={"Access-Control-Allow-Origin": "*"})

    @application.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("secret")
        await socket.close()

    return TestClient(Guard(application), base_url=f"http://{HOST}")


@pytest.mark.parametrize("host", [HOST, "localhost", "LOCALHOST:9", "[::1]:7860", "[::1]", "127.0.0.1"])
def test_this_machines_own_names_pass(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).text == "secret"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:7860", "localhost:x", "", "192.168.1.5:7860", "[::1"],
)
def test_other_names_are_refused_whatever_they_resolve_to(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 403 and "secret" not in answer.text and "this machine" in answer.text


@pytest.mark.parametrize("host", ["", "a:b", "[::1]:x"])
def test_a_page_that_was_given_no_name_answers_to_none(host: str) -> None:
    client = TestClient(Guard(FastAPI(), names=("",), serves_addresses=True), base_url=f"http://{HOST}")
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:7860", "http://127.0.0.1:1", "file://", "", "http://["]
)
def test_other_origins_are_refused(client: TestClient, origin: str) -> None:
    assert client.get("/", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": origin}),
    ):
        pass


def test_a_websocket_without_origin_is_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://{HOST}/socket"):
        pass


def test_the_pages_own_websocket_passes(client: TestClient) -> None:
    with client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": f"http://{HOST}"}) as socket:
        assert socket.receive_text() == "secret"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_requests_that_change_things_are_refused(client: TestClient, method: str) -> None:
    assert client.request(method, "/").status_code == 405


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("cross-site", "no-cors", 403),
        ("same-site", "cors", 403),
        ("cross-site", "navigate", 200),
        ("same-origin", "cors", 200),
        ("none", "navigate", 200),
    ],
)
def test_other_sites_may_link_to_the_page_but_not_embed_it(
    client: TestClient, site: str, mode: str, status: int
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    assert client.get("/", headers=headers).status_code == status


def test_answers_keep_the_page_to_itself(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert f"ws://{HOST}" in policy and "http:" not in policy
    assert not [name for name in headers if name.startswith("access-control")]
    assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer"
