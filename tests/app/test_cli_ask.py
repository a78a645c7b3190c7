"""What `ask` prints and returns, with a session of fakes in place of the real one."""

import io
import json
import threading
from typing import Any

import pytest

from app.cli import main
from app.config import AssistantConfig
from app.errors import AnswerError, WeightsMissingError
from app.language.lmm import Evidence
from app.session import Session
from tests.fakes import FakeLMM, FakeSource, make_frames, make_session
from vision import ModelMissingError, SourceLostError, SourceOpenError

ASK = ["ask", "--source", "clip.mp4", "--question", "When did you see the cat?"]


class Asked:
    """Runs `ask` and keeps the configuration that the session got."""

    def __init__(self, words: list[str], **parts: Any) -> None:
        self.configs: list[AssistantConfig] = []
        self._parts = parts
        self.exit_code = main(words, make_session=self._make_session)

    def _make_session(self, config: AssistantConfig) -> Session:
        self.configs.append(config)
        return make_session(config, **self._parts)


def json_lines(text: str) -> list[dict[str, Any]]:
    """Every line of stdout must be one object with a type."""
    objects = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(one, dict) and isinstance(one["type"], str) for one in objects)
    return objects


def answers(text: str) -> list[dict[str, Any]]:
    return [one for one in json_lines(text) if one["type"] == "answer"]


