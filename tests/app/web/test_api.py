"""The interface for programs: what is asked over HTTP is answered as by `ask --json`, or refused in one sentence."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.config import AssistantConfig
from app.web.guard import MAX_BODY_BYTES
from tests.app.web.conftest import Server
from tests.fakes import FakeLMM, FakeSource, make_frames
from vision import SourceOpenError

StartServer = Callable[..., Server]
CLIP = AssistantConfig(source="clip")
DOOR = {"door": CLIP}
TWO = {"door": CLIP, "yard": CLIP}


def endless() -> FakeSource:
    return FakeSource(make_frames(30), is_live=True, never_ends=True)


def running(server: Server, name: str = "door") -> dict[str, Any]:
    """The camera's status as soon as something is remembered."""
    for _ in range(500):
        status: dict[str, Any] = server.client.get("/v1/status").json()["cameras"][name]
        if status["memory"]["version"]:
            return status
        time.sleep(0.01)
    raise AssertionError(f"nothing was seen: {status}")


def events(text: str) -> list[dict[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    found = [json.loads(block["data"]) for block in blocks]
    assert [block["event"] for block in blocks] == [one["type"] for one in found]
    return found


def test_an_answer_comes_piece_by_piece_and_ends_with_the_answer_object(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras=DOOR)
    running(server)
    reply = server.client.post("/v1/ask", json={"question": "What is there?"})
    *pieces, answer = events(reply.text)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "".join(piece["text"] for piece in pieces) == answer["answer"] == "I see a cat."
    assert answer["evidence"] == [{"start_s": 0.0, "end_s": 0.5, "frame_id": 0}]
    assert set(answer) == {
        "type", "question", "answer", "asked_at_s", "evidence", "ttft_ms", "total_ms", "frames", "memory",
    }  # fmt: skip


def test_a_picture_of_the_evidence_can_be_fetched(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras=DOOR)
    running(server)
    picture = server.client.get("/v1/frames/0")
    assert picture.headers["content-type"] == "image/jpeg" and picture.content.startswith(b"\xff\xd8")


def test_a_failed_answer_ends_with_its_reason(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM(["I ", RuntimeError("broken")]), cameras=DOOR)
    running(server)
    *_, last = events(server.client.post("/v1/ask", json={"question": "What is there?"}).text)
    assert last["type"] == "error" and last["message"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 422, "JSON"),
        (b"[]", 422, "the body"),
        (b"{}", 422, "question"),
        (b'{"question": ""}', 422, "question"),
        (b'{"question": "   "}', 422, "empty"),
        (b'{"question": 7}', 422, "question"),
        (b'{"question": "a", "sauce": "door"}', 422, "sauce"),
        (b'{"question": "a", "source": "attic"}', 404, "door"),
        (b'{"question": "' + b"a" * MAX_BODY_BYTES + b'"}', 413, "64 KiB"),
    ],
)
def test_what_is_no_question_gets_a_sentence(start_server: StartServer, body: bytes, status: int, said: str) -> None:
    server = start_server({"clip": endless}, cameras=DOOR)
    running(server)
    reply = server.client.post("/v1/ask", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status, reply.text
    assert said in reply.json()["message"]


def test_several_cameras_are_told_apart_by_name(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras=TWO)
    running(server, "yard")
    unnamed = server.client.post("/v1/ask", json={"question": "What is there?"})
    assert unnamed.status_code == 404 and "door, yard" in unnamed.json()["message"]
    named = server.client.post("/v1/ask", json={"question": "What is there?", "source": "yard"})
    assert events(named.text)[-1]["answer"] == "I see a cat."


def test_without_a_camera_the_answer_says_how_to_get_one(start_server: StartServer) -> None:
    reply = start_server().client.post("/v1/ask", json={"question": "What is there?"})
    assert reply.status_code == 404 and "serve --source" in reply.json()["message"]


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"origin": "http://evil.example"}, {}])
def test_what_a_form_of_another_site_could_send_is_refused(start_server: StartServer, headers: dict[str, str]) -> None:
    server = start_server({"clip": endless}, cameras=DOOR)
    reply = server.client.post("/v1/ask", content=b'{"question": "a"}', headers=headers)
    assert reply.status_code in (403, 415)


def test_health_and_metrics_tell_of_each_camera(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras=TWO)
    running(server)
    assert (server.client.get("/healthz").status_code, server.client.get("/healthz").text) == (200, "ok\n")
    text = server.client.get("/metrics").text
    assert "# TYPE afterglow_frames_seen_total counter" in text
    assert 'afterglow_up{camera="door"} 1.0' in text and 'camera="yard"' in text


def test_a_camera_that_cannot_be_opened_is_told_as_failed(start_server: StartServer) -> None:
    def broken() -> FakeSource:
        return FakeSource([], open_error=SourceOpenError("There is no such camera.", "not_found"))

    server = start_server({"clip": broken}, cameras=DOOR)
    for _ in range(500):
        if server.client.get("/healthz").status_code == 503:
            break
        time.sleep(0.01)
    assert server.client.get("/healthz").text == "failed: 1 of 1 cameras\n"
    assert server.client.get("/v1/status").json()["cameras"]["door"]["problem"] == "There is no such camera."
    assert server.client.post("/v1/ask", json={"question": "a"}).status_code == 503
