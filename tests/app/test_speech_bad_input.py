"""What bad texts and bad voice prompts get, through `say` and through the speak thread, with the real voices."""

import json
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.cli.say import main as say
from app.loading import load_speaker
from app.speaking import SpeakWorker, SpeechConfig
from app.speech import PlayerQueue, Speaker, WavSink
from app.spoken import SpokenAnswer, WholeText
from app.worker import StopSignal

WAIT_S = 100.0
REFUSED = ("", "   ", "...", "?!", "\U0001f642\U0001f431", "\x00\x07", "Привет, мир.", "你好，世界", "שלום")
SPOKEN = {
    "like SSML": "<speak>One cat <break time='2s'/> and a dog.</speak>",
    "markdown": "**Two** cats: [here](http://a.b/c) at `0:12`.",
    "one foreign word": "The sign says привет today.",
    "numbers alone": "12:30:05 3.5 192.168.1.1",
    "bidirectional marks": "I saw \u202ea cat\u202c now.",
}


@pytest.fixture(scope="module")
def voice() -> Speaker:
    return load_speaker("hibari")


@pytest.fixture
def worker(voice: Speaker) -> Iterator[SpeakWorker]:
    stop = StopSignal()
    worker = SpeakWorker(SpeechConfig(), lambda name: voice, stop=stop)
    worker.launch(lambda worker: None)
    yield worker
    stop.set()
    assert worker.join(WAIT_S) and worker.failure is None


def spoken(worker: SpeakWorker, text: str, sink: PlayerQueue | WavSink | None = None) -> SpokenAnswer:
    answer = SpokenAnswer(WholeText(text), sink or PlayerQueue(max_s=3000.0))
    worker.put(answer)
    return answer


def is_usable(worker: SpeakWorker) -> bool:
    result = spoken(worker, "All is well.").result(WAIT_S)
    return result.is_whole and result.seconds > 0.3 and result.problem is None and worker.status.problem is None


@pytest.mark.parametrize("text", REFUSED)
def test_text_that_cannot_be_spoken_is_told_and_the_voice_goes_on(worker: SpeakWorker, text: str) -> None:
    result = spoken(worker, text).result(WAIT_S)
    assert result.problem and result.problem.endswith(".") and result.seconds == 0.0
    assert is_usable(worker)


@pytest.mark.parametrize("text", SPOKEN.values(), ids=SPOKEN)
def test_odd_text_is_spoken_as_well_as_it_can_be(worker: SpeakWorker, text: str) -> None:
    result = spoken(worker, text).result(WAIT_S)
    assert result.is_whole and result.seconds > 0.5 and result.problem is None
    assert is_usable(worker)


def test_ten_thousand_characters_without_a_space_are_begun_and_can_be_cancelled(worker: SpeakWorker) -> None:
    queue = PlayerQueue()
    answer = spoken(worker, "x" * 10_000, queue)
    while not len(queue.take(1200)):
        threading.Event().wait(0.005)
    answer.cancel()
    assert not answer.result(WAIT_S).is_whole
    assert is_usable(worker)


def test_a_sink_that_stalls_is_given_up(worker: SpeakWorker) -> None:
    result = spoken(worker, "One cat. " * 20, PlayerQueue(max_s=1.0, stall_s=0.2)).result(WAIT_S)
    assert "took no audio" in (result.problem or "") and not result.is_whole
    assert is_usable(worker)


def test_cancel_before_the_first_block_says_nothing(worker: SpeakWorker) -> None:
    queue = PlayerQueue()
    answer = SpokenAnswer(WholeText("One cat sat on the mat. " * 10), queue)
    answer.cancel()
    worker.put(answer)
    assert answer.result(WAIT_S).seconds == 0.0 and not len(queue.take(24_000))
    assert is_usable(worker)


def test_cancel_in_the_middle_leaves_the_player_silent(worker: SpeakWorker) -> None:
    queue = PlayerQueue()
    answer = spoken(worker, "One cat sat on the mat. " * 10, queue)
    taken = 0
    while taken < 2400:
        taken += len(queue.take(2400 - taken))
        threading.Event().wait(0.005)
    assert answer.cancel() == pytest.approx(0.1)
    assert not len(queue.take(24_000))
    answer.result(WAIT_S)
    assert not len(queue.take(24_000))
    assert answer.text_until(0.1) in "One cat sat on the mat."
    assert is_usable(worker)


# Voice prompts


def tone(seconds: float, rate_hz: int = 24_000, level: float = 0.2) -> np.ndarray:
    return level * np.sin(np.arange(round(seconds * rate_hz)) / 20) * np.sin(np.arange(round(seconds * rate_hz)) / 3000)


def write(path: Path, audio: np.ndarray, rate_hz: int = 24_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())


PROMPTS = {
    "silent": (np.zeros(96_000), 24_000, "silent"),
    "0.2 s": (tone(0.2), 24_000, "0.2 s"),
    "8 kHz": (tone(4.0, 8_000), 8_000, "8000 Hz"),
    "clipped": (tone(4.0, level=9.0), 24_000, "clipped"),
}


@pytest.mark.parametrize(("audio", "rate_hz", "words"), PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_of_no_use_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], audio: np.ndarray, rate_hz: int, words: str
) -> None:
    write(tmp_path / "prompt.wav", audio, rate_hz)
    out = tmp_path / "out.wav"
    assert say(["Hello there.", "--out", str(out), "--voice", str(tmp_path / "prompt.wav"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)
    assert error["type"] == "error" and words in error["message"]
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"this is no sound", bytes(5000)], ids=["empty", "text", "zeros"])
def test_a_prompt_that_is_no_sound_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "prompt.wav").write_bytes(content)
    out = tmp_path / "out.wav"
    assert say(["Hello.", "--out", str(out), "--voice", str(tmp_path / "prompt.wav")]) == 2
    assert not out.exists()


def test_a_folder_is_no_prompt(tmp_path: Path) -> None:
    assert say(["Hello.", "--out", str(tmp_path / "out.wav"), "--voice", str(tmp_path)]) == 2


def test_of_ten_minutes_the_first_seconds_are_used(tmp_path: Path) -> None:
    write(tmp_path / "long.wav", np.tile(tone(10.0), 60))
    assert say(["Hello.", "--out", str(tmp_path / "out.wav"), "--voice", str(tmp_path / "long.wav")]) == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() > 2400


@pytest.mark.parametrize("text", REFUSED[2:])
def test_say_refuses_the_same_texts_and_leaves_no_file(tmp_path: Path, text: str) -> None:
    assert say([text, "--out", str(tmp_path / "out.wav")]) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", [*SPOKEN.values(), "x" * 1_000], ids=[*SPOKEN, "without a space"])
def test_say_speaks_the_same_texts(tmp_path: Path, text: str) -> None:
    assert say([text, "--out", str(tmp_path / "out.wav")]) == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() > 12_000
