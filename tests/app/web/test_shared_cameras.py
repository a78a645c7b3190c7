"""Cameras that the program watches for all: pages choose which one to look at, and one that fails is started anew."""

import time
from collections.abc import Callable

import pytest

from app.config import AssistantConfig
from app.web import application, page_session
from tests.app.web.conftest import Server
from tests.fakes import FakeSource, make_frames
from vision import SourceOpenError

StartServer = Callable[..., Server]
TWO = {"front": AssistantConfig(source="a"), "back": AssistantConfig(source="b")}


def endless() -> FakeSource:
    return FakeSource(make_frames(30), is_live=True, never_ends=True)


def test_a_page_chooses_among_the_cameras(start_server: StartServer) -> None:
    server = start_server({"a": endless, "b": endless, "own": endless}, cameras=TWO)
    with server.page() as page, server.page() as other:
        assert page.hello["cameras"] == ["front", "back"] and page.hello["has_login"] is False
        page.send("join", camera="back")
        page.until("status", camera="back", state="running")
        other.send("join", camera="front")
        other.until("status", camera="front", state="running")
        page.send("join", camera="front")
        number = page.until("status", camera="front", state="running")["watch"]
        page.send("ask", text="What is there?")
        assert page.until("answer")["evidence"][0]["picture"].startswith(f"{number}/")
        page.send("start", kind="named", spec="own")
        assert page.until("status", state="running", camera=None)["watch"] > 0
        page.send("join", camera="back")
        page.until("status", camera="back", state="running")
        other.until("status", camera="front", state="running")


@pytest.mark.parametrize("camera", ["attic", "", None, 7, ["front"], "../front", "FRONT", "front\0"])
def test_other_cameras_get_a_sentence(start_server: StartServer, camera: object) -> None:
    server = start_server({"a": endless, "b": endless}, cameras=TWO)
    with server.page() as page:
        page.send("join", camera=camera)
        problem = page.until("problem")
        assert problem["about"] == "source" and "cameras that are watched" in problem["message"]


def test_without_cameras_there_is_none_to_choose(start_server: StartServer) -> None:
    with start_server().page() as page:
        assert page.hello["cameras"] == []
        page.send("join", camera="front")
        assert "No camera is watched" in page.until("problem")["message"]


def test_a_picture_of_one_camera_is_not_given_to_who_watches_another(start_server: StartServer) -> None:
    server = start_server({"a": endless, "b": endless}, cameras=TWO)
    with server.page() as page, server.page() as other:
        for one, camera in ((page, "front"), (other, "back")):
            one.send("join", camera=camera)
            one.until("status", camera=camera, state="running")
        page.send("ask", text="What is there?")
        picture = page.until("answer")["evidence"][0]["picture"]
        assert server.client.get(f"/afterglow/frames/{page.hello['key']}/{picture}").status_code == 200
        assert server.client.get(f"/afterglow/frames/{other.hello['key']}/{picture}").status_code == 404


def test_a_camera_that_failed_is_started_anew_and_its_pages_follow(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "_LOOK_AFTER_S", 0.01)
    made: list[FakeSource] = []

    def second_time_lucky() -> FakeSource:
        error = SourceOpenError("The camera sleeps.", "refused") if len(made) < 2 else None
        made.append(FakeSource(make_frames(30), is_live=True, never_ends=True, open_error=error))
        return made[-1]

    server = start_server({"a": second_time_lucky}, cameras={"front": AssistantConfig(source="a")})
    with server.page() as page:
        assert page.status("failed")["sentence"] == "The camera sleeps."
        assert len(made) == 1  # no hurry
        for _ in range(2):
            end_s, count = time.monotonic() + 20.0, len(made)
            while len(made) == count:
                assert time.monotonic() < end_s
                server.clock.advance(5.0)
                page.until("status")
        assert page.status("running")["camera"] == "front"
    assert [source.num_closed for source in made[:2]] == [1, 1]


def test_a_page_may_ask_so_often_and_no_more(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_session, "MAX_QUESTIONS", 3)
    server = start_server({"a": endless}, cameras={"front": AssistantConfig(source="a")})
    with server.page() as page, server.page() as other:
        page.until("status", camera="front", state="running")
        for _ in range(3):
            page.send("ask", text="What is there?")
            page.until("answer")
        page.send("ask", text="What is there?")
        problem = page.until("problem")
        assert problem["about"] == "question" and "many questions" in problem["message"]
        other.send("ask", text="What is there?")
        other.until("answer")
