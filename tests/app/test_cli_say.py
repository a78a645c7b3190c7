"""`say`: from the command line to a WAV file, and what bad input gets."""

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest

import app.speech
from app.cli.say import main
from app.speech import SpeakOptions
from tests.app.speech.conftest import CountingSpeaker


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> CountingSpeaker:
    speaker = CountingSpeaker()
    monkeypatch.setattr(app.speech, "open_voice", lambda name: speaker)
    return speaker


def test_text_becomes_a_file(counting: CountingSpeaker, tmp_path: Path) -> None:
    out, stdout = tmp_path / "a.wav", io.StringIO()
    assert main(["Two cats sat.", "--out", str(out)], stdout) == 0
    with wave.open(str(out)) as file:
        assert (file.getframerate(), file.getnframes()) == (1000, 300)
    assert stdout.getvalue().startswith(f"{out}: 0.3 s by the voice counting")


def test_result_as_json(counting: CountingSpeaker, tmp_path: Path) -> None:
    stdout = io.StringIO()
    assert main(["Two cats sat, one on the mat.", "--out", str(tmp_path / "a.wav"), "--json"], stdout) == 0
    result = json.loads(stdout.getvalue())
    assert (result["type"], result["voice"], result["audio_s"]) == ("speech", "counting", 0.7)
    assert [clause["text"] for clause in result["clauses"]] == ["Two cats sat,", "one on the mat."]
    assert result["clauses"][1] == {"text": "one on the mat.", "start_s": 0.3, "end_s": 0.7}


def test_speed_seed_steps_and_alpha_reach_the_voice(
    counting: CountingSpeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SpeakOptions] = []
    plain = counting.synthesise
    monkeypatch.setattr(
        counting, "synthesise", lambda text, options, *rest: asked.append(options) or plain(text, options)
    )
    words = [
        "Hi there.",
        "--out",
        str(tmp_path / "a.wav"),
        "--speed",
        "1.5",
        "--seed",
        "3",
        "--steps",
        "1",
        "--alpha",
        "0.7",
    ]
    assert main(words, io.StringIO()) == 0
    assert asked == [SpeakOptions(speed=1.5, seed=3, steps=1, alpha=0.7)]


def test_text_from_the_standard_input(
    counting: CountingSpeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Read this."))
    assert main(["-", "--out", str(tmp_path / "a.wav")], io.StringIO()) == 0
    assert counting.said == ["Read", "this."]


@pytest.mark.parametrize(
    "words",
    [
        ["", "--out", "a.wav"],
        ["hello"],
        ["hello", "--out", "a.wav", "--steps", "3"],
        ["hi", "--out", "a.wav", "--speed", "9"],
        ["hi", "--out", "a.wav", "--alpha", "2"],
    ],
)
def test_impossible_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words, io.StringIO()) == 2
    assert "launch.py say" in capsys.readouterr().err


@pytest.mark.parametrize("voice", ["hibari", "flashspeech", "default"])
def test_each_voice_is_heard(tmp_path: Path, voice: str) -> None:
    out = tmp_path / "a.wav"
    assert main(["Hello there.", "--out", str(out), "--voice", voice], io.StringIO()) == 0
    with wave.open(str(out)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) > 10_000
    assert np.abs(samples).max() > 1000


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        (["..."], 2, "nothing to say"),
        (["Привет, мир"], 2, "English, in Latin letters"),
        (["hello", "--voice", "no_such_file.wav"], 2, "no recording at no_such_file.wav"),
        (["word " * 5000], 2, "longer than"),
    ],
)
def test_what_cannot_be_said_is_told_in_a_sentence(
    words: list[str], exit_code: int, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.wav"
    stdout = io.StringIO()
    assert main([*words, "--out", str(out), "--json"], stdout) == exit_code
    assert sentence in capsys.readouterr().err
    assert json.loads(stdout.getvalue())["exit_code"] == exit_code
    assert not out.exists()


def test_a_path_that_cannot_be_written_is_told(
    counting: CountingSpeaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hello", "--out", str(tmp_path / "none" / "a.wav")], io.StringIO()) == 6
    assert "cannot be written" in capsys.readouterr().err


def test_ctrl_c_leaves_no_file(counting: CountingSpeaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "synthesise", interrupted)
    out = tmp_path / "a.wav"
    assert main(["hello", "--out", str(out)], io.StringIO()) == 130
    assert not out.exists()
