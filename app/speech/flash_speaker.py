"""FlashSpeech's voice: the trained acoustic model and vocoder, streaming, with prompts, conversion and editing.

In: text, and optionally a voice prompt. Out: audio at 24 kHz in blocks. Its own thread's property.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.speech.editing import joined, shared_words
from app.speech.errors import SpeechTextError
from app.speech.inference import AcousticEngine, Precision, VocoderEngine, VoiceStyles, best_precision
from app.speech.mel import FRAMES_PER_S, SAMPLE_RATE
from app.speech.network import (
    DURATION_SCALE,
    PITCH_SCALE,
    AcousticModel,
    Vocoder,
    decode_pitch,
    expand,
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
_STRETCH_FRAMES = 3 * _BLOCK_FRAMES  # computed at once after the first block, in larger products
_REFINED_SHARE = 0.5  # of a whole mel beside the coarse one; chosen by bench/speech_development.txt
_GAIN = 1.42  # brings the default voice to -23 LUFS (bench/speech_quality.py)


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
        precision: Precision | None = None,
    ) -> None:
        self.name, self.precision = name, precision or best_precision()
        self._acoustic, self._vocoder, self._phonemizer = acoustic, vocoder, phonemizer
        self._engine = AcousticEngine(acoustic, self.precision)
        self._vocoder_engine = VocoderEngine(vocoder, self.precision)
        self.voice = self.voice_of(prompt) if prompt is not None else acoustic.default_voice[None]
        self._styles = self._engine.styles(self.voice)

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
        engine, styles, tokens = self._engine, self._styles, torch.tensor([ids])
        text = engine.encode(tokens, styles)
        logs, state = engine.durations(text, styles)
        if options.alpha:
            rest = engine.sample("durations", state, styles, 1, generator)
            logs = logs + options.alpha * rest / DURATION_SCALE
        frames = torch.expm1(logs[..., 0]) / options.speed
        durations = frames.round().clamp(1, _MAX_FRAMES).long()
        features, pitch = self._track(text, durations, styles, options.alpha, generator)
        return Utterance(tokens, durations, pitch, self._latent(features, pitch, options.steps, generator), self.voice)

    def _track(
        self, text: Tensor, durations: Tensor, styles: VoiceStyles, alpha: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Frame features [1, F, D + 2] and the predicted pitch [1, F, 2]."""
        features, _ = expand(text, durations, int(durations.sum()))
        pitch, state = self._engine.pitch(features, styles)
        log_f0 = pitch[..., :1]
        if alpha:
            rest = self._engine.sample("pitch", state, styles, 1, generator)
            log_f0 = log_f0 + alpha * rest / PITCH_SCALE
        voiced = (pitch[..., 1:] > 0).float()
        return features, torch.cat([log_f0 * voiced, voiced], dim=-1)

    def _latent(self, features: Tensor, pitch: Tensor, steps: int, generator: torch.Generator) -> Tensor:
        coarse, condition = self._engine.coarse(features, pitch, self._styles)
        made = self._acoustic.with_details(
            self._engine.sample("mel", condition, self._styles, steps, generator), coarse
        )
        return made if self._acoustic.config.is_residual else coarse.lerp(made, _REFINED_SHARE)

    @torch.inference_mode()
    def convert(self, utterance: Utterance, voice: Tensor, sigma: float = 2.0, seed: int = 0) -> Utterance:
        """Voice conversion of our own speech (FlashSpeech, section 4.4): noise to sigma, clean up as another voice.

        Words and durations stay; F0 is the one that the model gives to the other voice.
        """
        generator = torch.Generator().manual_seed(seed)
        engine, styles = self._engine, self._engine.styles(voice)
        text = engine.encode(utterance.ids, styles)
        features, pitch = self._track(text, utterance.durations, styles, 0.0, generator)
        coarse, condition = engine.coarse(features, pitch, styles)
        noise = torch.randn(utterance.latent.shape, generator=generator)
        noisy = self._acoustic.details(utterance.latent, coarse) + sigma * noise
        latent = self._acoustic.with_details(engine.clean_mel(noisy, sigma, condition, styles), coarse)
        return replace(utterance, pitch=pitch, latent=latent, voice=voice)

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
        space, sizes = self._phonemizer.ids(" ")[1], (old.ids.shape[1], new.ids.shape[1])
        head = shared_words(old.ids[0], new.ids[0], space)
        tail = min(shared_words(old.ids[0].flip(0), new.ids[0].flip(0), space), min(sizes) - head)
        durations = torch.cat(
            [
                old.durations[:, :head],
                new.durations[:, head : new.ids.shape[1] - tail],
                old.durations[:, old.ids.shape[1] - tail :],
            ],
            dim=1,
        )
        encoded = self._engine.encode(new.ids, self._styles)
        generator = torch.Generator().manual_seed(options.seed)
        features, pitch = self._track(encoded, durations, self._styles, 0.0, generator)
        latent = self._latent(features, pitch, options.steps, generator)
        before = int(old.durations[0, :head].sum())
        after = int(old.durations[0, old.ids.shape[1] - tail :].sum()) if tail else 0
        return Utterance(
            new.ids,
            durations,
            joined(old.pitch, pitch, before, after, 0),
            joined(old.latent, latent, before, after, 3),
            self.voice,
        )

    @torch.inference_mode()
    def render(
        self, utterance: Utterance, seed: int = 0, is_cancelled: Callable[[], bool] = never
    ) -> Iterator[np.ndarray]:
        """The vocoder, a block at a time; the blocks together are the same as the whole at once."""
        num_frames = utterance.latent.shape[1]
        ends = [*range(_BLOCK_FRAMES, num_frames, _STRETCH_FRAMES), num_frames]
        for stretch in self._vocoder_engine.stream(utterance.latent, decode_pitch(utterance.pitch), ends, seed):
            audio = np.clip(stretch.numpy() * _GAIN, -1.0, 1.0)
            for block in in_blocks(audio, SAMPLE_RATE):
                if is_cancelled():
                    return
                yield block
