"""`ask --speak` and `query --speak`: what is in the file, and in the answer beside it."""

import json
import wave
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.cli.exit_codes import EXIT_BAD_ARGUMENTS, EXIT_NOT_KEPT
from app.cli.speech_options import SpeakTo
from app.cli.tape import open_tape
from app.config import AssistantConfig
from app.session import Session
from app.speech import VoiceMissingError
from tests.fakes import FakeSpeaker, make_session

ASK = ["ask", "--source", "clip.mp4", "--question", "When did you see the cat?", "--json"]


def run(words: list[str], **parts: Any) -> int:
    def make(config: AssistantConfig) -> Session:
        configs.append(config)
        return make_session(config, **parts)

    configs: list[AssistantConfig] = []
    return main(words, make_session=make)


def answers(text: str) -> list[dict[str, Any]]:
    return [one for one in map(json.loads, text.splitlines()) if one["type"] == "answer"]


def seconds_of(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getnframes() / file.getframerate()


def test_answers_are_spoken_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, speaker = tmp_path / "said.wav", FakeSpeaker()
    assert run([*ASK, "--question", "And now?", "--speak", str(path)], speaker=lambda name: speaker) == 0
    first, second = [one["speech"] for one in answers(capsys.readouterr().out)]
    assert first.pop("first_audio_ms") >= 0 and second.pop("first_audio_ms") >= 0
    assert first == {"file": str(path), "start_s": 0.0, "seconds": 0.4, "voice": "fake voice"}
    assert second == {"file": str(path), "start_s": 1.0, "seconds": 0.4, "voice": "fake voice"}
    assert seconds_of(path) == pytest.approx(1.4)
    assert " ".join(speaker.said) == "I see a cat. I see a cat."


def test_without_speak_nothing_is_spoken(capsys: pytest.CaptureFixture[str]) -> None:
    speaker = FakeSpeaker()
    assert run(ASK, speaker=lambda name: speaker) == 0
    assert "speech" not in answers(capsys.readouterr().out)[0] and speaker.said == []


def test_people_are_told_where_the_speech_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in ASK if word != "--json"]
    assert run([*words, "--speak", str(tmp_path / "said.wav")], speaker=lambda name: FakeSpeaker()) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("I see a cat.\n") and "0.4 s from 0.0 s on, by the voice fake voice" in captured.err


def test_a_file_that_cannot_be_written_is_told_before_anything_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def opened(name: str) -> FakeSpeaker:
        raise AssertionError

    assert run([*ASK, "--speak", str(tmp_path / "no" / "such.wav")], speaker=opened) == EXIT_NOT_KEPT
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == ["error"] and "cannot be written" in lines[0]["message"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), VoiceMissingError("The voice is missing.")])
def test_a_voice_that_fails_leaves_the_answer_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail(name: str) -> FakeSpeaker:
        raise error

    assert run([*ASK, "--speak", str(tmp_path / "said.wav")], speaker=fail) == 0
    answer = answers(capsys.readouterr().out)[0]
    assert answer["answer"] == "I see a cat."
    assert answer["speech"]["problem"] and answer["speech"]["seconds"] == 0.0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [["--voice", "hibari"], ["--speech-speed", "1.2"], ["--speak", "a.wav", "--speech-speed", "9"],
     ["--speak", "a.wav", "--speech-steps", "3"]],
)  # fmt: skip
def test_words_that_make_no_sense_are_refused(words: list[str]) -> None:
    assert run([*ASK, *words]) == EXIT_BAD_ARGUMENTS
    assert run(["query", "--name", "front", "--question", "Who?", *words]) == EXIT_BAD_ARGUMENTS


def test_a_whole_answer_is_spoken_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.speech.open_voice", lambda name: FakeSpeaker())
    path = tmp_path / "said.wav"
    with open_tape(SpeakTo(path=path)) as tape:
        assert tape is not None
        assert tape.speak_text("I saw a cat.")["seconds"] == 0.4
        assert tape.speak_text("...")["start_s"] == 1.0
    assert seconds_of(path) == pytest.approx(1.1)
