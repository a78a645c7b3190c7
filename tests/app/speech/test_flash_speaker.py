"""FlashSpeech's engine with small random weights: shapes, blocks, seeds, prompts, conversion, editing, files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from app.speech.editing import shared_words
from app.speech.errors import SpeechTextError, VoiceMissingError
from app.speech.flash_speaker import FlashSpeaker
from app.speech.mel import HOP, SAMPLE_RATE
from app.speech.network import Vocoder, VocoderConfig, decode_pitch, encode_pitch
from app.speech.phonemes import Phonemizer
from app.speech.speaker import BLOCK_S, SpeakOptions
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder, save_model
from bench.speech_voices import coarse_latent
from tests.app.speech.conftest import small_acoustic

TEXT = "There is a cat at the door."


def spoken(speaker: FlashSpeaker, text: str = TEXT, **options: float) -> np.ndarray:
    return np.concatenate(list(speaker.synthesise(text, SpeakOptions(**options))))  # type: ignore[arg-type]


def test_blocks_are_half_a_second_and_join_without_a_seam(flash: FlashSpeaker) -> None:
    utterance = flash.utterance(TEXT)
    blocks = list(flash.render(utterance))
    assert {len(block) for block in blocks[:-1]} == {round(BLOCK_S * SAMPLE_RATE)}
    assert len(np.concatenate(blocks)) == utterance.latent.shape[1] * HOP
    f0 = decode_pitch(utterance.pitch)
    mask = torch.ones_like(utterance.latent[..., :1])
    with torch.inference_mode():
        generator = torch.Generator().manual_seed(0)
        whole = flash._vocoder(utterance.latent, encode_pitch(f0), f0, mask, generator)[0].numpy()
    joined = np.concatenate(blocks)
    scale = np.abs(joined).max() / np.abs(whole).max()
    assert np.allclose(joined, whole * scale, atol=2e-4)


def test_same_seed_same_audio_and_another_seed_another_take(flash: FlashSpeaker) -> None:
    assert np.array_equal(spoken(flash, seed=3), spoken(flash, seed=3))
    assert not np.array_equal(spoken(flash, seed=3)[:4000], spoken(flash, seed=4)[:4000])


@pytest.mark.parametrize("steps", [1, 2])
def test_one_and_two_steps_give_finite_audio(flash: FlashSpeaker, steps: int) -> None:
    audio = spoken(flash, steps=steps)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1.0
    assert audio.std() > 0


def test_speed_changes_the_length(flash: FlashSpeaker) -> None:
    assert len(spoken(flash, speed=2.0)) < 0.7 * len(spoken(flash)) < 0.5 * len(spoken(flash, speed=0.5))


def test_without_alpha_prosody_does_not_depend_on_the_seed(flash: FlashSpeaker) -> None:
    lengths = {len(spoken(flash, seed=seed, alpha=0.0)) for seed in (1, 2, 3)}
    assert len(lengths) == 1
    assert len({len(spoken(flash, seed=seed, alpha=1.0)) for seed in (1, 2, 3)}) > 1


def test_cancel_stops_after_the_block(flash: FlashSpeaker) -> None:
    blocks: list[np.ndarray] = []
    for block in flash.synthesise(TEXT * 4, SpeakOptions(), lambda: len(blocks) >= 1):
        blocks.append(block)
    assert len(blocks) == 1
    assert len(spoken(flash)) > len(blocks[0])


def test_a_prompt_changes_the_voice(flash: FlashSpeaker) -> None:
    generator = np.random.default_rng(0)
    voices = [flash.voice_of(generator.normal(0, 0.05, 72_000).astype(np.float32) * k) for k in (0.1, 1.0)]
    assert voices[0].shape == flash.voice.shape
    assert not torch.allclose(voices[0], voices[1])


def test_conversion_keeps_words_and_durations(flash: FlashSpeaker) -> None:
    utterance = flash.utterance(TEXT)
    other = flash.voice_of(np.random.default_rng(1).normal(0, 0.05, 72_000).astype(np.float32))
    converted = flash.convert(utterance, other)
    assert torch.equal(converted.durations, utterance.durations)
    assert converted.latent.shape == utterance.latent.shape
    assert not torch.allclose(converted.latent, utterance.latent)


def test_editing_keeps_what_lies_before_and_after_the_words(flash: FlashSpeaker) -> None:
    options = SpeakOptions(seed=5)
    before = flash.utterance("There is a cat at the door", options)
    after = flash.replace_words("There is a cat at the door", 3, 3, "big dog", options)
    same = (before.latent[0, :20] == after.latent[0, :20]).all()
    assert same
    assert torch.equal(before.latent[0, -20:], after.latent[0, -20:])
    assert after.latent.shape[1] == int(after.durations.sum())
    assert np.isfinite(np.concatenate(list(flash.render(after)))).all()


def test_only_whole_words_are_shared() -> None:
    space, tensor = 9, torch.tensor
    assert shared_words(tensor([0, 1, 2, 9, 3, 4, 0]), tensor([0, 1, 2, 9, 3, 5, 5, 0]), space) == 4
    assert shared_words(tensor([0, 1, 0]), tensor([0, 1, 1, 0]), space) == 0
    assert shared_words(tensor([0, 1, 9, 2]), tensor([0, 1, 9, 2]), space) == 4


def test_editing_into_the_same_word_changes_no_duration(flash: FlashSpeaker) -> None:
    options = SpeakOptions(seed=5)
    before = flash.utterance("There is a cat at the door", options)
    assert torch.equal(
        flash.replace_words("There is a cat at the door", 3, 3, "cat", options).durations, before.durations
    )


def test_editing_refuses_words_that_are_not_there(flash: FlashSpeaker) -> None:
    with pytest.raises(ValueError, match="do not lie within"):
        flash.replace_words("Two words", 1, 2, "three")


@pytest.mark.parametrize("text", ["...", "", "?!"])
def test_text_without_words_is_refused_and_the_engine_stays_usable(flash: FlashSpeaker, text: str) -> None:
    with pytest.raises(SpeechTextError):
        spoken(flash, text)
    assert len(spoken(flash)) > 0


def test_a_very_long_text_is_spoken_in_pieces(flash: FlashSpeaker) -> None:
    assert len(spoken(flash, "word " * 120)) > 4 * len(spoken(flash))


def test_weights_survive_the_file(flash: FlashSpeaker, tmp_path: Path) -> None:
    acoustic, vocoder = tmp_path / "a.safetensors", tmp_path / "v.safetensors"
    save_model(flash._acoustic, acoustic)
    save_model(flash._vocoder, vocoder)
    again = FlashSpeaker(load_acoustic(acoustic), load_vocoder(vocoder), flash._phonemizer)
    assert again._acoustic.config == flash._acoustic.config
    assert len(spoken(again, alpha=0.0)) == pytest.approx(len(spoken(flash, alpha=0.0)), rel=0.02)


def test_absent_or_damaged_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(VoiceMissingError, match="no trained voice"):
        load_acoustic(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    with pytest.raises(VoiceMissingError, match="no trained voice"):
        load_vocoder(tmp_path / "bad.safetensors")


def test_a_voice_of_details_adds_them_to_the_coarse_mel(phonemizer: Phonemizer, tmp_path: Path) -> None:
    model, vocoder = small_acoustic(is_residual=True), Vocoder(VocoderConfig(width=16, num_blocks=3))
    model.residual_std.copy_(torch.linspace(0.05, 0.15, 100))
    save_model(model, tmp_path / ACOUSTIC_FILE)
    save_model(vocoder, tmp_path / VOCODER_FILE)
    speaker = FlashSpeaker.open(tmp_path)
    restored = speaker._acoustic
    assert restored.config.is_residual
    assert torch.allclose(restored.residual_std, model.residual_std, atol=1e-4)
    detailed = speaker.utterance(TEXT)
    assert np.isfinite(spoken(speaker)).all()
    assert torch.isfinite(speaker.convert(detailed, speaker.voice).latent).all()
    torch.nn.init.zeros_(restored.mel_net.out.weight)
    plain = FlashSpeaker(restored, vocoder.eval().requires_grad_(False), phonemizer, precision="float32")
    _, coarse = coarse_latent(plain, TEXT, SpeakOptions())
    silent = plain.utterance(TEXT, SpeakOptions(steps=1))
    assert torch.allclose(silent.latent, coarse, atol=0.02)  # nothing but what is left of the noise
    assert (detailed.latent - coarse).abs().mean() > 0.01