def test_json_answer_has_exactly_the_promised_fields(capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked([*ASK, "--json"])
    assert asked.exit_code == 0
    lines = json_lines(capsys.readouterr().out)
    answer = lines[-1]
    ttft_ms, total_ms = answer.pop("ttft_ms"), answer.pop("total_ms")
    assert 0 <= ttft_ms <= total_ms
    assert answer == {
        "type": "answer",
        "question": "When did you see the cat?",
        "answer": "I see a cat.",
        "asked_at_s": 1.9,
        "evidence": [{"start_s": 0.0, "end_s": 0.5, "frame_id": 0}],
        "frames": {"seen": 20, "encoded": 5, "dropped": 0},
        "memory": {"version": 5, "tokens": 20, "bytes": 880},
    }
    tokens = [one["text"] for one in lines if one["type"] == "token"]
    assert "".join(tokens) == answer["answer"]
    assert {one["type"] for one in lines} == {"status", "token", "answer"}


def test_text_is_streamed_and_ends_with_its_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    lmm = FakeLMM(
        evidence=(Evidence(start_s=12.2, end_s=15.9, frame_id=372), Evidence(start_s=61, end_s=61, frame_id=9))
    )
    assert Asked(ASK, lmm=lmm).exit_code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["I see a cat.", "Seen at 0:12-0:15 (frame 372), 1:01 (frame 9); newest frame 0:01"]


def test_answer_without_evidence_still_names_the_newest_frame(capsys: pytest.CaptureFixture[str]) -> None:
    Asked(ASK, lmm=FakeLMM(evidence=()))
    assert capsys.readouterr().out.splitlines()[-1].endswith("newest frame 0:01")


def test_several_questions_are_answered_in_order_about_the_same_moment(capsys: pytest.CaptureFixture[str]) -> None:
    lmm = FakeLMM()
    words = [*ASK, "--question", "And now?", "--question", "Where?", "--at", "0.7", "--json"]
    assert Asked(words, lmm=lmm).exit_code == 0
    given = answers(capsys.readouterr().out)
    assert [one["question"] for one in given] == ["When did you see the cat?", "And now?", "Where?"]
    assert {one["asked_at_s"] for one in given} == {0.5}
    assert {one["memory"]["version"] for one in given} == {2}
    assert len(lmm.questions[2].history) == 2


def test_several_questions_are_told_apart_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    Asked([*ASK, "--question", "And now?"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "When did you see the cat?" and lines[3:5] == ["", "And now?"]


def test_reading_stops_at_the_asked_time() -> None:
    source = FakeSource(make_frames(20))
    asked = Asked([*ASK, "--at", "0.7"], source=source)
    assert asked.exit_code == 0
    assert source.num_read == 9  # the first frame after 0.7 s is read and not used
    assert asked.configs[0].capture.stop_at_s == 0.7


@pytest.mark.parametrize("is_json", [True, False])
def test_time_beyond_the_end_is_answered_at_the_end_and_said(capsys: pytest.CaptureFixture[str], is_json: bool) -> None:
    assert Asked([*ASK, "--at", "999", *(["--json"] if is_json else [])]).exit_code == 0
    captured = capsys.readouterr()
    sentence = "The source ended at 1.9 s, before --at 999: the answer is about its end."
    assert sentence in captured.err
    if is_json:
        assert answers(captured.out)[0]["note"] == sentence


def test_time_of_the_last_frame_is_not_beyond_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert Asked([*ASK, "--at", "2", "--json"]).exit_code == 0
    captured = capsys.readouterr()
    assert "note" not in answers(captured.out)[0] and captured.err == ""


def test_live_source_is_watched_for_a_while_when_no_time_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    source = FakeSource(make_frames(300), is_live=True, never_ends=True)
    assert Asked([*ASK, "--json"], source=source).exit_code == 0
    answer = answers(capsys.readouterr().out)[0]
    assert answer["asked_at_s"] == 10.0
    assert "watched for 10 s" in answer["note"]


def test_lost_source_is_answered_from_what_was_seen_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    source = FakeSource([*make_frames(11), SourceLostError("unplugged")], is_live=True)
    assert Asked([*ASK, "--json", "--at", "60"], source=source).exit_code == 0
    assert "lost at 0:01" in answers(capsys.readouterr().out)[0]["note"]


def test_options_reach_the_session() -> None:
    config = Asked([*ASK, "--fps", "5", "--speed", "realtime", "--at", "1"]).configs[0]
    assert config.source == "clip.mp4"
    assert config.perceive.fps == 5.0
    assert config.capture.reading.speed == "realtime"
    default = Asked(ASK).configs[0]
    assert default.perceive.fps == 2.0
    assert default.capture.reading.speed == "max"
    assert default.capture.stop_at_s is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--question", ""], "The question is empty"),
        (["--question", " \n "], "The question is empty"),
        (["--question", "x" * 2001], "The question has 2,001 characters"),
        (["--question", "x" * 100_000], "The question has 100,000 characters"),
        (["--at", "-1"], "--at"),
        (["--at", "nan"], "--at"),
        (["--at", "soon"], "--at"),
        (["--fps", "0"], "--fps"),
        (["--fps", "31"], "--fps"),
        (["--fps", "-2"], "--fps"),
        (["--timeout", "0"], "--timeout"),
        (["--speed", "fast"], "--speed"),
        (["--source", ""], "--source"),
        (["--surprise"], "--surprise"),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    asked = Asked([*ASK, *words])
    captured = capsys.readouterr()
    assert asked.exit_code == 2
    assert asked.configs == []
    assert sentence in captured.err and captured.out == ""
    assert len(captured.err) < 2000


@pytest.mark.parametrize("words", [["ask"], ["ask", "--source", "a.mp4"], ["ask", "--question", "a?"], ["sing"]])
def test_incomplete_commands_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().out == ""


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--help"]) == 0
    text = capsys.readouterr().out
    for code in (0, 2, 3, 4, 5, 7, 130):
        assert f"\n  {code:<4} " in text
    assert "--timeout" in text and "--at" in text


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (SourceOpenError("There is no file clip.mp4.", "missing"), 3),
        (ModelMissingError("run python3 launch.py"), 5),
        (WeightsMissingError("run python3 launch.py"), 5),
        (RuntimeError("surprise"), 1),
    ],
)
@pytest.mark.parametrize("is_json", [True, False])
def test_each_failure_to_open_has_its_exit_code_and_one_sentence(
    capsys: pytest.CaptureFixture[str], error: Exception, exit_code: int, is_json: bool
) -> None:
    asked = Asked([*ASK, *(["--json"] if is_json else [])], source=FakeSource(open_error=error))
    captured = capsys.readouterr()
    assert asked.exit_code == exit_code
    assert str(error) in captured.err and "Traceback" not in captured.err
    assert len(captured.err.splitlines()) == 1
    if is_json:
        (line,) = json_lines(captured.out)
        assert line["type"] == "error" and line["exit_code"] == exit_code
    else:
        assert captured.out == ""


@pytest.mark.parametrize(
    "source", [FakeSource(), FakeSource([SourceLostError("unplugged")], is_live=True)], ids=["ended", "lost"]
)
def test_source_that_showed_nothing_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], source: FakeSource
) -> None:
    assert Asked(ASK, source=source).exit_code == 4
    captured = capsys.readouterr()
    assert "before anything was seen" in captured.err and captured.out == ""


