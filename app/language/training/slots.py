"""What fills the placeholders of a phrasing: names, times, kinds and sides that make sense for a reading.

In: a question family, a `Reading`, a random generator. Out: `Slots`, the words and what the retrieval must find in the
finished text. The same state of the generator gives the same slots.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.language.embedded.lexicon import Lexicon, plural_of
from app.language.embedded.prompt import KIND_PLURALS
from app.language.embedded.reading import Reading
from app.language.embedded.recall import Recall
from app.language.embedded.statements import NUM_NAMED
from app.language.embedded.statements.words import with_article
from app.language.embedded.times import format_time
from app.language.training.phrasings import UnknownWord
from vision.encoders import Concept

__all__ = ["UNKNOWN_FAMILIES", "SlotFiller", "Slots"]

UNKNOWN_FAMILIES = frozenset(("unknown_now", "unknown_ever"))
_KIND_FAMILIES = frozenset(("kind_now", "kind_ever"))
_FREE_FAMILIES = frozenset(("out_of_scope", "greeting"))
_ANYONE_FAMILIES = frozenset(("anyone_now", "anyone_ever"))
_PERSON = 0  # the concept
# Families that ask whether something is there: half of what they name was never seen.
_EXISTENCE = frozenset((
    "exist_now", "exist_ever", "still_there", "gone", "exist_at", "exist_between", "exist_span", "either_now",
    "either_ever", "both_now", "whole_time",
))  # fmt: skip
# Families that mostly name what is in view.
_PRESENT = frozenset((
    "exist_now", "count_now", "where_now", "side_what", "side_yes_no", "side_which", "near", "still_there", "gone",
    "compare_concepts", "compare_which", "both_now", "either_now",
))  # fmt: skip
_ONE_MOMENT = frozenset(("count_at", "where_at", "exist_at", "describe_at", "describe_ago", "compare_now", "fu_at"))
_SPANS_S = (5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600)


@dataclass(frozen=True)
class Slots:
    """Words for the placeholders and what the retrieval must find in the finished text."""

    words: Mapping[str, Any]
    concepts: tuple[int, ...]
    num_times: int = 0
    is_range: bool = False
    kind: str | None = None
    base_rule: str | None = None
    answer: str | None = None
    is_free: bool = False  # any recall will do: the answer does not rest on it

    def rule(self, family: str) -> str:
        """The family whose rule answers the question."""
        return self.base_rule or family

    def agrees(self, recalled: Recall) -> bool:
        """True when the retrieval found what was meant; what an earlier question named may come along."""
        kinds = tuple(kind.kind for kind in recalled.kinds)
        is_general = not self.concepts and self.kind is None and recalled.is_inherited
        names_agree = sorted(recalled.concepts) == sorted(self.concepts) and kinds == (
            (self.kind,) if self.kind else ()
        )
        return self.is_free or (
            (is_general or names_agree)
            and len(recalled.moments) == self.num_times
            and (recalled.range is not None) == self.is_range
        )


class SlotFiller:
    """Picks what questions name. Immutable; the random generator is passed in."""

    def __init__(self, concepts: Sequence[Concept], lexicon: Lexicon, unknown_words: Sequence[UnknownWord]):
        self._concepts, self._lexicon, self._unknown_words = concepts, lexicon, unknown_words

    def fill(self, family: str, reading: Reading, rng: random.Random) -> Slots | None:
        """Slots for a question of `family`; None where the draw names the same concept twice or names none."""
        if family in UNKNOWN_FAMILIES:
            return Slots({"word": rng.choice(self._unknown_words)}, ())
        if family in _KIND_FAMILIES:
            return self._fill_kind(reading, rng)
        if family in _FREE_FAMILIES:
            return Slots({}, (), is_free=True)
        words: dict[str, str] = {}
        concepts: tuple[int, ...] = ()
        if family in _ANYONE_FAMILIES:
            concepts = (_PERSON,)
        elif family in NUM_NAMED:
            concepts = self._pick(family, reading, rng)
            if len(set(concepts)) < NUM_NAMED[family]:
                return None
        for suffix, concept in zip(("", "2"), concepts, strict=False):
            words |= self._names(concept, suffix, rng)
        words["side"] = rng.choice(("left", "right"))
        base_rule = f"{family}_{words['side']}" if family in ("side_what", "side_yes_no") else None
        words |= _times(family, reading, rng)
        num_times = 2 if family == "compare_times" else int(family in _ONE_MOMENT)
        is_range = family in ("exist_between", "describe_between", "exist_span")
        return Slots(words, concepts, num_times=num_times, is_range=is_range, base_rule=base_rule)

    def _fill_kind(self, reading: Reading, rng: random.Random) -> Slots:
        seen = {self._concepts[concept].kind for concept in reading.records}
        pool = [kind for kind in KIND_PLURALS if (kind in seen) == (rng.random() < 0.6)] or list(KIND_PLURALS)
        kind = rng.choice(pool)
        plural = KIND_PLURALS[kind]
        singular = plural if kind in ("food", "clothing", "furniture") else kind
        return Slots({"kinds": plural, "kind": singular}, (), kind=kind)

    def _pick(self, family: str, reading: Reading, rng: random.Random) -> tuple[int, ...]:
        """The concepts to name; none where a question about sides would mostly be about what is not in view."""
        seen = list(reading.records)
        present = [one.concept for one in reading.now.sightings]
        unseen_rate = 0.5 if family in _EXISTENCE else 0.15
        picked: list[int] = []
        for _ in range(NUM_NAMED[family]):
            if not seen or rng.random() < unseen_rate:
                picked.append(_PERSON if rng.random() < 0.05 else rng.randrange(len(self._concepts)))
            elif present and family in _PRESENT and rng.random() < 0.8:
                picked.append(rng.choice(present))
            else:
                picked.append(rng.choice(seen))
        is_any_absent = any(reading.now.sighting(concept) is None for concept in picked)
        if family.startswith("side") and is_any_absent and rng.random() < 0.6:
            return ()
        return tuple(picked)

    def _names(self, concept: int, suffix: str, rng: random.Random) -> dict[str, str]:
        """The forms in which a phrasing may name the concept, sometimes by a synonym."""
        entry = self._concepts[concept]
        name, plural, article = entry.name, entry.plural, with_article(entry)
        synonyms = [word for word in entry.synonyms if self._lexicon.find(word).concepts == (concept,)]
        if synonyms and entry.is_countable and rng.random() < 0.2:
            name = rng.choice(synonyms)
            plural, article = plural_of(name), f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
            if self._lexicon.find(plural).concepts != (concept,):
                plural = entry.plural
        some = plural if entry.is_countable else name
        words = {"a": article, "name": name, "the": f"the {name}", "plural": some, "any": f"any {some}"}
        return {key + suffix: value for key, value in words.items()}


def _times(family: str, reading: Reading, rng: random.Random) -> dict[str, str]:
    """Two times, a span up to now and a time ago; seldom a time that the stream has not reached."""
    first_s, last_s = reading.started_s, reading.t_now_s
    is_ahead = rng.random() < 0.07
    time_s = rng.uniform(last_s + 2, last_s * 1.5 + 30) if is_ahead else rng.uniform(first_s, last_s)
    other_s = rng.uniform(first_s, last_s)
    words = {"t": _clock(time_s, rng), "t2": _clock(other_s, rng)}
    length_s = rng.choice([span_s for span_s in _SPANS_S if span_s <= max(last_s - first_s, 5)])
    words["span"] = _span(length_s, rng)
    words["ago"] = f"{_spoken(length_s, rng)} {rng.choice(('ago', 'ago', 'ago', 'earlier'))}"
    if family in ("exist_between", "describe_between"):
        start_s, end_s = sorted((rng.uniform(first_s, last_s), rng.uniform(first_s, last_s)))
        words["t"], words["t2"] = format_time(start_s), format_time(end_s)
    return words


def _clock(time_s: float, rng: random.Random) -> str:
    seconds = int(time_s)
    if seconds < 120 and rng.random() < 0.2:
        return f"{seconds} seconds" if seconds != 1 else "1 second"
    return format_time(time_s)


def _span(length_s: int, rng: random.Random) -> str:
    word = rng.choice(("last", "last", "past"))
    return f"the {word} minute" if length_s == 60 else f"the {word} {_spoken(length_s, rng)}"


def _spoken(length_s: int, rng: random.Random) -> str:
    if length_s < 60:
        return f"{length_s} {rng.choice(('seconds', 'seconds', 'secs'))}"
    if length_s % 60:
        return f"{length_s} seconds"
    return "a minute" if length_s == 60 else f"{length_s // 60} minutes"
