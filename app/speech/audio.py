"""Plain audio: reading recordings, loudness, and 16-bit PCM. Audio is float32 in -1..1, mono, NumPy.

Any thread; nothing is kept.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.speech.errors import PromptError
from app.speech.mel import SAMPLE_RATE

__all__ = ["loudness_lufs", "pcm16", "read_recording"]


def pcm16(audio: np.ndarray) -> bytes:
    """Little-endian 16-bit samples; what lies beyond -1..1 is clipped."""
    return (np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def read_recording(path: Path, max_s: float) -> tuple[np.ndarray, int]:
    """The first max_s seconds of any file with sound: (mono audio at 24 kHz, the file's own sample rate).

    Raises PromptError when the file is absent or holds no sound that can be decoded.
    """
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise PromptError(f"{path} holds no sound; give a recording of 2 to 6 s of speech.")
            stream = container.streams.audio[0]
            rate = int(stream.rate)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            pieces: list[np.ndarray] = []
            num_samples = 0
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    pieces.append(part.to_ndarray()[0])
                    num_samples += len(pieces[-1])
                if num_samples >= max_s * SAMPLE_RATE:
                    break
            pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (av.FFmpegError, OSError) as error:
        raise PromptError(f"{path} could not be read as audio ({error}); give a WAV, FLAC, MP3 or Ogg file.") from error
    if not pieces:
        raise PromptError(f"{path} holds no sound; give a recording of 2 to 6 s of speech.")
    return np.concatenate(pieces)[: int(max_s * SAMPLE_RATE)].astype(np.float32), rate


def loudness_lufs(audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> float:
    """Integrated loudness by ITU-R BS.1770-4: K weighting, blocks of 400 ms, both gates. -inf when silent."""
    weighted = _k_weighted(audio.astype(np.float64), sample_rate)
    powers = np.array(list(_block_powers(weighted, sample_rate)))
    powers = powers[powers > _power_of(-70.0)]
    if not len(powers):
        return -np.inf
    powers = powers[powers > powers.mean() * 0.1]  # 10 LU below
    return float(-0.691 + 10 * np.log10(powers.mean()))


def _power_of(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _block_powers(audio: np.ndarray, sample_rate: int) -> Iterator[float]:
    size = round(0.4 * sample_rate)
    for start in range(0, max(len(audio) - size, 0) + 1, size // 4):
        yield float((audio[start : start + size] ** 2).mean())


def _k_weighted(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """A shelf of +4 dB above 1.7 kHz and a high-pass at 38 Hz, applied in the frequency domain."""
    num = len(audio) + sample_rate  # room for the filters' tails
    z = np.exp(1j * np.pi * np.linspace(0, 1, num // 2 + 1))
    response = _shelf(sample_rate, z) * _high_pass(sample_rate, z)
    return np.fft.irfft(np.fft.rfft(audio, num) * response, num)[: len(audio)]


def _shelf(sample_rate: int, z: np.ndarray) -> np.ndarray:
    k, q, high = np.tan(np.pi * 1681.974450955533 / sample_rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    b = (high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k)
    return _biquad(b, (1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k), z)


def _high_pass(sample_rate: int, z: np.ndarray) -> np.ndarray:
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    scale = 1 + k / q + k * k
    return _biquad((scale, -2 * scale, scale), (scale, 2 * (k * k - 1), 1 - k / q + k * k), z)


def _biquad(b: tuple[float, ...], a: tuple[float, ...], z: np.ndarray) -> np.ndarray:
    return np.asarray((b[0] + b[1] / z + b[2] / z**2) / (a[0] + a[1] / z + a[2] / z**2))
