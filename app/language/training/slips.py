"""Slips as people make them when they type a question: letters swapped, dropped, doubled or hit beside their key; no
capital, no question mark, no apostrophe; "u" for you, "wheres" for where is.

In: a finished question and a `random.Random`. Out: the question with one or two slips. Words that hold a digit (times,
counts) are never touched, and no slip turns a word into another one that means something here ("boat" never becomes
"goat"). Pure.
"""

import random
import re
from collections.abc import Callable
from functools import cache

from app.language.embedded.spelling import NEXT_KEYS
from app.language.training.phrasings import load_phrasings
from vision.encoders import CONCEPTS

__all__ = ["slip"]

MAX_SLIPS = 2
_TWO_SLIPS_RATE = 0.3
_MIN_LETTERS = 4  # shorter words are mostly typed right, and a slip makes other words of them
_SHORT_FORMS = {
    r"\byou\b": "u", r"\byour\b": "ur", r"\bare\b": "r", r"\bplease\b": "pls", r"\bokay\b": "ok",
    r"\bthanks\b": "thx", r"\b(where|what|when|how|who|there) is\b": r"\1s", r"\b(what|where) are\b": r"\1re",
    r"\bthe\b": "teh", r"\bin the\b": "inthe", r"\bright now\b": "rightnow", r"\bat the moment\b": "atm",
}  # fmt: skip
_WORD = re.compile(r"(?<![\w:.'-])[A-Za-z]+(?![\w:'-])")


def slip(text: str, rng: random.Random) -> str:
    """`text` with one slip, or two; unchanged where nothing can slip. The same state of `rng` gives the same slips."""
    for _ in range(MAX_SLIPS if rng.random() < _TWO_SLIPS_RATE else 1):
        text = _one_slip(text, rng)
    return text


def _one_slip(text: str, rng: random.Random) -> str:
    for kind in _shuffled(rng):
        slipped = kind(text, rng)
        if slipped not in (None, "", text):
            return str(slipped)
    return text


Slip = Callable[[str, random.Random], str | None]


def _shuffled(rng: random.Random) -> list[Slip]:
    """All kinds of slips, each once, the common ones more likely to come first."""
    return sorted(_WEIGHTS, key=lambda kind: rng.random() ** (1.0 / _WEIGHTS[kind]), reverse=True)


# --- slips of the whole question --------------------------------------------------------------------------------------
def _no_capital(text: str, rng: random.Random) -> str:
    return text[:1].lower() + text[1:]


def _no_end_mark(text: str, rng: random.Random) -> str:
    return text.rstrip("?.!")


def _no_apostrophe(text: str, rng: random.Random) -> str:
    return text.replace("'", "").replace("’", "")


def _short_form(text: str, rng: random.Random) -> str | None:
    found = [(pattern, short) for pattern, short in _SHORT_FORMS.items() if re.search(pattern, text, re.IGNORECASE)]
    if not found:
        return None
    pattern, short = rng.choice(found)
    return re.sub(pattern, short, text, count=1, flags=re.IGNORECASE)


# --- slips within one word --------------------------------------------------------------------------------------------
def _swap(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _drop(word: str, rng: random.Random) -> str:
    # The first letter is rarely missed; without the last, plurals become singulars.
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1 :]


def _double(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word[: at + 1] + word[at].lower() + word[at + 1 :]


def _next_key(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    keys = NEXT_KEYS.get(word[at].lower(), "")
    return word[:at] + rng.choice(keys) + word[at + 1 :] if keys else word


def _in_a_word(change: Callable[[str, random.Random], str]) -> Slip:
    def slipped(text: str, rng: random.Random) -> str | None:
        words = [match for match in _WORD.finditer(text) if len(match[0]) >= _MIN_LETTERS]
        if not words:
            return None
        for match in rng.sample(words, len(words)):
            typed = change(match[0], rng)
            if typed != match[0] and typed.lower() not in _known_words():
                return text[: match.start()] + typed + text[match.end() :]
        return None

    return slipped


@cache
def _known_words() -> frozenset[str]:
    """Every word of the vocabulary and of the phrasings, in lower case."""
    phrasings = load_phrasings(with_extra=True)
    texts = [word for concept in CONCEPTS for word in (concept.name, concept.plural, *concept.synonyms)]
    for part in (phrasings.train, phrasings.held_out):
        texts += [template for templates in part.values() for template in templates]
    for unknown in (*phrasings.unknown_train, *phrasings.unknown_held_out):
        texts += [unknown, unknown.plural]
    return frozenset(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))


_WEIGHTS: dict[Slip, float] = {
    _no_capital: 3.0,
    _no_end_mark: 3.0,
    _short_form: 2.0,
    _no_apostrophe: 2.0,
    _in_a_word(_swap): 1.5,
    _in_a_word(_drop): 1.5,
    _in_a_word(_next_key): 1.5,
    _in_a_word(_double): 1.0,
}
