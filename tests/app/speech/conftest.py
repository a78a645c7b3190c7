"""Small untrained voices: everything but the sound is as in the real ones."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from app.speech.flash_speaker import FlashSpeaker
from app.speech.network import AcousticConfig, AcousticModel, Vocoder, VocoderConfig
from app.speech.phonemes import Phonemizer
from app.speech.speaker import SpeakOptions, never


class CountingSpeaker:
    """Says each word as a tenth of a second of its own number, in blocks of one word."""

    name, sample_rate = "counting", 1000

    def __init__(self) -> None:
        self.said: list[str] = []

    def synthesise(
        self, text: str, options: SpeakOptions, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        for word in text.split():
            if is_cancelled():
                return
            self.said.append(word)
            yield np.full(100, len(self.said) / 1000, np.float32)


@pytest.fixture(scope="session")
def phonemizer() -> Phonemizer:
    return Phonemizer()


@pytest.fixture
def counting() -> CountingSpeaker:
    return CountingSpeaker()


def small_acoustic(is_residual: bool = False) -> AcousticModel:
    torch.manual_seed(0)
    config = AcousticConfig(
        width=16, mel_width=24, num_encoder_blocks=1, num_prompt_blocks=1, num_mel_blocks=2, is_residual=is_residual
    )
    model = AcousticModel(config).eval()
    torch.nn.init.normal_(model.mel_net.out.weight, std=0.1)
    torch.nn.init.normal_(model.duration_refiner.out.weight, std=0.5)
    torch.nn.init.constant_(model.duration_out.bias, 2.0)  # six frames a phoneme
    torch.nn.init.constant_(model.pitch_out.bias, 0.3)
    return model


@pytest.fixture(scope="session")
def flash(phonemizer: Phonemizer) -> FlashSpeaker:
    model = small_acoustic()
    vocoder = Vocoder(VocoderConfig(width=16, num_blocks=3, num_front_blocks=1)).eval()
    return FlashSpeaker(model.requires_grad_(False), vocoder.requires_grad_(False), phonemizer, precision="float32")
