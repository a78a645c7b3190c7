"""Sources, live pictures, status and the life of pages, through the WebSocket."""

import struct
import threading
from collections.abc import Callable

import pytest

from app import status
from app.config import AssistantConfig
from app.errors import WeightsMissingError
from app.kept_models import KeptModels
from app.web.hub import GRACE_S, MAX_PAGES, MAX_WATCHES
from app.web.warming import WarmUp
from tests.app.web.conftest import Page, Server, make_jpeg
from tests.fakes import FakeEncoder, FakeLMM, FakeSource, make_frames
from vision import SourceLostError, SourceOpenError
from vision.sources import ConnectionStatus

StartServer = Callable[..., Server]


def endless() -> FakeSource:
    return FakeSource(make_frames(30), is_live=True, never_ends=True)


def test_an_idle_page_says_what_to_do(start_server: StartServer) -> None:
    with start_server().page() as page:
        status = page.until("status")
        assert status["state"] == "idle" and status["sentence"] == "Choose what to watch."


def test_the_status_counts_what_happens(start_server: StartServer) -> None:
    with start_server({"clip": endless}).page() as page:
        page.watch()
        status = next(m for m in page.messages() if m["type"] == "status" and m.get("encoded"))
        assert status["seen"] >= status["encoded"] >= 1 and status["memory_bytes"] > 0
        assert status["source"] == "fake source" and status["age_s"] >= 0 and status["model"] == "fake LMM"
        assert status["sentence"] is None


def test_a_camera_that_is_away_is_told_with_its_reason(start_server: StartServer) -> None:
    class Away(FakeSource):
        connection = ConnectionStatus(state="backing_off", since_s=0.0, message="The door does not answer.")

    server = start_server({"clip": lambda: Away(make_frames(3), is_live=True, never_ends=True)})
    with server.page() as page:
        page.watch()
        assert page.until("status", sentence="The door does not answer.")["state"] == "running"


