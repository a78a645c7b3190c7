"""Voice prompts: a recording of 2 to 6 s of speech, checked, as the mel spectrogram that the prompt encoder reads.

In: a file of any length and format. Out: log-mel [1, F, 100]. Any thread.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.speech.audio import read_recording
from app.speech.errors import PromptError
from app.speech.mel import SAMPLE_RATE, log_mel

__all__ = ["MAX_PROMPT_S", "MIN_PROMPT_S", "prompt_mel", "read_prompt"]

MIN_PROMPT_S, MAX_PROMPT_S = 2.0, 6.0
_READ_S = 20.0  # of a long file; the prompt is the first speech in it
_MIN_RATE_HZ = 16_000
_SILENCE = 10 ** (-50 / 20)
_FULL_SCALE, _MAX_CLIPPED = 0.995, 0.01  # the share of samples that may touch full scale
_LEVEL = 0.045  # root mean square to which prompts are brought, as in training


def read_prompt(path: Path) -> np.ndarray:
    """The first 2 to 6 s of sound in the file, at 24 kHz. Raises PromptError with what is wrong with it."""
    audio, rate = read_recording(path, _READ_S)
    if rate < _MIN_RATE_HZ:
        raise PromptError(f"{path.name} is sampled at {rate} Hz; a voice prompt needs at least {_MIN_RATE_HZ} Hz.")
    return check_prompt(audio)


def check_prompt(audio: np.ndarray) -> np.ndarray:
    """Cuts silence at the start and what lies beyond 6 s; brings the rest to one level."""
    if not np.isfinite(audio).all():
        raise PromptError("The voice prompt holds values that are no numbers; record it again.")
    if (np.abs(audio) >= _FULL_SCALE).mean() > _MAX_CLIPPED:
        raise PromptError("The voice prompt is clipped (too loud for its recording); record it again, more quietly.")
    size = SAMPLE_RATE // 50
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    loud = np.sqrt((frames**2).mean(axis=1)) > _SILENCE
    if not loud.any():
        raise PromptError("The voice prompt is silent; give a recording of 2 to 6 s of speech.")
    start, end = int(loud.argmax()) * size, (len(loud) - int(loud[::-1].argmax())) * size
    speech = audio[start:end][: int(MAX_PROMPT_S * SAMPLE_RATE)]
    if len(speech) < MIN_PROMPT_S * SAMPLE_RATE:
        raise PromptError(
            f"The voice prompt holds {len(speech) / SAMPLE_RATE:.1f} s of sound; give 2 to 6 s of speech."
        )
    return speech * (_LEVEL / np.sqrt((speech**2).mean()))


def prompt_mel(audio: np.ndarray) -> Tensor:
    """Audio at 24 kHz -> log-mel [1, F, 100]."""
    return log_mel(torch.from_numpy(np.ascontiguousarray(audio, np.float32))[None])
