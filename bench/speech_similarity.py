"""How much prompt-conditioned speech resembles its prompt, beside chance: pseudo-speakers, and recordings of people.

In: for --people a folder with one folder a person and recordings in each (LibriSpeech's layout, or any other); the
first of each is the prompt, another one the person's own other speech. Out: mean cosines of Resemblyzer's embeddings
to the prompt, to another speaker's prompt, and, for people, of their own other speech to the prompt. Last line JSON.

    python -m bench.speech_similarity [--num 8] [--people FOLDER]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from app.speech import WEIGHTS
from app.speech.errors import PromptError
from app.speech.flash_speaker import FlashSpeaker
from app.speech.normalising import normalise
from app.speech.phonemes import Phonemizer, teacher_file
from app.speech.prompts import read_prompt
from app.speech.training.pool import draw_speakers, speak_as
from app.speech.training.teacher import Teacher, load_teacher
from app.speech.weights import ACOUSTIC_FILE, VOCODER_FILE, load_acoustic, load_vocoder
from bench.speech_scoring import VoiceComparer
from bench.speech_voices import say_with

__all__ = ["cosines", "people_of"]

SENTENCES = Path(__file__).with_name("speech_sentences.txt")
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg")


def people_of(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(a prompt, other speech of the same person), for each person with two recordings of use."""
    people: dict[Path, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SOUNDS):
        people.setdefault(folder / path.relative_to(folder).parts[0], []).append(path)
    for paths in people.values():
        usable = []
        for path in paths:
            try:
                usable.append(read_prompt(path))
            except PromptError:  # shorter than 2 s, say
                continue
            if len(usable) == 2:
                yield usable[0], usable[1]
                break


def pseudo_speakers(num: int, seed: int, teacher: Teacher, phonemizer: Phonemizer) -> Iterator[np.ndarray]:
    """A prompt of each; seed 1 draws those of the training."""
    texts = SENTENCES.read_text(encoding="utf-8").split("\n")
    for text, voice in zip(texts, draw_speakers(num + 1, seed)[1:], strict=False):
        ids = phonemizer.ids(phonemizer.phonemes(normalise(text)))
        yield speak_as(teacher, torch.tensor([ids]), torch.tensor([len(ids)]), voice).audio[0].numpy()


def cosines(made: list[np.ndarray], prompts: list[np.ndarray]) -> dict[str, float]:
    """Unit vectors of what was made from each prompt, and of the prompts. `chance`: prompts among one another."""
    table, among = np.array(made) @ np.array(prompts).T, np.array(prompts) @ np.array(prompts).T
    others = ~np.eye(len(prompts), dtype=bool)
    return {
        "num": len(prompts),
        "to_own_prompt": round(float(np.diag(table).mean()), 3),
        "to_other_prompts": round(float(table[others].mean()), 3),
        "chance": round(float(among[others].mean()), 3),
        "own_prompt_is_nearest_percent": round(100 * float((table.argmax(axis=1) == np.arange(len(table))).mean()), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Cosines of prompt-conditioned speech with its prompts.")
    parser.add_argument("--num", type=int, default=8, help="pseudo-speakers of each kind")
    parser.add_argument("--people", type=Path, help="recordings, one folder a person")
    words = parser.parse_args()
    torch.set_num_threads(1)
    comparer, phonemizer, teacher = VoiceComparer(), Phonemizer(), load_teacher(teacher_file())
    acoustic, vocoder = load_acoustic(WEIGHTS / ACOUSTIC_FILE), load_vocoder(WEIGHTS / VOCODER_FILE)
    texts = SENTENCES.read_text(encoding="utf-8").strip().split("\n")

    def made_from(prompts: list[np.ndarray]) -> list[np.ndarray]:
        speakers = [FlashSpeaker(acoustic, vocoder, phonemizer, prompt) for prompt in prompts]
        return [comparer.embed(say_with(s)(texts[100 + i % 100])) for i, s in enumerate(speakers)]

    result: dict[str, dict[str, float]] = {}
    for kind, seed in (("seen", 1), ("unseen", 3)) if words.num else ():
        prompts = list(pseudo_speakers(words.num, seed, teacher, phonemizer))
        result[kind] = cosines(made_from(prompts), [comparer.embed(prompt) for prompt in prompts])
        print(kind, result[kind], flush=True)
    if words.people:
        pairs = list(people_of(words.people))
        prompts = [prompt for prompt, _ in pairs]
        embedded = [comparer.embed(prompt) for prompt in prompts]
        result["people"] = cosines(made_from(prompts), embedded)
        own = [float(comparer.embed(other) @ e) for (_, other), e in zip(pairs, embedded, strict=True)]
        result["people"]["own_other_speech"] = round(float(np.mean(own)), 3)
        print("people", result["people"], flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
