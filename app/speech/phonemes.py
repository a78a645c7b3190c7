"""From written words to phoneme ids, by the grapheme-to-phoneme of hibari-tts (Apache-2.0; NumPy and onnxruntime).

In: normalised English text. Out: strings in misaki's alphabet, and their ids in Kokoro's vocabulary of 178. One thread.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from app.speech.errors import VoiceMissingError

__all__ = ["Phonemizer", "teacher_file"]

_PAD = 0


class Phonemizer:
    """Opens lexicons and the network for unknown words (about a second) when it is made."""

    def __init__(self) -> None:
        self._g2p: Any = _g2p()
        self._vocabulary: dict[str, int] = json.loads(_asset("vocab.json").read_text(encoding="utf-8"))

    def phonemes(self, text: str) -> str:
        """One sentence or clause -> phonemes, stress and punctuation marks; empty when nothing in it sounds."""
        found: str = self._g2p(text)
        return found if any(letter.isalpha() for letter in found) else ""

    def ids(self, phonemes: str) -> list[int]:
        """With the pad 0 at both ends."""
        known = (self._vocabulary[symbol] for symbol in phonemes if symbol in self._vocabulary)
        return [_PAD, *known, _PAD]


def teacher_file() -> Path:
    """The ONNX file of the voice that the package brings along. Raises VoiceMissingError without the package."""
    return _asset("hibari.onnx")


def _asset(name: str) -> Path:
    try:
        return Path(str(resources.files("hibari") / "assets" / name))
    except ModuleNotFoundError as error:
        raise VoiceMissingError("The package hibari-tts is not installed; `python3 launch.py` installs it.") from error


def _g2p() -> Any:
    try:
        from hibari.g2p import G2P  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise VoiceMissingError("The package hibari-tts is not installed; `python3 launch.py` installs it.") from error
    return G2P()
