"""Questions a person might ask about a reading, with their right answers: what the embedded LMM learns from.

In: a `Reading`, a random generator, the phrasings of a split. Out: `Sample`s: family, earlier turns, question, what it
recalls, answer. The recall is the real one, run on the question's text as typed; a phrasing that the retrieval would
misread is not taught.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import Reading
from app.language.embedded.recall import Recall, recall
from app.language.embedded.statements import Statements
from app.language.training.phrasings import UnknownWord
from app.language.training.slips import slip
from app.language.training.slots import UNKNOWN_FAMILIES, SlotFiller, Slots
from app.language.training.variations import vary
from vision.encoders import Concept

__all__ = ["FOLLOW_UPS", "Questioner", "Sample", "Wording"]

# Each follow-up and the families that it may follow.
FOLLOW_UPS: Mapping[str, tuple[str, ...]] = {
    "fu_now": ("exist_ever", "first", "when", "count_max"), "fu_at": ("count_now", "exist_now", "count_at"),
    "fu_where": ("exist_now", "count_now"), "fu_when": ("exist_ever",), "fu_count": ("exist_now", "exist_ever"),
    "fu_first": ("exist_now", "exist_ever"), "fu_long": ("exist_ever", "when"), "fu_still": ("exist_ever", "when"),
    "fu_concept": ("exist_now", "exist_ever", "count_now", "first", "last", "where_now"),
}  # fmt: skip
# How often a family is asked, beside 1 for all others.
_HEAVY = {
    "exist_now": 3.0, "exist_ever": 3.0, "count_now": 2.0, "where_now": 2.0, "describe_now": 3.0, "when": 2.0,
    "out_of_scope": 2.5, "greeting": 0.5, "watching": 1.0, "kinds_count": 0.7, "anyone_now": 1.5, "anyone_ever": 1.5,
    "describe_all": 2.0, "describe_at": 1.5, "order": 1.5, "order_yes_no": 1.5, "last": 4.0, "gone": 1.5, "near": 1.5,
    "side_yes_no": 2.0, "first": 2.5, "still_there": 1.5, "fu_still": 3.0, "compare_now": 1.5, "fu_when": 2.0,
    "fu_now": 3.0, "fu_count": 2.0, "fu_long": 2.0, "fu_first": 1.5, "fu_concept": 1.5, "either_now": 1.5,
}  # fmt: skip
_EARLIER_FAMILIES = ("exist_now", "describe_now", "count_now", "when", "exist_ever")
_EARLIER_RATE = 0.3
_SLIP_RATE = 0.15
_MAX_TRIES = 6  # draws for each sample wanted

History = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sample:
    """One question in its context."""

    family: str
    history: History
    question: str
    recalled: Recall
    answer: str
    is_misread: bool = False


@dataclass(frozen=True)
class Wording:
    """The phrasings and unknown words of one split."""

    phrasings: Mapping[str, Sequence[str]]
    unknown_words: Sequence[UnknownWord]


class Questioner:
    """Asks about readings. One instance per process; the random generator is passed in: same seed, same samples."""

    def __init__(self, concepts: Sequence[Concept], lexicon: Lexicon, wording: Wording, is_test: bool = False):
        """`is_test`: phrasings are used as they are written, and questions that the retrieval misreads are returned
        too, marked, to be scored as wrong."""
        self._concepts, self._lexicon, self._phrasings = concepts, lexicon, wording.phrasings
        self._is_test = is_test
        self._filler = SlotFiller(concepts, lexicon, wording.unknown_words)
        self._families = [family for family in wording.phrasings if not family.startswith("fu_")] + list(FOLLOW_UPS)
        self._weights = [_HEAVY.get(family, 1.0) for family in self._families]
        self.num_misread = 0

    def ask(self, reading: Reading, rng: random.Random, count: int) -> list[Sample]:
        """`count` samples about one reading (fewer when it is nearly empty)."""
        samples: list[Sample] = []
        for _ in range(count * _MAX_TRIES):
            if len(samples) == count:
                break
            family = rng.choices(self._families, self._weights)[0]
            make = self._follow_up if family in FOLLOW_UPS else self._single
            sample = make(family, reading, rng)
            if sample is not None:
                samples.append(sample)
        return samples

    def _single(self, family: str, reading: Reading, rng: random.Random, is_opening: bool = False) -> Sample | None:
        """A question that stands for itself; unless `is_opening`, another one may have come before it."""
        history: History = ()
        if not is_opening and rng.random() < _EARLIER_RATE:
            earlier = self._single(rng.choice(_EARLIER_FAMILIES), reading, rng, is_opening=True)
            history = ((earlier.question, earlier.answer),) if earlier and not earlier.is_misread else ()
        slots = self._filler.fill(family, reading, rng)
        if slots is None:
            return None
        phrasing = self._phrasing(family, rng)
        if family in UNKNOWN_FAMILIES:
            word: UnknownWord = slots.words["word"]
            asked = word.plural if "{word.plural}" in phrasing else word
            slots = replace(slots, answer=f"I don't know how to recognise {asked}.")
        return self._finish(family, phrasing.format_map(slots.words), history, slots, reading, rng)

    def _follow_up(self, family: str, reading: Reading, rng: random.Random) -> Sample | None:
        """A question that rests on the one before it: "and now?", "what about the cat?"."""
        base = rng.choice(FOLLOW_UPS[family])
        first = self._single(base, reading, rng, is_opening=True)
        if first is None or first.is_misread or not first.recalled.concepts:
            return None
        slots = self._filler.fill("first" if family == "fu_concept" else "fu_at", reading, rng)
        if slots is None:
            return None
        if family == "fu_concept":
            slots = Slots(slots.words, slots.concepts, base_rule=base)
        else:
            rule = {"fu_count": "count_now" if base == "exist_now" else "count_max"}.get(family, family)
            slots = Slots(slots.words, first.recalled.concepts, num_times=int(family == "fu_at"), base_rule=rule)
        text = self._phrasing(family, rng).format_map(slots.words)
        return self._finish(family, text, ((first.question, first.answer),), slots, reading, rng)

    def _phrasing(self, family: str, rng: random.Random) -> str:
        phrasing = rng.choice(self._phrasings[family])
        return phrasing if self._is_test else vary(phrasing, rng)

    def _finish(
        self, family: str, text: str, history: History, slots: Slots, reading: Reading, rng: random.Random
    ) -> Sample | None:
        """Type the question, perhaps with slips, run the retrieval on it and find the right answer."""
        keeps_spelling = slots.answer is not None  # an unknown word is quoted, so it stays as it is
        typed = slip(text, rng) if rng.random() < _SLIP_RATE and not keeps_spelling else text
        for attempt in (typed,) if self._is_test else dict.fromkeys((typed, text)):
            recalled = recall(attempt, history, reading, self._lexicon, self._concepts)
            if not slots.agrees(recalled):
                continue
            # The rules rest on the order that was meant: in "after the dog, the cat?" it is not that of the text.
            meant = recalled if slots.is_free else replace(recalled, concepts=slots.concepts)
            answer = slots.answer or Statements(reading, meant, self._concepts).answer(slots.rule(family))
            return Sample(family, history, attempt, recalled, answer) if answer else None
        self.num_misread += 1
        return Sample(family, history, typed, Recall(), "", is_misread=True) if self._is_test else None