def test_a_picture_is_stale_by_the_sessions_own_rule(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_server({"clip": endless}).page() as page:
        page.watch()
        assert page.until("status", state="running")["is_stale"] is False
        monkeypatch.setattr(status, "STALE_AFTER_S", 0.0)
        page.until("status", is_stale=True)


def test_what_the_browser_sends_and_is_no_picture_is_told(start_server: StartServer) -> None:
    with start_server().page() as page:
        page.send("start", kind="browser")
        page.send_bytes(make_jpeg())
        page.status("running")
        page.send_bytes(b"hello")
        assert page.until("problem", about="source")["message"]
        page.until("frame_ack")


def test_live_pictures_carry_their_time_and_wait_for_the_acknowledgement(start_server: StartServer) -> None:
    gates = [threading.Event() for _ in range(2)]
    frames = make_frames(3)
    script = [frames[0], gates[0], frames[1], gates[1], frames[2]]
    with start_server({"clip": lambda: FakeSource(script, is_live=True, never_ends=True)}).page() as page:
        page.acknowledges = False
        page.watch()
        while not page.pictures:
            page.until("status")
        gates[0].set()
        gates[1].set()
        while page.until("status")["seen"] < 3:
            pass
        for _ in range(3):
            page.until("status")
        assert len(page.pictures) == 1  # the first was not acknowledged
        page.send("ack")
        while len(page.pictures) < 2:
            page.until("status")
        times_s = [struct.unpack(">d", picture[:8])[0] for picture in page.pictures]
        assert times_s == [0.0, 0.2]  # the newest, not the one in between
        assert all(picture[8:10] == b"\xff\xd8" for picture in page.pictures)


def test_pictures_of_the_browser_are_acknowledged_seen_and_shown(start_server: StartServer) -> None:
    with start_server().page() as page:
        page.send("start", kind="browser")
        assert page.status("running")["takes_pictures"]
        page.send_bytes(make_jpeg())
        page.until("frame_ack")
        while not page.pictures:
            page.until("status")
        page.send("stop")
        status = page.status("ended")
        assert status["seen"] == 1 and status["sentence"].startswith("Stopped.")
        page.send("ask", text="What?")
        page.until("answer")


def test_pictures_that_nobody_asked_for_are_acknowledged_and_dropped(start_server: StartServer) -> None:
    with start_server({"clip": endless}).page() as page:
        page.send_bytes(make_jpeg())
        page.until("frame_ack")
        page.watch()
        page.send_bytes(b"no picture")
        page.until("frame_ack")


def test_stopping_keeps_what_was_seen(start_server: StartServer) -> None:
    with start_server({"clip": endless}).page() as page:
        page.watch()
        page.send("stop")
        assert page.status("ended")["sentence"].startswith("Stopped.")
        page.send("ask", text="What?")
        assert page.until("answer")["text"] == "I see a cat."


def test_stopping_while_it_opens_forgets_it(start_server: StartServer, gate: threading.Event) -> None:
    with start_server({"clip": lambda: FakeSource(open_gate=gate)}).page() as page:
        page.send("start", kind="named", spec="clip")
        page.status("starting")
        page.send("stop")
        gate.set()
        assert page.status("idle")["sentence"] == "Choose what to watch."


def test_a_source_that_cannot_be_opened_says_so_and_another_can_be_chosen(start_server: StartServer) -> None:
    refusing = FakeSource(open_error=SourceOpenError("There is no file 'x.mp4'.", "missing"))
    with start_server({"x.mp4": lambda: refusing, "clip": endless}).page() as page:
        page.send("start", kind="named", spec="x.mp4")
        assert page.status("failed")["sentence"] == "There is no file 'x.mp4'."
        page.send("ask", text="What?")
        assert page.until("failed")["message"] == "There is no file 'x.mp4'."
        page.watch()


def test_a_slip_of_the_pen_does_not_end_what_is_watched(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> FakeSource:
        raise SourceOpenError("'gopher://x' is not a kind of source that is accepted.", "bad_url")

    with start_server({"clip": endless, "gopher://x": refuse}).page() as page:
        number = page.watch()["watch"]
        page.send("start", kind="named", spec="gopher://x")
        problem = page.until("problem")
        assert problem["about"] == "source" and "not a kind of source" in problem["message"]
        assert page.status("running")["watch"] == number


def test_a_lost_source_is_told_and_can_be_asked_about(start_server: StartServer) -> None:
    script = [*make_frames(3), SourceLostError("The camera was unplugged.")]
    with start_server({"clip": lambda: FakeSource(script, is_live=True)}).page() as page:
        page.send("start", kind="named", spec="clip")
        assert page.status("source_lost")["sentence"].startswith("The camera was unplugged. You can still ask")


def test_what_fails_inside_shows_no_details(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    failing = FakeSource(open_error=RuntimeError("/secret/place"))
    with start_server({"clip": lambda: failing}).page() as page:
        page.send("start", kind="named", spec="clip")
        sentence = page.status("failed")["sentence"]
        assert "RuntimeError" in sentence and "/secret/place" not in sentence
    assert "/secret/place" in caplog.text


def test_switching_closes_one_source_and_opens_the_next(start_server: StartServer) -> None:
    sources = [endless(), endless()]
    with start_server({"clip": iter(sources).__next__}).page() as page:
        assert page.watch()["watch"] == 1
        page.send("start", kind="named", spec="clip")
        page.until("status", watch=2, state="running")
        assert sources[0].num_closed == 1 and sources[1].num_closed == 0


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"type":[]}', "{" * 5000, '{"type":"start","kind":[1]}'])
def test_nonsense_from_the_page_gets_a_sentence(start_server: StartServer, text: str) -> None:
    with start_server().page() as page:
        page._socket.send_text(text)
        assert page.until("problem")["message"]


# The life of pages


def test_a_page_that_is_loaded_again_finds_its_source_and_conversation(start_server: StartServer) -> None:
    server = start_server({"clip": endless})
    with server.page() as page:
        page.watch()
        page.send("ask", text="What?")
        page.until("answer")
    with server.page(page.hello["key"]) as again:
        assert again.hello["key"] == page.hello["key"]
        assert again.hello["history"] == [{"type": "asked", "id": 1, "question": "What?"}]
        assert again.until("answer")["text"] == "I see a cat."
        assert again.status("running")["watch"] == 1


def test_a_second_page_with_the_same_key_is_a_page_of_its_own(start_server: StartServer) -> None:
    server = start_server()
    with server.page() as page, server.page(page.hello["key"]) as copy:
        assert copy.hello["key"] != page.hello["key"]


def test_the_session_ends_some_time_after_the_tab_has_gone(start_server: StartServer) -> None:
    source = endless()
    server = start_server({"clip": lambda: source})
    with server.page() as page:
        page.watch()
    server.clock.advance(GRACE_S - 1.0)
    with server.page(page.hello["key"]) as again:
        assert again.hello["key"] == page.hello["key"]
    server.clock.advance(GRACE_S)
    server.client.portal.call(run_soon, server.hub.drop_gone)  # type: ignore[union-attr]
    server.client.portal.call(server.hub.close)  # type: ignore[union-attr]
    assert source.num_closed == 1 and server.hub.num_pages == 0


async def run_soon(function: Callable[[], None]) -> None:
    function()


def test_more_sources_than_allowed_get_a_sentence_until_one_is_gone(start_server: StartServer) -> None:
    server = start_server({"clip": endless})
    pages = [server.page() for _ in range(MAX_WATCHES)]
    for page in pages:
        page.__enter__()
        page.watch()
    with server.page() as late:
        late.send("start", kind="named", spec="clip")
        assert "4 pages watch something already" in late.until("problem")["message"]
        pages[0].__exit__(None, None, None)
        late.watch()  # the page that has gone makes room before its time
    for page in pages[1:]:
        page.__exit__(None, None, None)


def test_the_number_of_pages_is_bounded(start_server: StartServer) -> None:
    server = start_server()
    pages = [server.page() for _ in range(MAX_PAGES)]
    for page in pages:
        page.__enter__()
    late = Page(server.client)
    with late.socket() as socket:
        socket.send_json({"type": "hello"})
        assert "16 pages of Afterglow are open" in socket.receive_json()["message"]
        assert socket.receive()["type"] == "websocket.close"
    for page in pages:
        page.__exit__(None, None, None)


def test_a_source_named_at_the_start_is_seen_by_every_page_and_outlives_them(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras={"door": AssistantConfig(source="clip")})
    with server.page() as page, server.page() as other:
        page.status("running")
        other.status("running")
        page.send("stop")
        page.status("idle")
        other.status("running")
    with server.page() as late:
        late.status("running")
    assert len(server.lmms) == 1, "one session for all"


def test_pages_that_share_a_camera_do_not_share_their_conversations(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, cameras={"door": AssistantConfig(source="clip")})
    with server.page() as page, server.page() as other:
        page.status("running")
        for asker, question in ((page, "Is there a dog?"), (other, "And now?"), (page, "Where is it?")):
            asker.send("ask", text=question)
            asker.until("answer")
    histories = [[asked for asked, _ in question.history] for question in server.lmms[0].questions]
    assert histories == [[], [], ["Is there a dog?"]]


# Models


def test_the_page_says_that_the_models_are_loading(start_server: StartServer, gate: threading.Event) -> None:
    def load_slowly() -> FakeEncoder:
        assert gate.wait(10.0)
        return FakeEncoder()

    num_loaded = []
    warm_up = WarmUp(KeptModels(load_slowly, lambda: num_loaded.append(1) or FakeLMM()))  # type: ignore[func-returns-value]
    warm_up.begin()
    with start_server({"clip": endless}, warm_up=warm_up).page() as page:
        assert page.until("status")["models_loading"]
        page.send("start", kind="named", spec="clip")
        assert "Loading the models" in page.status("starting")["sentence"]
        gate.set()
        assert not page.status("running")["models_loading"]
    assert num_loaded == [1]


def test_missing_models_are_told_before_anything_is_chosen(start_server: StartServer) -> None:
    def fail() -> FakeEncoder:
        raise WeightsMissingError("The models are not on this machine yet.")

    warm_up = WarmUp(KeptModels(fail, FakeLMM))
    warm_up.begin()
    with start_server({"clip": endless}, warm_up=warm_up).page() as page:
        page.until("status", models_loading=False, sentence="The models are not on this machine yet.")
        page.send("start", kind="named", spec="clip")
        assert page.status("failed")["sentence"] == "The models are not on this machine yet."
