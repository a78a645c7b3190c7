"""The data of a run: utterances of many pseudo-speakers, made by the teacher on the training device and kept there.

A pseudo-speaker is a pair (size, pitch): the teacher speaks 1/size as fast with its F0 times pitch, and the audio is
resampled by size, so that formants and F0 rise by `size` while the tempo stays. Speaker 0 is the teacher's own voice.
"""

import random
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from app.speech.mel import HOP, log_mel
from app.speech.network import mask_of
from app.speech.training.teacher import Teacher

__all__ = ["MAX_FRAMES", "MAX_PHONEMES", "Batch", "Pool", "draw_speakers", "make_pool", "speak_as"]

MAX_FRAMES = 576  # 7.2 s
MAX_PHONEMES = 128
_FRAMES = (192, 352, MAX_FRAMES)  # the lengths of the buckets


@dataclass(frozen=True)
class Batch:
    """Utterances padded to one length. ids, durations: [B, T]; f0_hz: [B, F]; mel: [B, F, 100] (log, raw);
    audio: [B, F * HOP]; num_phonemes, num_frames, speaker: [B]."""

    ids: Tensor
    durations: Tensor
    f0_hz: Tensor
    mel: Tensor
    audio: Tensor
    num_phonemes: Tensor
    num_frames: Tensor
    speaker: Tensor


def draw_speakers(num: int, seed: int) -> list[tuple[float, float]]:
    """(size, pitch) of each: the teacher's own voice first, the others spread over what stays natural."""
    draw = random.Random(seed)
    return [(1.0, 1.0)] + [(draw.uniform(0.78, 1.2), draw.uniform(0.88, 1.12)) for _ in range(num - 1)]


def speak_as(
    teacher: Teacher, ids: Tensor, lengths: Tensor, voice: tuple[float, float], generator: torch.Generator | None = None
) -> Batch:
    """One batch by one pseudo-speaker; the speaker's number is -1."""
    size, pitch = voice
    spoken = teacher.speak(ids, lengths, speed=1 / size, pitch=pitch, generator=generator)
    audio = resample(spoken.audio, size)
    num_frames = audio.shape[1] // HOP
    audio = audio[:, : num_frames * HOP]
    ends = (spoken.durations.cumsum(dim=1) / size).round().long().clamp(max=num_frames)
    durations = torch.diff(ends, dim=1, prepend=torch.zeros_like(ends[:, :1]))
    source = (torch.arange(num_frames, device=ids.device) * size).round().long()
    f0 = spoken.f0_hz[:, source.clamp(max=spoken.f0_hz.shape[1] - 1)] * size
    speaker = torch.full_like(lengths, -1)
    return Batch(ids, durations, f0, log_mel(audio), audio, lengths, ends[:, -1], speaker)


