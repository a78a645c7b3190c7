"""The voice that is shipped: the files in assets/models, as they speak, are cancelled, converted and edited."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.say import parse
from app.cli.speech_options import VoiceChoice
from app.speaking import SpeechConfig
from app.speech import WEIGHTS, SpeakOptions, open_voice
from app.speech.audio import loudness_lufs
from app.speech.flash_speaker import FlashSpeaker
from app.speech.hibari_speaker import HibariSpeaker
from app.speech.mel import SAMPLE_RATE
from app.speech.phonemes import Phonemizer
from app.speech.speaker import BLOCK_S
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE

TEXT = "The basket was last seen beside the fountain."
MOST_BYTES = 19_000_000  # both files together


@pytest.fixture(scope="module")
def ours() -> FlashSpeaker:
    speaker = open_voice("default")
    assert speaker.name == "flashspeech" and isinstance(speaker, FlashSpeaker)
    return speaker


def test_the_files_are_those_of_their_cards_and_small() -> None:
    files = [WEIGHTS / name for name in (ACOUSTIC_FILE, VOCODER_FILE)]
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() in file.with_suffix(".md").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES


@pytest.mark.parametrize("steps", [1, 2])
def test_a_sentence_has_its_usual_length_and_loudness(ours: FlashSpeaker, phonemizer: Phonemizer, steps: int) -> None:
    blocks = list(ours.synthesise(TEXT, SpeakOptions(steps=steps)))
    assert all(len(block) <= BLOCK_S * SAMPLE_RATE for block in blocks)
    audio = np.concatenate(blocks)
    theirs = np.concatenate(list(HibariSpeaker(phonemizer).synthesise(TEXT, SpeakOptions())))
    assert np.isfinite(audio).all()
    assert loudness_lufs(audio) == pytest.approx(-23, abs=3)
    assert len(audio) == pytest.approx(len(theirs), rel=0.1)


def test_one_step_is_the_default_everywhere(tmp_path: Path) -> None:
    said = parse(["hello", "--out", str(tmp_path / "a.wav")])
    assert {said.steps, SpeakOptions().steps, SpeechConfig().steps, VoiceChoice().steps} == {1}


def test_the_consistency_model_adds_to_the_coarse_mel(ours: FlashSpeaker) -> None:
    assert ours._acoustic.config.is_residual
    one, two = [ours.utterance(TEXT, SpeakOptions(steps=steps)) for steps in (1, 2)]
    assert torch.equal(one.durations, two.durations) and torch.equal(one.pitch, two.pitch)
    assert 0.01 < (one.latent - two.latent).abs().mean() < 0.2


def test_cancel_before_the_first_block_and_between_two(ours: FlashSpeaker) -> None:
    assert list(ours.synthesise(TEXT, SpeakOptions(), lambda: True)) == []
    heard: list[np.ndarray] = []
    for block in ours.synthesise(TEXT, SpeakOptions(), lambda: len(heard) == 2):
        heard.append(block)
    assert len(heard) == 2


def test_it_takes_up_a_prompt_converts_and_edits(ours: FlashSpeaker, phonemizer: Phonemizer) -> None:
    prompt = np.concatenate(list(HibariSpeaker(phonemizer).synthesise(TEXT, SpeakOptions())))
    other = FlashSpeaker(ours._acoustic, ours._vocoder, phonemizer, prompt)
    own = ours.utterance(TEXT)
    converted = ours.convert(own, other.voice)
    edited = ours.replace_words(TEXT, 1, 1, "big umbrella")
    assert torch.equal(converted.durations, own.durations)
    end = int(own.durations[0, -20:].sum()) - 3  # the last words keep their sound, up to the joint
    assert torch.equal(edited.latent[:, -end:], own.latent[:, -end:])
    for audio in (np.concatenate(list(ours.render(one))) for one in (converted, edited)):
        assert np.isfinite(audio).all() and loudness_lufs(audio) == pytest.approx(-23, abs=4)
    assert np.isfinite(np.concatenate(list(other.synthesise(TEXT, SpeakOptions())))).all()
