"""Scores an answer about a real clip by rules that a person wrote after looking at it.

In: a question file (bench/real_clips/*.json) and the text of answers. Out: right or wrong, the rules that failed,
the objects that the answer invented. Pure, any thread. The form of the rules is described in bench/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.answer_reading import affirmed, count, durations_s, has_word, polarity, region, times_s

__all__ = ["FAMILIES", "RULES", "ItemScore", "Vocabulary", "load_clips", "score_item"]

FAMILIES = (
    "exists_now", "exists_ever", "anyone", "count_now", "count_at", "count_max", "first_time", "last_time", "where",
    "left_right", "describe_now", "describe_at", "describe_whole", "order", "compare", "either_or", "how_long",
    "how_often", "whole_time", "follow_up",
)  # fmt: skip
_IGNORED_WORDS = frozenset({"screen", "watch", "light", "head", "face", "someone", "anyone", "anybody", "somebody"})
Rule = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ItemScore:
    """What became of one question. `invented`: words for concepts that the answer claims and the clip never shows."""

    is_right: bool
    failed_rules: tuple[str, ...]
    invented: tuple[str, ...]
    has_true_evidence: (
        bool | None
    )  # None: nothing to point at (the thing was never there), or no evidence was asked for


class Vocabulary:
    """The named concepts of the vision encoder, by every word for them. Immutable after construction."""

    def __init__(self, concepts: Iterable[Mapping[str, Any]]):
        self._broader: dict[str, str] = {}
        self._concepts_of: dict[str, set[str]] = {}
        for concept in concepts:
            self._broader[concept["name"]] = concept.get("broader", "")
            for word in (concept["name"], concept.get("plural", concept["name"]), *concept.get("synonyms", ())):
                for form in (word, f"{word}s", f"{word}es"):
                    self._concepts_of.setdefault(form.lower(), set()).add(concept["name"])
        words = sorted(self._concepts_of, key=len, reverse=True)
        self._pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b") if words else None

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def concepts_of(self, word: str) -> set[str]:
        """The concepts that the word may mean, with what is broader than they (an eagle is a bird)."""
        names = set(self._concepts_of.get(word.lower(), ()))
        for name in tuple(names):
            while name := self._broader.get(name, ""):
                names.add(name)
        return names

    def invented(self, answer: str, visible_words: Sequence[str]) -> tuple[str, ...]:
        """Words for concepts that the answer affirms and that mean nothing the clip shows; in order, no repeats."""
        if self._pattern is None:
            return ()
        visible = set().union(*(self.concepts_of(word) for word in visible_words)) if visible_words else set()
        words = [found[0] for found in self._pattern.finditer(affirmed(answer))]
        wrong = [word for word in words if word not in _IGNORED_WORDS and not self._concepts_of[word] & visible]
        return tuple(dict.fromkeys(wrong))


def load_clips(folder: Path, split: str = "all") -> list[dict[str, Any]]:
    """The question files of a split ("dev", "held_out" or "all"), ordered by name."""
    clips = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [clip for clip in clips if split in ("all", clip["split"])]


def score_item(
    item: Mapping[str, Any],
    answer: str,
    visible_words: Sequence[str],
    vocabulary: Vocabulary,
    evidence: Sequence[Mapping[str, float]] = (),
) -> ItemScore:
    """Scores one answer: every rule of `accept` must hold."""
    failed = tuple(next(iter(rule)) for rule in item["accept"] if not _holds(rule, answer, item["at_s"]))
    return ItemScore(
        is_right=not failed,
        failed_rules=failed,
        invented=vocabulary.invented(answer, visible_words),
        has_true_evidence=_points_at(item["evidence"], evidence) if item["evidence"] else None,
    )


def _points_at(truth: Sequence[float], evidence: Sequence[Mapping[str, float]], slack_s: float = 1.0) -> bool:
    """Whether some cited span overlaps the true one."""
    return any(span["start_s"] <= truth[1] + slack_s and span["end_s"] >= truth[0] - slack_s for span in evidence)


def _holds(rule: Rule, answer: str, at_s: float) -> bool:
    ((name, wanted),) = rule.items()
    return RULES[name](wanted, answer, at_s)


def _within(value: float | None, limits: Sequence[float]) -> bool:
    return value is not None and limits[0] <= value <= limits[1]


def _count_rule(wanted: Sequence[int], answer: str, at_s: float) -> bool:
    return _within(count(answer), wanted)


def _time_rule(wanted: Sequence[float], answer: str, at_s: float) -> bool:
    times = times_s(answer, at_s)
    return bool(times) and _within(times[0], wanted)


def _last_time_rule(wanted: Sequence[float], answer: str, at_s: float) -> bool:
    times = times_s(answer, at_s)
    return bool(times) and _within(times[-1], wanted)


def _duration_rule(wanted: Sequence[float], answer: str, at_s: float) -> bool:
    found_s = durations_s(answer, at_s)
    return bool(found_s) and _within(found_s[0], wanted)


def _mentions(words: Sequence[str], answer: str) -> bool:
    text = affirmed(answer)
    return any(has_word(text, word) for word in words)


def _at_least_rule(wanted: Mapping[str, Any], answer: str, at_s: float) -> bool:
    return sum(_mentions(words, answer) for words in wanted["of"]) >= wanted["n"]


def _choice_rule(wanted: Mapping[str, Sequence[str]], answer: str, at_s: float) -> bool:
    return _mentions(wanted["is"], answer) and not _mentions(wanted["not"], answer)


def _first_of_rule(wanted: Mapping[str, Sequence[str]], answer: str, at_s: float) -> bool:
    """The right one is named first, or the other is said to have come after it."""
    text = affirmed(answer)
    right, wrong = _place_of(wanted["is"], text), _place_of(wanted["not"], text)
    if right is None:
        return False
    if wrong is None:
        return True
    between = text[min(right, wrong) : max(right, wrong)]
    is_turned = re.search(r"\b(?:after|later than|second)\b", between) is not None
    return (right < wrong) != is_turned


def _place_of(words: Sequence[str], text: str) -> int | None:
    places = [found.start() for word in words if (found := re.search(rf"\b{re.escape(word)}(?:s|es)?\b", text))]
    return min(places, default=None)


def _any_of_rule(wanted: Sequence[Rule], answer: str, at_s: float) -> bool:
    return any(_holds(rule, answer, at_s) for rule in wanted)


RULES = {
    "yes_no": lambda wanted, answer, at_s: polarity(answer) == wanted,
    "denies": lambda wanted, answer, at_s: (polarity(answer) == "no") is wanted,
    "count": _count_rule,
    "time_s": _time_rule,
    "last_time_s": _last_time_rule,
    "duration_s": _duration_rule,
    "region_any": lambda wanted, answer, at_s: region(answer) in wanted,
    "mentions_any": lambda wanted, answer, at_s: _mentions(wanted, answer),
    "mentions_none": lambda wanted, answer, at_s: not _mentions(wanted, answer),
    "mentions_at_least": _at_least_rule,
    "choice": _choice_rule,
    "first_of": _first_of_rule,
    "any_of": _any_of_rule,
}
