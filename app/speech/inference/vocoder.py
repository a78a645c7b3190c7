"""The vocoder for speaking: one utterance, a stretch after the other, no frame computed twice; defined by Vocoder.

In: a standardised mel [1, F, NUM_MELS] and F0. Out: audio in stretches, which together are the whole at once. Every
layer keeps what it has made; for a stretch that ends at frame e, a layer goes as far beyond e as the layers above it
look ahead. Any thread, one at a time.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from app.speech.inference.layers import Block, Convolution, Precision, Product
from app.speech.mel import HOP, N_FFT
from app.speech.network import MAX_LOG, Vocoder, draw_noise, encode_pitch, source_spectrum

__all__ = ["VocoderEngine"]

_BINS = N_FFT // 2 + 1
_EDGE = N_FFT // 2 // HOP  # frames beyond a stretch whose windows reach into it


class VocoderEngine:
    """The layers of a Vocoder."""

    def __init__(self, vocoder: Vocoder, precision: Precision) -> None:
        self._into = Convolution(vocoder.into)
        self._blocks = [Block(block, precision) for block in vocoder.blocks]  # type: ignore[arg-type]
        self._norm = vocoder.norm
        self._head = Product.of(vocoder.head, precision)

    def stream(self, latent: Tensor, f0_hz: Tensor, ends: Iterable[int], seed: int) -> Iterator[Tensor]:
        """latent: [1, F, NUM_MELS]; f0_hz: [1, F]; ends: frames at which stretches end, rising, the last one F.

        Yields audio [S] of each stretch. Noise is drawn from the seed for the whole at once.
        """
        num_frames = latent.shape[1]
        source = _rows(source_spectrum(f0_hz))
        noise = _rows(draw_noise(1, num_frames, latent.device, torch.Generator().manual_seed(seed)))
        layers = _Layers(self._into(torch.cat([latent, encode_pitch(f0_hz)], dim=-1)), self._blocks)
        sound = _OverlapAdd(num_frames)
        start = done = 0
        for end in ends:
            reach = min(end + _EDGE, num_frames)
            if reach > done:
                parts = self._head(self._norm(layers.until(reach)))[0]  # [reach - done, 5 * bins]
                sound.add(_spectrum(parts, source[:, done:reach], noise[:, done:reach]), done)
            yield sound.between(start, end)
            start, done = end, reach


class _Layers:
    """What each block has made of an utterance so far, [1, F, width] each; `first` is made already."""

    def __init__(self, first: Tensor, blocks: list[Block]) -> None:
        self._blocks = blocks
        self._made = [first, *(torch.empty_like(first) for _ in blocks)]
        self._done = [0] * len(blocks)
        self._given = 0

    def until(self, end: int) -> Tensor:
        """The last block's frames from where the call before ended up to `end`."""
        num_frames = self._made[0].shape[1]
        ahead = sum(block.reach for block in self._blocks)
        for i, block in enumerate(self._blocks):
            ahead -= block.reach
            done, goal = self._done[i], min(end + ahead, num_frames)
            if goal > done:
                before, after = min(block.reach, done), min(block.reach, num_frames - goal)
                seen = self._made[i][:, done - before : goal + after]
                self._made[i + 1][:, done:goal] = block(seen, before=before, after=after)
                self._done[i] = goal
        start, self._given = self._given, end
        return self._made[-1][:, start:end]


class _OverlapAdd:
    """Windowed frames added up as they come: rows of HOP samples, of which a frame covers N_FFT / HOP."""

    def __init__(self, num_frames: int) -> None:
        self._window = torch.hann_window(N_FFT)
        rows = torch.zeros(num_frames + N_FFT // HOP - 1, HOP)
        _add_frames(rows, (self._window**2).expand(num_frames, -1), 0)
        self._scale = 1 / rows.clamp(min=1e-11).flatten()
        self._rows = torch.zeros_like(rows)

    def add(self, spectrum: Tensor, start: int) -> None:
        """spectrum: complex [N, bins], of the frames from `start` on."""
        _add_frames(self._rows, torch.fft.irfft(spectrum, n=N_FFT, dim=1).mul_(self._window), start)

    def between(self, start: int, end: int) -> Tensor:
        """The finished samples of frames start to end."""
        place = slice(start * HOP + N_FFT // 2, end * HOP + N_FFT // 2)
        audio = self._rows.flatten()[place] * self._scale[place]
        return F.pad(audio, (0, (end - start) * HOP - len(audio)))


def _add_frames(rows: Tensor, frames: Tensor, start: int) -> None:
    """Adds frames [N, N_FFT] to rows [F + N_FFT / HOP - 1, HOP], the first at row `start`."""
    pieces = frames.view(len(frames), N_FFT // HOP, HOP)
    for i in range(N_FFT // HOP):
        rows[start + i : start + i + len(frames)] += pieces[:, i]


def _rows(spectrum: Tensor) -> Tensor:
    """Complex [1, bins, F] -> its real and imaginary part, [2, F, bins], side by side in memory."""
    return torch.view_as_real(spectrum[0]).permute(2, 1, 0).contiguous()


def _spectrum(parts: Tensor, source: Tensor, noise: Tensor) -> Tensor:
    """The sum in `network.render`, in real numbers: parts [N, 5 * bins], source and noise [2, N, bins] -> [N, bins]."""
    harmonic, turn, hiss, free, phase = parts.view(-1, 5, _BINS).unbind(1)
    strength, angle = harmonic.clamp(max=MAX_LOG).exp_(), torch.tanh(turn).mul_(math.pi)
    cos, sin = torch.cos(angle).mul_(strength), angle.sin_().mul_(strength)
    hiss, free = hiss.clamp(max=MAX_LOG).exp_(), free.clamp(max=MAX_LOG).exp_()
    real = torch.cos(phase).mul_(free).addcmul_(noise[0], hiss).addcmul_(source[0], cos)
    imaginary = torch.sin(phase).mul_(free).addcmul_(noise[1], hiss).addcmul_(source[0], sin)
    return torch.complex(real.addcmul_(source[1], sin, value=-1), imaginary.addcmul_(source[1], cos))
