"""What the soak of a voice notices."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from app.speech import SpeakOptions
from app.speech.mel import SAMPLE_RATE
from bench.speech_samples import mel_picture
from bench.speech_soak import longest_silence_s, soak


class Tone:
    """Says every text as `length_s` of a tone, or of what `broken` makes of it."""

    name, sample_rate = "tone", SAMPLE_RATE

    def __init__(self, length_s: float, broken: Callable[[np.ndarray], np.ndarray] = np.copy) -> None:
        times = np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE
        self._audio = broken((0.1 * np.sin(2 * np.pi * 440 * times)).astype(np.float32))

    def synthesise(
        self, text: str, options: SpeakOptions, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[np.ndarray]:
        yield self._audio


def with_nan(audio: np.ndarray) -> np.ndarray:
    audio[100] = np.nan
    return audio


def test_silence_inside_is_measured() -> None:
    audio = np.full(SAMPLE_RATE, 0.1, np.float32)
    audio[6000:12000] = 0
    assert longest_silence_s(audio) == pytest.approx(0.24, abs=0.021)
    assert longest_silence_s(np.full(SAMPLE_RATE, 0.1, np.float32)) == 0


def test_shorter_than_the_baseline_is_seen_as_a_ratio() -> None:
    found = soak(Tone(0.5), Tone(1.0), ["a", "b"], 3, steps=2)
    assert found["utterances"] == 3 and found["not_finite"] == 0
    assert found["length_ratio_min"] == found["length_ratio_max"] == 0.5


def test_broken_audio_is_counted() -> None:
    assert soak(Tone(1.0, with_nan), Tone(1.0), ["a"], 2, steps=2)["not_finite"] == 2


def test_pictures_stand_one_below_the_other() -> None:
    picture = mel_picture([np.zeros(24_000, np.float32), np.full(12_000, 0.1, np.float32)])
    assert picture.dtype == np.uint8 and picture.shape == (2 * 200 + 8, 80 * 2)
