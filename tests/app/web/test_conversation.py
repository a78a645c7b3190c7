"""Questions and answers through the WebSocket."""

import threading
from collections.abc import Callable

import pytest

from app.language.lmm import Evidence
from tests.app.web.conftest import Server
from tests.fakes import FakeLMM, FakeSource, make_frames

StartServer = Callable[..., Server]


def endless() -> FakeSource:
    return FakeSource(make_frames(30), is_live=True, never_ends=True)


def test_an_answer_streams_in_pieces_and_ends_with_its_evidence(start_server: StartServer) -> None:
    evidence = (Evidence(start_s=0.5, end_s=1.5, frame_id=3),)
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM(("I see ", "a cat."), evidence=evidence))
    with server.page() as page:
        page.watch()
        page.send("ask", text="  What do\nyou see? ")
        messages = page.up_to("answer")
        assert messages[0] == {"type": "asked", "id": 1, "question": "What do you see?"}
        answer = messages[-1]
        assert "I see a cat.".startswith("".join(m["text"] for m in messages[1:-1]))
        assert answer["text"] == "I see a cat." and not answer["was_cancelled"] and answer["ttft_ms"] >= 0
        assert answer["evidence"] == [{"start_s": 0.5, "end_s": 1.5, "watch": 1, "picture": "1/3.jpg"}]
        assert answer["sentences"] == [["I see a cat.", [0]]]


def test_pieces_come_while_the_answer_is_being_made(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM(("First ", gate, "then.")))
    with server.page() as page:
        page.watch()
        page.send("ask", text="What?")
        assert page.until("piece")["text"] == "First "
        gate.set()
        assert page.until("answer")["text"] == "First then."


def test_several_questions_are_answered_in_order(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM((gate, "Yes.")))
    with server.page() as page:
        page.watch()
        for text in ("one?", "two?", "three?"):
            page.send("ask", text=text)
        page.until("asked", id=3)
        gate.set()
        assert [page.until("answer")["id"] for _ in range(3)] == [1, 2, 3]
        assert [question.text for question in server.lmms[0].questions] == ["one?", "two?", "three?"]


def test_stop_ends_the_answer_that_is_being_made_and_no_other(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM(("Well, ", gate, "yes.")))
    with server.page() as page:
        page.watch()
        page.send("ask", text="one?")
        page.until("piece")
        page.send("ask", text="two?")
        page.until("asked", id=2)
        page.send("cancel")
        stopped = page.until("answer")
        assert stopped["id"] == 1 and stopped["was_cancelled"] and stopped["text"] == "Well, "
        gate.set()
        assert page.until("answer")["text"] == "Well, yes."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "empty"), (" \n\t ", "empty"), ("x" * 2001, "2,001 characters"), ("x" * 100_000, "at most"), (7, "text")],
)
def test_what_is_no_question_gets_a_sentence(start_server: StartServer, text: object, sentence: str) -> None:
    server = start_server({"clip": endless})
    with server.page() as page:
        page.watch()
        page.send("ask", text=text)
        problem = page.until("problem")
        assert problem["about"] == "question" and sentence in problem["message"]


def test_asking_before_anything_is_watched_gets_a_sentence(start_server: StartServer) -> None:
    with start_server().page() as page:
        page.send("ask", text="What?")
        assert "choose what to watch" in page.until("problem")["message"]


def test_a_question_before_the_first_picture_waits_for_it(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": lambda: FakeSource([gate, *make_frames(3)], is_live=True, never_ends=True)})
    with server.page() as page:
        page.send("start", kind="named", spec="clip")
        page.status("running")
        page.send("ask", text="What?")
        page.until("asked")
        page.until("status")
        gate.set()
        assert page.until("answer")["text"] == "I see a cat."


def test_more_questions_than_can_wait_get_a_sentence(start_server: StartServer, gate: threading.Event) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM((gate, "Yes.")))
    with server.page() as page:
        page.watch()
        for number in range(9):
            page.send("ask", text=f"question {number}")
        assert "8 questions are waiting" in page.until("problem")["message"]


def test_a_stream_that_is_over_can_still_be_asked_about(start_server: StartServer) -> None:
    server = start_server({"clip": lambda: FakeSource(make_frames(5))})
    with server.page() as page:
        page.send("start", kind="named", spec="clip")
        assert "You can still ask" in page.status("ended")["sentence"]
        page.send("ask", text="What?")
        assert page.until("answer")["text"] == "I see a cat."


def test_evidence_pictures_are_served_to_the_page_that_has_the_key(start_server: StartServer) -> None:
    server = start_server({"clip": endless})
    with server.page() as page, server.page() as other:
        page.watch()
        page.send("ask", text="What?")
        name = page.until("answer")["evidence"][0]["picture"]
        picture = server.client.get(f"/afterglow/frames/{page.hello['key']}/{name}")
        assert picture.status_code == 200 and picture.content[:2] == b"\xff\xd8"
        assert picture.headers["content-type"] == "image/jpeg" and "private" in picture.headers["cache-control"]
        for path in (f"{other.hello['key']}/{name}", f"nobody/{name}", f"{page.hello['key']}/9/0.jpg"):
            assert server.client.get(f"/afterglow/frames/{path}").status_code == 404
        for path in ("1/x.jpg", "1/../../etc/passwd", "1/%2e%2e%2fpasswd.jpg", "1/0.png"):
            assert server.client.get(f"/afterglow/frames/{page.hello['key']}/{path}").status_code in (400, 404, 422)


def test_one_failed_answer_leaves_the_next_ones(start_server: StartServer) -> None:
    from app.errors import AnswerError

    scripts = iter([(AnswerError("That is too long for the model."),), ("Yes.",)])

    class OnceFailing(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):  # type: ignore[no-untyped-def]
            self._script = next(scripts)
            return super().stream(question, snapshot, is_cancelled)

    server = start_server({"clip": endless}, make_lmm=OnceFailing)
    with server.page() as page:
        page.watch()
        page.send("ask", text="one?")
        assert page.until("failed")["message"] == "That is too long for the model."
        page.send("ask", text="two?")
        assert page.until("answer")["text"] == "Yes."


def test_markup_arrives_as_the_text_it_is(start_server: StartServer) -> None:
    server = start_server({"clip": endless}, make_lmm=lambda: FakeLMM(("<script>alert(1)</script>",)))
    with server.page() as page:
        page.watch()
        page.send("ask", text="<img src=x onerror=alert(1)>")
        assert page.until("asked")["question"] == "<img src=x onerror=alert(1)>"
        assert page.until("answer")["text"] == "<script>alert(1)</script>"
