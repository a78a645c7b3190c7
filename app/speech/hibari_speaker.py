"""The voice `hibari`: the small ready-made voice of hibari-tts (Apache-2.0), baseline of every table and fallback.

In: text. Out: audio at 24 kHz. Its own thread's property; onnxruntime with one thread.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from app.speech.errors import SpeechTextError, VoiceMissingError
from app.speech.mel import SAMPLE_RATE
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer
from app.speech.speaker import SpeakOptions, in_blocks, never

__all__ = ["HibariSpeaker"]

_GAIN = 1.42  # brings the voice to -23 LUFS (bench/speech_quality.py)
MAX_IDS = 400  # as many phonemes as the model sees at once


class HibariSpeaker:
    """A Speaker (see app.speech.speaker)."""

    name = "hibari"
    sample_rate = SAMPLE_RATE

    def __init__(self, phonemizer: Phonemizer | None = None) -> None:
        try:
            from hibari import Hibari  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            raise VoiceMissingError("The package hibari-tts is missing; `python3 launch.py` installs it.") from error
        self._phonemizer = phonemizer or Phonemizer()
        self._voice: Any = Hibari(threads=1, g2p=self._phonemizer.phonemes)

    def synthesise(
        self, text: str, options: SpeakOptions, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        """See Speaker.synthesise. `steps` and `alpha` mean nothing to this voice."""
        ids = self._phonemizer.ids(self._phonemizer.phonemes(normalise(text)))
        if len(ids) <= 2:
            raise SpeechTextError("There is nothing to say: the text holds no words and no numbers.")
        noise = np.random.default_rng(options.seed)
        for start in range(0, len(ids), MAX_IDS):
            if is_cancelled():
                return
            audio = self._voice.from_ids(ids[start : start + MAX_IDS], options.speed, noise)
            for block in in_blocks(np.clip(audio * _GAIN, -1.0, 1.0), SAMPLE_RATE):
                if is_cancelled():
                    return
                yield block
