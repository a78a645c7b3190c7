"""The words of answers: names with articles, counts, places, lists.

In: concepts and numbers. Out: the words that a canonical answer holds for them. Pure; any thread.
"""

from collections.abc import Sequence

from app.language.embedded.prompt import COUNT_WORDS
from app.language.embedded.reading import REGIONS
from vision.encoders import Concept

__all__ = ["capital", "counted", "is_plural_word", "joined", "place", "times", "with_article"]

_MANY = len(COUNT_WORDS) - 1


def with_article(concept: Concept) -> str:
    """A dog, an apple, scissors, some broccoli."""
    if not concept.is_countable:
        return f"some {concept.name}"
    if is_plural_word(concept):
        return concept.name
    return f"{'an' if concept.name[0] in 'aeiou' else 'a'} {concept.name}"


def is_plural_word(concept: Concept) -> bool:
    """True for names that have no singular: scissors, skis."""
    return concept.is_countable and concept.name == concept.plural and concept.name.endswith("s")


def counted(count: int, concept: Concept) -> str:
    """No dogs, one dog, two dogs, many dogs; some broccoli."""
    if not concept.is_countable:
        return f"some {concept.name}" if count else f"no {concept.name}"
    return f"{COUNT_WORDS[min(count, _MANY)]} {concept.name if count == 1 else concept.plural}"


def times(count: int) -> str:
    """Once, twice, three times, many times."""
    return {1: "once", 2: "twice"}.get(count, f"{COUNT_WORDS[min(count, _MANY)]} times")


def place(region: int) -> str:
    """In the centre, on the left, at the top, at the top left."""
    name = REGIONS[region]
    if name == "centre":
        return f"in the {name}"
    return f"on the {name}" if name in ("left", "right") else f"at the {name}"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """A, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def capital(text: str) -> str:
    """The text with its first letter in upper case, the others as they are."""
    return text[0].upper() + text[1:]
