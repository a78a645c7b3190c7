"""Recordings as voice prompts: what is taken, and what is refused with a reason."""

import wave
from pathlib import Path

import numpy as np
import pytest

from app.speech.audio import loudness_lufs, pcm16, read_recording
from app.speech.errors import PromptError
from app.speech.mel import NUM_MELS, SAMPLE_RATE
from app.speech.prompts import MAX_PROMPT_S, prompt_mel, read_prompt


def recording(path: Path, audio: np.ndarray, rate: int = SAMPLE_RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm16(audio))
    return path


def voice(seconds: float, rate: int = SAMPLE_RATE, level: float = 0.1) -> np.ndarray:
    times = np.arange(int(seconds * rate)) / rate
    return (level * np.sign(np.sin(2 * np.pi * 150 * times)) * (1 + np.sin(2 * np.pi * 3 * times))).astype(np.float32)


def test_a_good_recording_gives_its_mel(tmp_path: Path) -> None:
    mel = prompt_mel(read_prompt(recording(tmp_path / "a.wav", voice(3.0))))
    assert mel.shape == (1, 240, NUM_MELS)


def test_a_long_recording_is_cut_and_not_read_to_its_end(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav", np.tile(voice(10.0), 12))
    assert len(read_prompt(path)) == MAX_PROMPT_S * SAMPLE_RATE


def test_silence_at_the_start_is_left_out(tmp_path: Path) -> None:
    quiet = np.zeros(5 * SAMPLE_RATE, np.float32)
    assert len(read_prompt(recording(tmp_path / "a.wav", np.concatenate([quiet, voice(3.0)])))) <= 3.1 * SAMPLE_RATE


def test_loud_and_soft_recordings_come_to_one_level(tmp_path: Path) -> None:
    levels = [read_prompt(recording(tmp_path / "a.wav", voice(3.0, level=x))).std() for x in (0.02, 0.4)]
    assert levels[0] == pytest.approx(levels[1], rel=0.05)


@pytest.mark.parametrize(
    ("audio", "rate", "reason"),
    [
        (np.zeros(72_000, np.float32), SAMPLE_RATE, "silent"),
        (voice(0.2), SAMPLE_RATE, "0.2 s of sound"),
        (voice(3.0, 8_000), 8_000, "8000 Hz"),
        (np.sign(voice(3.0)), SAMPLE_RATE, "clipped"),
    ],
    ids=["silent", "short", "8 kHz", "clipped"],
)
def test_bad_recordings_are_refused(tmp_path: Path, audio: np.ndarray, rate: int, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        read_prompt(recording(tmp_path / "a.wav", audio, rate))


@pytest.mark.parametrize("content", [b"", b"this is a letter, not a sound" * 50])
def test_what_is_no_audio_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(PromptError, match=r"audio|sound"):
        read_prompt(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="could not be read"):
        read_prompt(tmp_path / "none.wav")


def test_recordings_are_resampled(tmp_path: Path) -> None:
    audio, rate = read_recording(recording(tmp_path / "a.wav", voice(2.0, 48_000), 48_000), 10.0)
    assert rate == 48_000
    assert len(audio) == pytest.approx(2 * SAMPLE_RATE, abs=200)


def test_loudness_of_the_standard_tone() -> None:
    """BS.1770: a sine of 997 Hz at full scale in one channel has -3.01 LUFS."""
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * 48_000) / 48_000)
    assert loudness_lufs(tone, 48_000) == pytest.approx(-3.01, abs=0.05)
    assert loudness_lufs(tone / 10, 48_000) == pytest.approx(-23.01, abs=0.05)
    assert loudness_lufs(np.zeros(48_000), 48_000) == -np.inf
