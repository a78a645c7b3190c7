"""From the samples of a microphone to what a recogniser reads.

In: 16-bit little-endian mono PCM at the rate of the microphone. Out: float32 [S] at 16 kHz. Any thread.
"""

import numpy as np

from app.hearing.errors import SilentError, UtteranceError
from app.hearing.recogniser import MAX_UTTERANCE_S, RATE_HZ

__all__ = ["read_utterance"]

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
_MIN_S = 0.2
_SILENCE = 10 ** (-60 / 20)  # of the loudest tenth of a second
_LEVEL = 0.08  # root mean square to which the loudest second is brought
_MAX_GAIN = 30.0


def read_utterance(pcm: bytes, rate_hz: int) -> np.ndarray:
    """At most MAX_UTTERANCE_S of it, resampled, at one level. Raises UtteranceError or SilentError."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise UtteranceError(
            f"The microphone's rate of {rate_hz} Hz cannot be used; it must lie in {MIN_RATE_HZ}..{MAX_RATE_HZ}."
        )
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")[: round(MAX_UTTERANCE_S * rate_hz)]
    if len(samples) < _MIN_S * rate_hz:
        raise UtteranceError("That was too short to be a question. Hold the button while you speak.")
    audio = _resampled(samples, rate_hz)
    size = RATE_HZ // 10
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    loudest = np.sort(np.sqrt((frames**2).mean(axis=1)))[::-1]
    if loudest[0] < _SILENCE:
        raise SilentError("The microphone gave only silence. Is it muted, or is another one chosen in the browser?")
    level = float(np.sqrt((loudest[:10] ** 2).mean()))
    return np.clip(audio * min(_LEVEL / level, _MAX_GAIN), -1.0, 1.0).astype(np.float32)


def _resampled(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """int16 [S] -> float32 [S * 16000 / rate_hz]"""
    if rate_hz == RATE_HZ:
        return samples.astype(np.float32) / 32768.0
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    parts = [part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float32)
