"""An answer, sentence by sentence, each with what it rests on.

Comes in: the text of an answer and its evidence. Goes out: sentences, and which of the evidence belongs to each. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.language.embedded.times import format_time
from app.language.lmm import Evidence

__all__ = ["Sentence", "split_answer"]

_END = re.compile(r"""(?:(?<=[.!?])|(?<=[.!?]["')\]]))\s+(?=["'(\[]?[A-Z0-9])""")
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|approx|vs)\.$", re.IGNORECASE)
_TIME = re.compile(r"(?<![\d:])\d{1,3}:[0-5]\d(?::[0-5]\d)?(?![\d:])")


@dataclass(frozen=True)
class Sentence:
    """`evidence`: places in the answer's evidence, in order of time; empty: nothing shows it."""

    text: str
    evidence: tuple[int, ...]


def split_answer(text: str, evidence: Sequence[Evidence]) -> tuple[Sentence, ...]:
    """Evidence whose time a sentence names is that sentence's; what none names belongs to those that name no time (to
    all, if each names one). The texts add up to the answer's, but for the spaces between them."""
    texts = _sentences(text)
    named = [frozenset(_TIME.findall(one)) for one in texts]
    owners: list[set[int]] = [set() for _ in texts]
    for place, one in enumerate(evidence):
        times = {format_time(one.start_s), format_time(one.end_s)}
        telling = [row for row, found in enumerate(named) if found & times]
        silent = [row for row, found in enumerate(named) if not found]
        for row in telling or silent or range(len(texts)):
            owners[row].add(place)
    return tuple(Sentence(one, tuple(sorted(places))) for one, places in zip(texts, owners, strict=True))


def _sentences(text: str) -> list[str]:
    pieces: list[str] = []
    for piece in _END.split(text.strip()):
        if pieces and _ABBREVIATED.search(pieces[-1]):
            pieces[-1] += f" {piece}"
        elif piece:
            pieces.append(piece)
    return pieces
