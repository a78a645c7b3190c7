"""Spoken answers on their way to a page: through the real WebSocket, with a voice of fakes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.web import page_speech
from tests.app.web.conftest import Page, Server
from tests.fakes import FakeLMM, FakeSource, FakeSpeaker, make_frames

StartServer = Callable[..., Server]
WORD_BYTES = 4800  # a tenth of a second


def clip() -> FakeSource:
    return FakeSource(make_frames(5), is_live=True, never_ends=True)


def speaking_page(server: Server) -> Page:
    page = server.page()
    page.__enter__()
    page.send("speak", on=True)
    page.watch()
    return page


@pytest.fixture
def open_page(start_server: StartServer) -> Any:
    pages: list[Page] = []

    def open_it(**parts: Any) -> Page:
        pages.append(speaking_page(start_server({"clip": clip}, **parts)))
        return pages[-1]

    yield open_it
    for page in pages:
        page.__exit__(None, None, None)


def words_of(page: Page, number: int) -> list[int]:
    """The numbers of the words that came, as FakeSpeaker says them."""
    data = b"".join(payload for talk, payload in page.spoken if talk == number)
    values = [int.from_bytes(data[at : at + 2], "little", signed=True) for at in range(0, len(data), WORD_BYTES)]
    return [round(value / 32.767) for value in values]


def test_an_answer_is_heard_once_and_whole(open_page: Any) -> None:
    page = open_page()
    page.send("ask", text="What do you see?")
    begin = page.until("speech", state="begin")
    assert begin["exchange"] == 1 and begin["rate"] == 24_000
    end = page.until("speech", state="end")
    assert end["problem"] is None and end["seconds"] == pytest.approx(0.4) and end["first_audio_ms"] > 0
    assert words_of(page, begin["id"]) == [1, 2, 3, 4]


def test_a_page_that_did_not_wish_it_hears_nothing(start_server: StartServer) -> None:
    with start_server({"clip": clip}).page() as page:
        page.watch()
        page.send("ask", text="What do you see?")
        page.until("answer")
        page.send("speak", on=True)
        page.send("ask", text="And now?")
        page.until("speech", state="end", exchange=2)
        assert {number for number, _ in page.spoken} == {1}


def test_no_more_is_sent_than_the_page_plays(open_page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_speech, "WINDOW_S", 0.5)
    page = open_page(make_lmm=lambda: FakeLMM(script=("one two three four five six seven eight nine ten.",)))
    page.send("ask", text="What?")
    number = page.until("speech", state="begin")["id"]
    for _ in range(30):
        page.until("status")
    assert 5 <= len(words_of(page, number)) < 8  # 0.5 s, and less than a block more
    page.send("played", id=number, position_s=0.4)
    page.send("played", id=number, position_s=0.2)  # late news changes nothing
    for message in page.messages():
        if message["type"] == "status":
            page.send("played", id=number, position_s=len(words_of(page, number)) / 10)
        if message["type"] == "speech":
            break
    assert message["state"] == "end"
    assert words_of(page, number) == list(range(1, 11))


@pytest.mark.parametrize("how", ["silence", "cancel", "ask", "speak"])
def test_whatever_silences_a_page_ends_the_talk_and_tells_what_was_heard(
    open_page: Any, gate: threading.Event, how: str
) -> None:
    page = open_page(speaker=lambda name: FakeSpeaker(gate=gate))
    page.send("ask", text="What do you see?")
    number = page.until("speech", state="begin")["id"]
    while not words_of(page, number):
        page.until("status")
    page.send("played", id=number, position_s=0.35)
    facts = {
        "silence": {"id": number, "position_s": 0.35},
        "cancel": {},
        "ask": {"text": "And now?"},
        "speak": {"on": False},
    }
    page.send(how, **facts[how])
    cut = page.until("speech", state="cut", id=number)
    assert cut["heard"] == "I" and cut["exchange"] == 1
    assert words_of(page, number) == [1]


def test_a_talk_that_was_all_sent_can_still_be_cut(open_page: Any) -> None:
    page = open_page()
    page.send("ask", text="What do you see?")
    number = page.until("speech", state="end")["id"]
    page.send("silence", id=number, position_s=0.2)
    assert page.until("speech", state="cut")["heard"] == "I see"


def test_a_played_talk_cannot_be_cut_any_more(open_page: Any) -> None:
    page = open_page()
    page.send("ask", text="What do you see?")
    number = page.until("speech", state="end")["id"]
    page.send("played", id=number, position_s=0.4, is_over=True)
    page.send("silence", id=number, position_s=0.2)
    page.send("say", exchange=1)
    news = page.up_to("speech", state="end")
    assert not [one for one in news if one.get("state") == "cut"]


def test_an_answer_can_be_heard_again(open_page: Any) -> None:
    page = open_page()
    page.send("ask", text="What do you see?")
    first = page.until("speech", state="end")
    page.send("say", exchange=1)
    again = page.until("speech", state="end")
    assert again["exchange"] == 1 and again["id"] != first["id"]
    assert len(words_of(page, again["id"])) == 4


def test_the_page_can_say_a_sentence_about_itself(open_page: Any) -> None:
    page = open_page()
    page.send("say", text="Watching the garden.")
    end = page.until("speech", state="end")
    assert end["exchange"] is None and len(words_of(page, end["id"])) == 3


def test_a_voice_that_fails_is_told_and_the_answer_stays(open_page: Any) -> None:
    def fail(name: str) -> FakeSpeaker:
        raise RuntimeError("no such model")

    page = open_page(speaker=fail)
    page.send("ask", text="What do you see?")
    news = page.up_to("speech", state="end")
    news += [] if any(one["type"] == "answer" for one in news) else page.up_to("answer")
    assert "RuntimeError" in next(one for one in news if one["type"] == "speech")["problem"]
    assert next(one for one in news if one["type"] == "answer")["text"] == "I see a cat."
    assert page.until("status")["speech"]["problem"]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "played"}, {"type": "played", "id": "1", "position_s": "x"}, {"type": "silence", "id": None},
        {"type": "silence", "id": 99, "position_s": -1e9}, {"type": "played", "id": 7, "position_s": 1e400},
        {"type": "speak"}, {"type": "speak", "on": "yes"}, {"type": "say", "exchange": 99},
    ],
)  # fmt: skip
def test_wishes_without_sense_change_nothing(open_page: Any, message: dict[str, Any]) -> None:
    page = open_page()
    page.send(message["type"], **{name: value for name, value in message.items() if name != "type"})
    page.send("speak", on=True)
    page.send("ask", text="What do you see?")
    news = page.up_to("speech", state="end")
    assert not [one for one in news if one["type"] == "problem"]


def test_an_empty_announcement_is_refused(open_page: Any) -> None:
    page = open_page()
    page.send("say", text="  ")
    assert page.until("problem")["message"]


def test_a_page_that_goes_leaves_nothing_speaking(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": clip}, speaker=lambda name: FakeSpeaker(gate=gate))
    page = speaking_page(server)
    page.send("ask", text="What do you see?")
    page.until("speech", state="begin")
    session = next(iter(server.hub._pages.values())).watch.session  # type: ignore[union-attr]
    page.__exit__(None, None, None)
    while session.status().speech.is_speaking:
        gate.wait(0.01)