def test_time_out_while_the_source_plays(capsys: pytest.CaptureFixture[str]) -> None:
    source = FakeSource(make_frames(20), is_live=True, never_ends=True)
    assert Asked([*ASK, "--at", "500", "--timeout", "0.3"], source=source).exit_code == 7
    assert "Gave up after --timeout 0.3 s, when the source had reached 0:0" in capsys.readouterr().err


def test_time_out_while_it_opens(capsys: pytest.CaptureFixture[str]) -> None:
    gate = threading.Event()
    timer = threading.Timer(1.0, gate.set)
    timer.start()
    assert Asked([*ASK, "--timeout", "0.3"], source=FakeSource(open_gate=gate)).exit_code == 7
    assert "being opened" in capsys.readouterr().err
    timer.join()


def test_time_out_during_an_answer_keeps_what_was_answered(capsys: pytest.CaptureFixture[str]) -> None:
    never = threading.Event()

    class SecondHangs(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            if question.text == "second?":
                self._script = ("I ", never)
            yield from super().stream(question, snapshot, is_cancelled)

    words = [*ASK, "--question", "second?", "--timeout", "0.8"]
    assert Asked(words, lmm=SecondHangs()).exit_code == 7
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:2] == ["When did you see the cat?", "I see a cat."]
    assert captured.out.endswith("second?\nI \n")
    assert "before the answer was complete" in captured.err


def test_answers_given_are_kept_when_a_later_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    class SecondFails(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            if question.text == "second?":
                raise AnswerError("I cannot read that.")
            yield from super().stream(question, snapshot, is_cancelled)

    assert Asked([*ASK, "--question", "second?", "--json"], lmm=SecondFails()).exit_code == 1
    captured = capsys.readouterr()
    assert len(answers(captured.out)) == 1
    assert json_lines(captured.out)[-1] == {"type": "error", "exit_code": 1, "message": "I cannot read that."}
    assert captured.err == "I cannot read that.\n"


def test_failure_to_close_does_not_take_back_the_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert Asked(ASK, lmm=FakeLMM(close_error=RuntimeError("stuck"))).exit_code == 0
    assert "I see a cat." in capsys.readouterr().out


def test_what_libraries_print_does_not_reach_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    class ChattyLMM(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            print("Loading weights ...")  # noqa: T201
            yield from super().stream(question, snapshot, is_cancelled)

    assert Asked([*ASK, "--json"], lmm=ChattyLMM()).exit_code == 0
    captured = capsys.readouterr()
    assert json_lines(captured.out)[-1]["type"] == "answer"
    assert "Loading weights" in captured.err


def test_characters_that_the_terminal_cannot_show_do_not_end_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stdout)
    assert Asked(ASK, lmm=FakeLMM(script=("ein Kätzchen ", "猫"))).exit_code == 0
    stdout.seek(0)
    assert "tzchen" in stdout.read()
