"""Opening voices by name, and the ready-made one."""

from pathlib import Path

import numpy as np
import pytest

from app.speech.audio import loudness_lufs
from app.speech.errors import PromptError, SpeechTextError, VoiceMissingError
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.phonemes import Phonemizer
from app.speech.speaker import BLOCK_S, SpeakOptions
from app.speech.voices import open_voice


@pytest.fixture(scope="module")
def hibari(phonemizer: Phonemizer) -> HibariSpeaker:
    return HibariSpeaker(phonemizer)


def test_ready_made_voice_speaks_in_blocks_at_the_usual_loudness(hibari: HibariSpeaker) -> None:
    blocks = list(hibari.synthesise("There were three people in the room for about ten minutes.", SpeakOptions()))
    assert all(len(block) == BLOCK_S * hibari.sample_rate for block in blocks[:-1])
    assert loudness_lufs(np.concatenate(blocks)) == pytest.approx(-23, abs=3)


def test_same_seed_same_audio(hibari: HibariSpeaker) -> None:
    takes = [np.concatenate(list(hibari.synthesise("Hello there.", SpeakOptions(seed=s)))) for s in (1, 1, 2)]
    assert np.array_equal(takes[0], takes[1])
    assert not np.array_equal(takes[0], takes[2])


def test_cancel_stops_the_ready_made_voice(hibari: HibariSpeaker) -> None:
    assert list(hibari.synthesise("Hello there.", SpeakOptions(), lambda: True)) == []


@pytest.mark.parametrize("text", ["", "...", "Привет"])
def test_ready_made_voice_refuses_what_it_cannot_say(hibari: HibariSpeaker, text: str) -> None:
    with pytest.raises(SpeechTextError):
        list(hibari.synthesise(text, SpeakOptions()))


def test_a_voice_without_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(VoiceMissingError, match="--voice hibari"):
        open_voice("flashspeech", tmp_path)


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="no recording at"):
        open_voice(str(tmp_path / "me.wav"), tmp_path)


@pytest.mark.parametrize(("field", "value"), [("speed", 0.1), ("speed", 9.0), ("steps", 3), ("alpha", -1.0)])
def test_impossible_options_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        SpeakOptions(**{field: value})  # type: ignore[arg-type]
