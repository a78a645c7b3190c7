"""Timeline, moments, memory and budget, through the WebSocket, with the real memory."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.config import AssistantConfig
from app.language.lmm import Evidence
from app.web import desk, timeline
from app.web.desk import is_from_here
from memory import MemoryConfig
from tests.app.recording.parts import keep_config
from tests.app.web.conftest import HOST, Page, Server
from tests.fakes import FakeLMM, FakeSource, make_frame

StartServer = Callable[..., Server]
SHAPE = MemoryConfig(num_tokens=4, token_dim=11, key_dim=5, num_evidence_channels=3)  # of the fakes


def varied(count: int = 30) -> FakeSource:
    """A file of `count` pictures, ten a second, no two alike."""
    return FakeSource([make_frame(index, index / 10, value=37 * index) for index in range(count)])


def forever(count: int = 30) -> FakeSource:
    frames = [make_frame(index, index / 10, value=37 * index) for index in range(count)]
    return FakeSource(frames, is_live=True, never_ends=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "_PERIOD_S", 0.01)
    monkeypatch.setattr(desk, "_MEMORY_S", 0.01)
    monkeypatch.setattr(desk, "shape_of_memory", lambda: SHAPE)


def evidence(*starts_s: float) -> tuple[Evidence, ...]:
    return tuple(Evidence(start_s=one, end_s=one + 0.2, frame_id=round(10 * one)) for one in starts_s)


def seen_all(page: Page, spec: str = "clip") -> dict[str, Any]:
    """Watches the clip to its end; everything that the timeline told."""
    page.send("start", kind="named", spec=spec)
    told: dict[str, Any] = {}
    for message in page.messages():
        if message["type"] == "timeline":
            told |= message
        is_over = message["type"] == "status" and message["state"] == "ended"
        if is_over and told.get("now_s", -1.0) >= message["time_s"] - 0.06:  # the last frame is told too
            return told
    raise AssertionError


def ask(page: Page, text: str = "What?") -> dict[str, Any]:
    page.send("ask", text=text)
    return page.until("answer")


def gathered(page: Page, *kinds: str) -> dict[str, dict[str, Any]]:
    """The first message of each kind, in whatever order they come."""
    found: dict[str, dict[str, Any]] = {}
    for message in page.messages():
        if message["type"] in kinds:
            found.setdefault(message["type"], message)
        if len(found) == len(kinds):
            return found
    raise AssertionError


def picture(server: Server, page: Page, name: str) -> int:
    return server.client.get(f"/afterglow/frames/{page.hello['key']}/{name}").status_code


# Timeline


def test_the_timeline_tells_slots_and_newest_frames(start_server: StartServer) -> None:
    with start_server({"clip": varied}).page() as page:
        told = seen_all(page)
        assert told["watch"] == 1 and told["may_change"] is True
        assert told["slots"][0][0] == 0.0 and told["slots"][-1][1] == told["now_s"]
        assert all(start <= end and weight >= 1 for start, end, weight, _, _ in told["slots"])
        assert told["frames"][-1][0] == told["now_s"] and told["gaps"] == [] and told["pins"] == []


def test_only_what_changed_is_told_again(start_server: StartServer) -> None:
    with start_server({"clip": varied}).page() as page:
        told = seen_all(page)
        page.send("pin", watch=1, start_s=0.2, end_s=0.4, label="x")
        news = gathered(page, "receipt", "timeline")["timeline"]
        assert news["pins"] == [[0.2, 0.4, "x"]] and "gaps" not in news and "frames" not in news
        assert [slot[:4] for slot in news["slots"]] == [slot[:4] for slot in told["slots"]]
        assert any(slot[4] for slot in news["slots"])


def test_the_timeline_stays_small_however_long_the_stream() -> None:
    from memory import StreamMemory

    memory = StreamMemory(SHAPE)
    rng_keys = [[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0], [0, 0, 1.0, 0, 0]]
    import numpy as np

    for index in range(3000):  # ten hours, a picture every 12 s, with 300 lost connections and every pin there is
        memory.write(np.ones((4, 11), np.float32), np.array(rng_keys[index % 3], np.float32), 12.0 * index, index)
        if index % 10 == 0:
            memory.mark_gap("disconnected", 12.0 * index + 1, 12.0 * index + 2)
    for number in range(16):
        memory.pin(number, number + 0.5, "y" * 80)
    assert len(json.dumps(timeline.timeline_sections(memory.snapshot()))) < 24_000


# Looking


def test_a_moment_shows_its_frame_and_those_around_it(start_server: StartServer) -> None:
    server = start_server({"clip": varied})
    with server.page() as page:
        seen_all(page)
        page.send("look", watch=1, time_s=1.52)
        moment = page.until("moment")
        assert moment["is_exact"] and abs(moment["frame"][1] - 1.52) <= 0.26 and not moment["has_video"]
        times_s = [time_s for _, time_s in moment["frames"]]
        assert times_s == sorted(times_s) and len(times_s) > 3
        assert picture(server, page, f"1/{moment['frame'][0]}.jpg") == 200
        page.send("look", watch=1, time_s=0.0, frame=7)
        named = page.until("moment", asked_s=0.0)
        assert named["frame"] == [7, 0.7] and named["time_s"] == 0.7
        page.send("look", watch=1, time_s=500.0)
        assert page.until("moment", time_s=500.0)["is_exact"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"time_s": 1}, {"watch": 1}, {"watch": 1, "time_s": "1"}, {"watch": 1, "time_s": None},
        {"watch": 1, "time_s": 1e99}, {"watch": 2, "time_s": 1}, {"watch": True, "time_s": 1},
        {"watch": -1, "time_s": 1}, 
        {"watch": 1, "time_s": 1, "frame": "7"}, {"watch": 1, "time_s": 1, "frame": 2**64},
        {"watch": [1], "time_s": 1}, {"watch": 1, "time_s": True},
    ],
)  # fmt: skip
def test_a_look_at_nothing_gets_a_sentence(start_server: StartServer, fields: dict[str, Any]) -> None:
    with start_server({"clip": varied}).page() as page:
        seen_all(page)
        page.send("look", **fields)
        problem = page.until("problem")
        assert problem["about"] == "moment" and problem["message"].endswith(".")


@pytest.mark.parametrize("kind", ["look", "pin", "unpin", "forget"])
def test_without_anything_watched_there_is_no_moment(start_server: StartServer, kind: str) -> None:
    with start_server().page() as page:
        page.send(kind, watch=1, time_s=0, start_s=0, end_s=1, label="")
        assert "not watched any more" in page.until("problem", about="moment")["message"]


# Pinning and forgetting


def test_a_pin_is_confirmed_in_words_and_can_be_taken_off(start_server: StartServer) -> None:
    with start_server({"clip": varied}).page() as page:
        seen_all(page)
        page.send("pin", watch=1, start_s=1.4, end_s=1.0, label=" the\nvisit\u202e ")
        assert "“the visit”: 0:01." in page.until("receipt", kind="pin")["message"]
        page.send("unpin", watch=1, start_s=1.0, end_s=1.1)
        assert "1 pin taken off" in page.until("receipt", kind="unpin")["message"]
        page.send("unpin", watch=1, start_s=1.0, end_s=1.1)
        assert "Nothing was pinned" in page.until("receipt", kind="unpin")["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"start_s": 0}, {"start_s": float("nan"), "end_s": 1}, {"start_s": 0, "end_s": [1]},
        {"start_s": 0, "end_s": 1, "label": 7}, {"start_s": 0, "end_s": 1, "label": "x" * 81},
    ],
)  # fmt: skip
def test_a_pin_of_nothing_gets_a_sentence(start_server: StartServer, fields: dict[str, Any]) -> None:
    with start_server({"clip": varied}).page() as page:
        seen_all(page)
        page.send("pin", watch=1, **fields)
        page.until("problem", about="moment")
        page.send("pin", watch=1, start_s=0, end_s=1, label="")
        page.until("receipt")


def test_forgetting_erases_pictures_and_the_answers_that_spoke_of_it(start_server: StartServer) -> None:
    lmm = FakeLMM(("I saw a secret.",), evidence=evidence(1.0))
    server = start_server({"clip": varied}, make_lmm=lambda: lmm)
    with server.page() as page:
        seen_all(page)
        name = ask(page)["evidence"][0]["picture"]
        assert picture(server, page, name) == 200
        page.send("forget", watch=1, start_s=0.5, end_s=1.5)
        told = gathered(page, "erased", "receipt")
        assert told["erased"]["id"] == 1 and "secret" not in json.dumps(told)
        message = told["receipt"]["message"]
        assert message.startswith("Forgotten: 0:00 to 0:01.") and "1 answer." in message and "note" not in message
        assert "small picture" in message and "Nothing of it was on a disk." in message
        assert picture(server, page, name) == 404
        ask(page, "And now?")
        assert lmm.questions[-1].history == (), "the model is not told what was said about it"
        assert page.hello["key"]
    with server.page(page.hello["key"]) as again:
        assert again.hello["history"][0]["question"] == "What?"
        assert "secret" not in json.dumps(again.up_to("erased"))


def test_what_was_not_forgotten_stays(start_server: StartServer) -> None:
    server = start_server({"clip": varied}, make_lmm=lambda: FakeLMM(("A cat.",), evidence=evidence(2.5)))
    with server.page() as page:
        seen_all(page)
        name = ask(page)["evidence"][0]["picture"]
        page.send("forget", watch=1, start_s=0.5, end_s=1.5)
        assert "answer" not in page.until("receipt")["message"]
        assert picture(server, page, name) == 200


def test_everything_can_be_forgotten_while_a_camera_runs(start_server: StartServer) -> None:
    with start_server({"clip": forever}).page() as page:
        page.watch()
        while not page.pictures:
            page.until("status")
        page.send("forget", watch=1, start_s=0, end_s=1e6)
        gaps = next(m["gaps"] for m in page.messages() if m["type"] == "timeline" and m.get("gaps"))
        assert gaps[0][0] == "forgotten"
        page.send("ask", text="What?")
        page.until("answer")


def test_a_recording_is_erased_on_the_disk_too(start_server: StartServer, tmp_path: Path) -> None:
    with start_server({"clip": varied}, keep=keep_config(tmp_path, picture_period_s=0.1)).page() as page:
        seen_all(page)
        page.send("forget", watch=1, start_s=0, end_s=1)
        kept = re.search(r"On the disk: (\d+) pictures?", page.until("receipt")["message"])
        assert kept is not None and int(kept[1]) >= 1


# What belongs to whom


def test_a_page_reaches_nothing_of_another_page(start_server: StartServer) -> None:
    server = start_server({"clip": varied, "other": lambda: varied(12)})
    with server.page() as page, server.page() as other:
        seen_all(page)
        seen_all(other, "other")
        ask(page)
        other.send("forget", watch=1, start_s=0, end_s=1e6)  # its own watch, of the same number
        other.until("receipt")
        page.send("look", watch=1, time_s=1.0)
        assert page.until("moment")["frame"] is not None
        assert picture(server, page, "1/5.jpg") == 200 and picture(server, other, "1/5.jpg") == 404
        assert page.hello["key"] != other.hello["key"]


def test_a_shared_camera_is_changed_from_this_machine_and_all_pages_hear_of_it(start_server: StartServer) -> None:
    lmm = FakeLMM(("A secret.",), evidence=evidence(1.0))
    cameras = {"door": AssistantConfig(source="clip")}
    server = start_server({"clip": forever}, cameras=cameras, make_lmm=lambda: lmm)
    with server.page() as page, server.page() as other:
        watch = next(m["watch"] for m in page.messages() if m["type"] == "timeline" and m.get("now_s", 0) >= 2.9)
        name = ask(other)["evidence"][0]["picture"]
        page.send("forget", watch=watch, start_s=0.5, end_s=1.5)
        assert "1 answer." in page.until("receipt")["message"]
        other.until("erased")
        assert picture(server, other, name) == 404


@pytest.mark.parametrize("kind", ["pin", "unpin", "forget"])
def test_from_elsewhere_a_shared_camera_cannot_be_changed(start_server: StartServer, kind: str) -> None:
    cameras = {"door": AssistantConfig(source="clip")}
    with start_server({"clip": forever}, cameras=cameras, client_host="192.0.2.7").page() as page:
        told = gathered(page, "timeline")["timeline"]
        watch = told["watch"]
        assert told["may_change"] is False
        page.send(kind, watch=watch, start_s=0, end_s=1, label="")
        assert "another machine" in page.until("problem", about="moment")["message"]
        page.send("look", watch=watch, time_s=0)
        page.until("moment")


def test_from_elsewhere_a_page_changes_what_it_watches_itself(start_server: StartServer) -> None:
    with start_server({"clip": varied}, client_host="192.0.2.7").page() as page:
        seen_all(page)
        page.send("forget", watch=1, start_s=0, end_s=1)
        page.until("receipt")


@pytest.mark.parametrize(
    ("client", "host", "is_local"),
    [
        (("127.0.0.1", 5), b"127.0.0.1:7860", True), (("::1", 5), b"[::1]:7860", True),
        (("127.0.0.1", 5), b"localhost", True), (("127.0.0.1", 5), b"cameras.example:80", False),
        (("10.0.0.4", 5), b"127.0.0.1:7860", False),
        (None, b"localhost", False), (("nonsense", 5), b"localhost", False), (("127.0.0.1", 5), b"", False),
    ],
)  # fmt: skip
def test_who_is_on_this_machine(client: Any, host: bytes, is_local: bool) -> None:
    assert is_from_here({"client": client, "headers": [(b"host", host)]}) is is_local


# Clips


def test_there_is_no_clip_where_no_video_is_kept(start_server: StartServer) -> None:
    server = start_server({"clip": varied})
    with server.page() as page:
        seen_all(page)
        for name in ("1/0-5000", "1/0-0", "1/5000-0", "1/0-99999999", "9/0-5000", "1/x-5"):
            answer = server.client.get(f"/afterglow/clips/{page.hello['key']}/{name}.mp4")
            assert answer.status_code in (404, 422), name


# Memory and budget


def test_the_memory_is_told_while_somebody_looks_at_it(start_server: StartServer) -> None:
    with start_server({"clip": varied}).page() as page:
        seen_all(page)
        page.send("memory", is_open=True)
        told = page.until("memory")
        parts = {part["name"]: part for part in told["parts"]}
        assert list(parts) == [
            "spatial",
            "temporal",
            "traces",
            "abstract",
            "ledger",
            "notes",
            "gaps",
            "pins",
            "pictures",
        ]
        assert parts["spatial"]["count"].endswith(" of 8") and parts["temporal"]["bytes"] > 0
        assert 0 < told["bytes"] <= told["max_bytes"] and told["frames_seen"] > 0
        assert all(part["fate"].endswith(".") for part in told["parts"])
        page.send("memory", is_open=False)
        page.send("look", watch=1, time_s=0)
        page.until("moment")
        assert [m["type"] for m in page.up_to("status")].count("memory") == 0


def test_a_recording_shows_its_archive(start_server: StartServer, tmp_path: Path) -> None:
    with start_server({"clip": forever}, keep=keep_config(tmp_path)).page() as page:
        page.watch()
        page.send("memory", is_open=True)
        part = next(part for part in page.until("memory")["parts"] if part["name"] == "archive")
        assert "days" in part["fate"] and part["count"].endswith("pictures")


def test_a_budget_is_previewed_and_applies_to_what_is_started_next(start_server: StartServer) -> None:
    server = start_server({"clip": varied})
    with server.page() as page:
        page.send("memory", is_open=True)
        offer = page.until("budget")
        steps = offer["steps"]
        assert [step["max_bytes"] for step in steps] == sorted(step["max_bytes"] for step in steps)
        assert offer["chosen"] is None and steps[0]["num_slots"] == 12
        page.send("budget", bytes=steps[0]["max_bytes"])
        assert page.until("budget")["chosen"] == 0
        seen_all(page)
        told = page.until("memory", watch=1)
        assert next(p for p in told["parts"] if p["name"] == "temporal")["count"].endswith(" of 12")
        page.send("budget", bytes=None)
        assert page.until("budget")["chosen"] is None


@pytest.mark.parametrize("number", [0, -1, 10**15, "7", 1.5, True, [1]])
def test_a_budget_that_cannot_be_gets_a_sentence(start_server: StartServer, number: object) -> None:
    with start_server().page() as page:
        page.send("budget", bytes=number)
        assert "A budget lies between" in page.until("problem", about="moment")["message"]


def test_the_models_are_told_with_what_keeps_them_from_being_used(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import models

    state = type("State", (), {"name": "smollm2.gguf", "is_usable": False})
    monkeypatch.setattr(models, "check_assets", lambda: [state])
    with start_server().page() as page:
        page.send("models")
        (choice,) = page.until("models")["choices"]
        assert choice["name"] == "embedded" and choice["is_available"] is False and "smollm2.gguf" in choice["reason"]
    monkeypatch.setattr(models, "check_assets", list)
    assert all(replace(one).is_available for one in models.known_models())


# Status


def test_the_status_tells_speed_and_the_machines_memory(start_server: StartServer) -> None:
    with start_server({"clip": forever}).page() as page:
        page.watch()
        ask(page)
        status = next(m for m in page.messages() if m["type"] == "status" and m.get("tokens_per_s"))
        assert status["host_bytes"] is None or status["host_bytes"] > 1e6
        assert status["device_bytes"] is None and status["wall_offset_s"] == pytest.approx(1_700_000_000.0)


def test_answers_about_a_live_source_tell_the_time_of_the_clock(start_server: StartServer) -> None:
    server = start_server({"clip": forever}, make_lmm=lambda: FakeLMM(("A cat at 0:", "01."), evidence=evidence(1.0)))
    with server.page() as page:
        page.watch()
        answer = ask(page)
        assert re.fullmatch(r"A cat at (\d+ \w+ \d+ )?\d\d:\d\d:\d\d\.", answer["text"])
        assert answer["sentences"] == [[answer["text"], [0]]]


def test_the_host_of_the_tests_is_this_machine() -> None:
    assert HOST.startswith("127.0.0.1")
