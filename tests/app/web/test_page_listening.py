"""Questions by voice, through the real WebSocket and the real listen thread, with a recogniser of fakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.hearing import NotUnderstoodError
from app.web import page_listening
from app.web.packets import PacketKind
from tests.app.web.conftest import Page, Server
from tests.fakes import FakeRecogniser

StartServer = Callable[..., Server]
RATE = 16_000


def sound(seconds: float = 1.0) -> bytes:
    return (6000 * np.sin(np.arange(round(seconds * RATE)) / 6)).astype("<i2").tobytes()


def say(page: Page, number: int, seconds: float = 1.0, rate: Any = RATE) -> None:
    page.send("listen", state="begin", id=number, rate=rate)
    data = sound(seconds)
    for start in range(0, len(data), 3200):
        page.send_bytes(data[start : start + 3200], PacketKind.VOICE, number)
    page.send("listen", state="end", id=number)


def test_what_was_said_comes_back_as_words(start_server: StartServer) -> None:
    recogniser = FakeRecogniser(["Is the cat there?", "And now?"])
    with start_server(recogniser=recogniser).page() as page:
        page.send("listen", state="prepare")
        while page.until("status")["listening"] != "ready":
            pass
        say(page, 1, 0.5)
        assert page.until("heard", id=1) == {"type": "heard", "id": 1, "state": "words", "text": "Is the cat there?"}
        say(page, 2, 1.0)
        assert page.until("heard", id=2)["text"] == "And now?"
    assert recogniser.lengths == [8_000, 16_000]


def test_a_sentence_tells_why_there_are_no_words(start_server: StartServer) -> None:
    with start_server(recogniser=FakeRecogniser([NotUnderstoodError("I did not understand that.")])).page() as page:
        say(page, 1)
        assert page.until("heard")["message"] == "I did not understand that."
        page.send("listen", state="begin", id=2, rate=RATE)
        page.send("listen", state="end", id=2)
        assert "too short" in page.until("heard", id=2)["message"]
        page.send("listen", state="begin", id=3, rate=RATE)
        page.send_bytes(bytes(RATE * 2), PacketKind.VOICE, 3)
        page.send("listen", state="end", id=3)
        assert "muted" in page.until("heard", id=3)["message"]


def test_a_minute_is_enough(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_listening, "MAX_SPOKEN_S", 1.0)
    recogniser = FakeRecogniser(["A long question?"])
    with start_server(recogniser=recogniser).page() as page:
        page.send("listen", state="begin", id=1, rate=RATE)
        for _ in range(30):
            page.send_bytes(sound(0.1), PacketKind.VOICE, 1)
        news = page.up_to("heard", state="words")
        assert [message["state"] for message in news] == ["full", "words"]
        assert "minute" in news[0]["message"]
    assert recogniser.lengths == [RATE]


@pytest.mark.parametrize("rate", [0, -5, 10**9, None, "x"])
def test_an_impossible_rate_is_refused(start_server: StartServer, rate: Any) -> None:
    with start_server(recogniser=FakeRecogniser([])).page() as page:
        say(page, 1, 0.2, rate)
        assert page.until("heard", id=1)["state"] == "unheard"


def test_sound_that_belongs_to_nothing_is_dropped(start_server: StartServer) -> None:
    recogniser = FakeRecogniser(["Hello?"])
    with start_server(recogniser=recogniser).page() as page:
        page.send_bytes(sound(), PacketKind.VOICE, 7)
        page.send("listen", state="end", id=7)
        page.send("listen", state="begin", id=8, rate=RATE)
        page.send_bytes(sound(), PacketKind.VOICE, 8)
        page.send("listen", state="drop")
        page.send("listen", state="end", id=8)
        page.send("listen", state="sing")
        say(page, 9, 0.5)
        assert [message["id"] for message in page.up_to("heard")] == [9]
    assert recogniser.lengths == [8_000]