def resample(audio: Tensor, factor: float) -> Tensor:
    """Plays audio [B, S] `factor` times as fast: exact band-limited resampling of the whole by FFT."""
    if factor == 1.0:
        return audio
    num_samples = round(audio.shape[1] / factor)
    spectrum = torch.fft.rfft(audio)[:, : num_samples // 2 + 1]
    return torch.fft.irfft(spectrum, n=num_samples) * (num_samples / audio.shape[1])


class Pool:
    """Utterances in buckets of equal padded length, audio in 16 bits; batches are gathered on the device."""

    def __init__(self, batches: list[Batch], seed: int) -> None:
        if not batches:
            raise ValueError("a pool needs at least one batch of utterances")
        self._buckets = [_fitting(batches, low, high) for low, high in zip((0, *_FRAMES[:-1]), _FRAMES, strict=True)]
        self._draw = np.random.default_rng(seed)
        self.num_frames = sum(int(bucket.num_frames.sum()) for bucket in self._buckets)

    def batch(self, max_frames: int) -> Batch:
        """Utterances of one bucket, about max_frames in all. Shapes depend on the bucket alone."""
        weights = np.array([len(b.ids) * b.mel.shape[1] for b in self._buckets], dtype=float)
        bucket = self._buckets[self._draw.choice(len(weights), p=weights / weights.sum())]
        rows = self._draw.integers(0, len(bucket.ids), max(max_frames // bucket.mel.shape[1], 2))
        return _rows(bucket, torch.from_numpy(rows).to(bucket.ids.device))

    def prompts(self, speaker: Tensor, num_frames: int) -> Tensor:
        """A stretch of some utterance of each speaker: [B] -> log-mel [B, num_frames, 100]; short ones repeat."""
        candidates = max(self._buckets, key=lambda bucket: len(bucket.ids))
        matches = (candidates.speaker[None] == speaker[:, None]).float()  # [B, N]
        found = matches.sum(dim=1) > 0
        rows = torch.multinomial(torch.where(found[:, None], matches, torch.ones_like(matches)), 1)[:, 0]
        length = candidates.num_frames[rows].clamp(min=1)
        start = (torch.rand(len(rows), device=rows.device) * length).long()
        times = (start[:, None] + torch.arange(num_frames, device=rows.device)) % length[:, None]
        return candidates.mel[rows[:, None], times].float()

    def speakers_with_prompts(self) -> list[int]:
        """Those whom `prompts` can serve."""
        return sorted(set(max(self._buckets, key=lambda bucket: len(bucket.ids)).speaker.tolist()))


def _fitting(batches: list[Batch], low: int, high: int) -> Batch:
    """All utterances of more than `low` and at most `high` frames, padded to `high`."""
    parts = []
    for batch in batches:
        fits = (batch.num_frames > low) & (batch.num_frames <= high) & (batch.num_phonemes <= MAX_PHONEMES)
        chosen = _rows(batch, fits.nonzero()[:, 0])
        mask = mask_of(chosen.num_frames, chosen.mel.shape[1])
        parts.append(
            replace(
                chosen,
                ids=_sized(chosen.ids, MAX_PHONEMES),
                durations=_sized(chosen.durations, MAX_PHONEMES),
                f0_hz=_sized(chosen.f0_hz * mask[..., 0], high),
                mel=_sized(chosen.mel * mask, high).half(),
                audio=_sized((chosen.audio.clamp(-1, 1) * 32767).short(), high * HOP),
            )
        )
    return Batch(**{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Batch)})


def _rows(batch: Batch, rows: Tensor) -> Batch:
    """The chosen utterances, in floating point."""
    chosen = {field.name: getattr(batch, field.name)[rows] for field in fields(Batch)}
    if chosen["audio"].dtype == torch.int16:
        chosen["audio"] = chosen["audio"].float() / 32767
    return Batch(**{**chosen, "mel": chosen["mel"].float()})


def _sized(values: Tensor, length: int) -> Tensor:
    """values: [B, N, ...] cut or filled with zeros to [B, length, ...]."""
    out = values.new_zeros((len(values), length, *values.shape[2:]))
    shared = min(length, values.shape[1])
    out[:, :shared] = values[:, :shared]
    return out


def make_pool(
    teacher: Teacher,
    phonemes: list[list[int]],
    speakers: list[tuple[float, float]],
    own_share: float,
    seed: int,
    batch_size: int,
) -> Pool:
    """All sentences spoken once; the share `own_share` of the batches by the teacher's own voice."""
    device = next(teacher.parameters()).device
    draw = random.Random(seed)
    generator = torch.Generator(device).manual_seed(seed)
    spoken = []
    order = sorted((ids for ids in phonemes if len(ids) <= MAX_PHONEMES), key=len)
    batches = [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
    others = list(range(1, len(speakers)))
    for number, rows in enumerate(draw.sample(batches, len(batches))):
        is_own = not others or draw.random() < own_share
        speaker = 0 if is_own else others[number % len(others)]
        ids = torch.zeros((len(rows), max(map(len, rows))), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        batch = speak_as(teacher, ids.to(device), lengths, speakers[speaker], generator)
        spoken.append(replace(batch, speaker=torch.full_like(lengths, speaker)))
    return Pool(spoken, seed)
