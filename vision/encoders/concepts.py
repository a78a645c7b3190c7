"""The names of what the encoder can see: COCO's 80 classes, then groups of ImageNet-1k classes.

In: `concepts.json`, beside this file, read at the import. Out: `CONCEPTS`, a tuple whose order is frozen, since it
is the order of the evidence channels of the semantic grid (trained weights depend on it). Any thread; immutable.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CONCEPTS", "KINDS", "NUM_COCO", "NUM_IMAGENET", "Concept", "load_concepts"]

NUM_COCO = 80  # concepts 0..79 are COCO's classes in COCO's order
NUM_IMAGENET = 1000

KINDS = (
    "person",
    "animal",
    "vehicle",
    "food",
    "furniture",
    "electronics",
    "clothing",
    "tool",
    "sport",
    "instrument",
    "building",
    "nature",
    "household",
    "other",
)


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One nameable thing.

    `synonyms` holds lower-case words that mean this concept and no other, in the singular, beside irregular plurals;
    subtypes too ("puppy" of dog). `broader` names the concept that is still true of it ("bird" of penguin), or is "".
    `imagenet` are the ImageNet-1k classes that are evidence for it (a class may feed two: espresso is coffee in a cup).
    """

    name: str
    plural: str
    kind: str
    is_countable: bool
    synonyms: tuple[str, ...]
    imagenet: tuple[int, ...]
    broader: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind of {self.name!r} must be one of {KINDS}, got {self.kind!r}")
        if any(not 0 <= index < NUM_IMAGENET for index in self.imagenet):
            raise ValueError(f"imagenet classes of {self.name!r} must be in 0..{NUM_IMAGENET - 1}, got {self.imagenet}")


def load_concepts() -> tuple[Concept, ...]:
    """All concepts in the order of the evidence channels."""
    rows = json.loads(Path(__file__).with_name("concepts.json").read_text(encoding="utf-8"))
    return tuple(_concept(row) for row in rows)


def _concept(row: dict[str, Any]) -> Concept:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Concept(**values)


CONCEPTS: tuple[Concept, ...] = load_concepts()
