"""What is spoken for training: sentences of a video assistant, plain sentences, and words for every sound.

In: a seed, and optionally a file of sentences (one a line). Out: sentences of 1 to 22 words. The sentences of the
evaluation (bench/speech_quality.py) are made from other patterns.
"""

import json
import random
from functools import lru_cache
from pathlib import Path

__all__ = ["make_sentences"]


def make_sentences(num: int, seed: int, words: list[str], lines: Path | None = None) -> list[str]:
    """`words` are for coverage of all sounds, `lines` holds further sentences. Raises ValueError without words."""
    if not words:
        raise ValueError("give some words: sentences without them would not cover all sounds")
    draw = random.Random(seed)
    texts = lines.read_text(encoding="utf-8").splitlines() if lines is not None else []
    texts = [text.strip() for text in texts if 1 <= len(text.split()) <= 20]
    sentences: list[str] = []
    while len(sentences) < num:
        kind = draw.random()
        if texts and kind < 0.5:
            sentence = draw.choice(texts)
        elif kind < 0.8:
            sentence = _assistant_sentence(draw)
        else:
            sentence = _filled(draw, draw.choice(_patterns()["free"]), words)
        if draw.random() < 0.12:
            sentence = f"{sentence} {_assistant_sentence(draw)}"
        sentences.append(sentence[0].upper() + sentence[1:])
    return sentences


def _assistant_sentence(draw: random.Random) -> str:
    patterns = _patterns()
    sentence = draw.choice(patterns["answers"])
    fillings = {
        "{things}": lambda: draw.choice(patterns["things"]) + "s",
        "{thing}": lambda: draw.choice(patterns["things"]),
        "{colour}": lambda: draw.choice(patterns["colours"]),
        "{place}": lambda: draw.choice(patterns["places"]),
        "{verb}": lambda: draw.choice(patterns["verbs"]),
        "{adverb}": lambda: draw.choice(patterns["adverbs"]),
        "{n}": lambda: str(draw.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 34, 47, 60, 80, 100, 250))),
        "{time}": lambda: _time(draw),
    }
    for slot, fill in fillings.items():
        while slot in sentence:
            sentence = sentence.replace(slot, fill(), 1)
    return sentence


def _time(draw: random.Random) -> str:
    """A time as the normaliser writes it out."""
    minutes, seconds = draw.randrange(0, 60), draw.randrange(1, 60)
    if draw.random() < 0.5:
        return f"{seconds} seconds"
    return f"{minutes} minute{'s' if minutes != 1 else ''} {seconds}"


def _filled(draw: random.Random, pattern: str, words: list[str]) -> str:
    while "{w}" in pattern:
        pattern = pattern.replace("{w}", draw.choice(words), 1)
    return pattern


@lru_cache(maxsize=1)
def _patterns() -> dict[str, list[str]]:
    path = Path(__file__).with_name("patterns.json")
    return {name: list(rows) for name, rows in json.loads(path.read_text(encoding="utf-8")).items()}
