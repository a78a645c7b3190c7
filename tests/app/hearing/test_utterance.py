import numpy as np
import pytest

from app.hearing import MAX_UTTERANCE_S, RATE_HZ, SilentError, UtteranceError, read_utterance


def pcm(audio: np.ndarray) -> bytes:
    return (np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes()


def tone(seconds: float, rate_hz: int = RATE_HZ, level: float = 0.2, hertz: float = 440.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_every_rate_becomes_the_recognisers(rate_hz: int) -> None:
    audio = read_utterance(pcm(tone(1.0, rate_hz)), rate_hz)
    assert audio.dtype == np.float32 and abs(len(audio) - RATE_HZ) < 200
    loudest_hz = np.argmax(np.abs(np.fft.rfft(audio))) * RATE_HZ / len(audio)
    assert loudest_hz == pytest.approx(440, abs=2)


@pytest.mark.parametrize("level", [0.003, 0.05, 0.9, 4.0])
def test_quiet_and_clipped_speech_is_brought_to_one_level(level: float) -> None:
    audio = read_utterance(pcm(tone(1.0, level=level)), RATE_HZ)
    assert np.sqrt((audio**2).mean()) == pytest.approx(0.08, rel=0.25)


def test_silence_is_told_as_a_muted_microphone() -> None:
    with pytest.raises(SilentError, match="muted"):
        read_utterance(bytes(RATE_HZ * 4), RATE_HZ)


@pytest.mark.parametrize("data", [b"", b"\x01", bytes(100)])
def test_what_is_too_short_is_told(data: bytes) -> None:
    with pytest.raises(UtteranceError, match="too short"):
        read_utterance(data, RATE_HZ)


@pytest.mark.parametrize("rate_hz", [0, -1, 7_999, 10**9])
def test_impossible_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(UtteranceError, match="Hz"):
        read_utterance(pcm(tone(1.0)), rate_hz)


def test_no_more_than_a_minute_is_read() -> None:
    assert len(read_utterance(pcm(tone(61.0)), RATE_HZ)) == MAX_UTTERANCE_S * RATE_HZ


def test_a_torn_last_sample_is_left_out() -> None:
    assert len(read_utterance(pcm(tone(1.0)) + b"\x07", RATE_HZ)) == RATE_HZ
