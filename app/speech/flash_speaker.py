"""FlashSpeech's voice: the trained acoustic model and vocoder, streaming, with prompts, conversion and editing.

In: text, and optionally a voice prompt. Out: audio at 24 kHz in blocks. Its own thread's property.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.speech.editing import joined, shared_start
from app.speech.errors import SpeechTextError
from app.speech.mel import FRAMES_PER_S, HOP, SAMPLE_RATE
from app.speech.network import (
    DURATION_SCALE,
    PITCH_SCALE,
    AcousticModel,
    FrameTrack,
    Vocoder,
    decode_pitch,
    draw_noise,
    encode_pitch,
    expand,
    render,
    sample,
    source_spectrum,
)
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer
from app.speech.prompts import prompt_mel
from app.speech.speaker import BLOCK_S, SpeakOptions, in_blocks, never
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder

__all__ = ["FlashSpeaker", "Utterance"]

MAX_IDS = 200  # phonemes of one piece; what is longer is spoken in pieces
_MAX_FRAMES = 60  # of one phoneme: 0.75 s
_BLOCK_FRAMES = round(BLOCK_S * FRAMES_PER_S)
_STRETCH_FRAMES = 3 * _BLOCK_FRAMES  # computed at once after the first block: less is computed twice
_CONTEXT = 27  # frames on either side of a stretch that the vocoder's blocks can see
_EDGE = 2  # frames on either side that overlap into a block
_GAIN = 1.42  # brings the default voice to -23 LUFS (bench/speech.py)


@dataclass(frozen=True)
class Utterance:
    """Everything about a piece of our own speech before the vocoder.

    ids: [1, T]; durations: [1, T] frames; pitch: [1, F, 2]; latent: [1, F, 100]; voice: [1, D].
    """

    ids: Tensor
    durations: Tensor
    pitch: Tensor
    latent: Tensor
    voice: Tensor


class FlashSpeaker:
    """A Speaker (see app.speech.speaker). `prompt` is audio at 24 kHz from `read_prompt`; None is the default voice."""

    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        acoustic: AcousticModel,
        vocoder: Vocoder,
        phonemizer: Phonemizer,
        prompt: np.ndarray | None = None,
        name: str = "flashspeech",
    ) -> None:
        self.name = name
        self._acoustic, self._vocoder, self._phonemizer = acoustic, vocoder, phonemizer
        self.voice = self.voice_of(prompt) if prompt is not None else acoustic.default_voice[None]

    @classmethod
    def open(cls, folder: Path, prompt: np.ndarray | None = None) -> "FlashSpeaker":
        """From the two weight files. Raises VoiceMissingError without them."""
        acoustic, vocoder = load_acoustic(folder / ACOUSTIC_FILE), load_vocoder(folder / VOCODER_FILE)
        return cls(acoustic, vocoder, Phonemizer(), prompt, "flashspeech" if prompt is None else "prompt")

    @torch.inference_mode()
    def voice_of(self, prompt: np.ndarray) -> Tensor:
        """The voice of a prompt, [1, D]."""
        latent = self._acoustic.standardise(prompt_mel(prompt))
        return self._acoustic.voice_of(latent, torch.ones_like(latent[..., :1]))

    def synthesise(
        self, text: str, options: SpeakOptions, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        """See Speaker.synthesise."""
        ids = self._ids(text)
        for start in range(0, len(ids), MAX_IDS):
            if is_cancelled():
                return
            yield from self.render(self.utter(ids[start : start + MAX_IDS], options), options.seed, is_cancelled)

    def _ids(self, text: str) -> list[int]:
        ids = self._phonemizer.ids(self._phonemizer.phonemes(normalise(text)))
        if len(ids) <= 2:
            raise SpeechTextError("There is nothing to say: the text holds no words and no numbers.")
        return ids

    def utterance(self, text: str, options: SpeakOptions | None = None) -> Utterance:
        """A short text as an Utterance, for `convert` and `replace_words`. Raises SpeechTextError when too long."""
        ids = self._ids(text)
        if len(ids) > MAX_IDS:
            raise SpeechTextError(f"The text has {len(ids)} phonemes; one utterance holds at most {MAX_IDS}.")
        return self.utter(ids, options or SpeakOptions())

    @torch.inference_mode()
    def utter(self, ids: list[int], options: SpeakOptions) -> Utterance:
        """Text to prosody to mel: all the work of a clause but the vocoder's."""
        generator = torch.Generator().manual_seed(options.seed)
        model, tokens = self._acoustic, torch.tensor([ids])
        mask = torch.ones(1, len(ids), 1)
        text = model.encode(tokens, mask, self.voice)
        logs, state = model.durations(text, mask, self.voice)
        if options.alpha:
            rest = sample(model.duration_refiner, state, self.voice, mask, 1, generator)
            logs = logs + options.alpha * rest / DURATION_SCALE
        frames = torch.expm1(logs[..., 0]) / options.speed
        durations = frames.round().clamp(1, _MAX_FRAMES).long()
        track = self._track(text, durations, options, generator)
        latent = self._latent(track, options.steps, generator)
        return Utterance(tokens, durations, track.pitch, latent, self.voice)

    def _track(self, text: Tensor, durations: Tensor, options: SpeakOptions, generator: torch.Generator) -> FrameTrack:
        """Frame features with predicted pitch."""
        model = self._acoustic
        features, mask = expand(text, durations, int(durations.sum()))
        pitch, state = model.pitch(features, mask, self.voice)
        log_f0 = pitch[..., :1]
        if options.alpha:
            rest = sample(model.pitch_refiner, state, self.voice, mask, 1, generator)
            log_f0 = log_f0 + options.alpha * rest / PITCH_SCALE
        voiced = (pitch[..., 1:] > 0).float()
        return FrameTrack(features, torch.cat([log_f0 * voiced, voiced], dim=-1), mask)

    def _latent(self, track: FrameTrack, steps: int, generator: torch.Generator) -> Tensor:
        _, condition = self._acoustic.coarse(track, self.voice)
        return sample(self._acoustic.mel_net, condition, self.voice, track.mask, steps, generator)

    @torch.inference_mode()
    def convert(self, utterance: Utterance, voice: Tensor, sigma: float = 2.0, seed: int = 0) -> Utterance:
        """Voice conversion of our own speech (FlashSpeech, section 4.4): noise to sigma, clean up as another voice.

        Words and durations stay; F0 is the one that the model gives to the other voice.
        """
        generator = torch.Generator().manual_seed(seed)
        model = self._acoustic
        text = model.encode(utterance.ids, torch.ones(*utterance.ids.shape, 1), voice)
        features, mask = expand(text, utterance.durations, utterance.latent.shape[1])
        pitch, _ = model.pitch(features, mask, voice)
        voiced = (pitch[..., 1:] > 0).float()
        track = FrameTrack(features, torch.cat([pitch[..., :1] * voiced, voiced], dim=-1), mask)
        _, condition = model.coarse(track, voice)
        noise = torch.randn(utterance.latent.shape, generator=generator)
        latent = model.mel_net(utterance.latent + sigma * noise, torch.tensor([sigma]), condition, voice, mask)
        return replace(utterance, pitch=track.pitch, latent=latent, voice=voice)

    @torch.inference_mode()
    def replace_words(
        self, text: str, first: int, last: int, words: str, options: SpeakOptions | None = None
    ) -> Utterance:
        """Speech editing: words first..last (from 0, both included) of `text` are spoken as `words` instead.

        Everything before and after keeps the sound of the original; three frames are blended at each joint.
        """
        options = options or SpeakOptions()
        old_words = normalise(text).split()
        if not 0 <= first <= last < len(old_words):
            raise ValueError(f"words {first}..{last} do not lie within the text's {len(old_words)} words")
        new_text = " ".join([*old_words[:first], normalise(words), *old_words[last + 1 :]])
        old, new = self.utterance(" ".join(old_words), options), self.utterance(new_text, options)
        head = shared_start(old.ids[0], new.ids[0])
        tail = min(shared_start(old.ids[0].flip(0), new.ids[0].flip(0)), min(old.ids.shape[1], new.ids.shape[1]) - head)
        durations = torch.cat(
            [
                old.durations[:, :head],
                new.durations[:, head : new.ids.shape[1] - tail],
                old.durations[:, old.ids.shape[1] - tail :],
            ],
            dim=1,
        )
        model = self._acoustic
        encoded = model.encode(new.ids, torch.ones(*new.ids.shape, 1), self.voice)
        generator = torch.Generator().manual_seed(options.seed)
        track = self._track(encoded, durations, replace(options, alpha=0.0), generator)
        latent = self._latent(track, options.steps, generator)
        before = int(old.durations[0, :head].sum())
        after = int(old.durations[0, old.ids.shape[1] - tail :].sum()) if tail else 0
        return Utterance(
            new.ids,
            durations,
            joined(old.pitch, track.pitch, before, after, 0),
            joined(old.latent, latent, before, after, 3),
            self.voice,
        )

    @torch.inference_mode()
    def render(
        self, utterance: Utterance, seed: int = 0, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        """The vocoder, a block at a time; the blocks together are the same as the whole at once."""
        f0 = decode_pitch(utterance.pitch)
        num_frames = utterance.latent.shape[1]
        pitch, source = encode_pitch(f0), source_spectrum(f0)
        noise = draw_noise(1, num_frames, f0.device, torch.Generator().manual_seed(seed))
        start, end = 0, min(_BLOCK_FRAMES, num_frames)
        while start < num_frames and not is_cancelled():
            for block in in_blocks(self._stretch(utterance.latent, pitch, source, noise, start, end), SAMPLE_RATE):
                if is_cancelled():
                    return
                yield block
            start, end = end, min(end + _STRETCH_FRAMES, num_frames)

    def _stretch(
        self, latent: Tensor, pitch: Tensor, source: Tensor, noise: Tensor, start: int, end: int
    ) -> np.ndarray:
        num_frames = latent.shape[1]
        seen = slice(max(start - _CONTEXT, 0), min(end + _CONTEXT, num_frames))
        used = slice(max(start - _EDGE, 0), min(end + _EDGE, num_frames))
        mask = torch.ones(1, seen.stop - seen.start, 1)
        features = self._vocoder.front(latent[:, seen], pitch[:, seen], mask)
        parts = self._vocoder.decode(features, mask)[:, used.start - seen.start : used.stop - seen.start]
        audio = render(parts, source[:, :, used], noise[:, :, used])[0]
        first = (start - used.start) * HOP
        return np.clip(audio[first : first + (end - start) * HOP].numpy() * _GAIN, -1.0, 1.0)
