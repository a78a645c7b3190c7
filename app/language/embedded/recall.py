"""What a question brings back from the memory: records of the concepts it names, moments and ranges it asks about.

In: the question's text, earlier questions, a `Reading`. Out: a `Recall`, which the prompt shows right before the
question and from which the answer's evidence is taken (evidence.py). Retrieval by content and by time; nothing here
decides what the answer says. Pure; any thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import Moment, Reading, Sighting
from app.language.embedded.times import find_times
from vision.encoders import Concept

__all__ = [
    "LEVEL",
    "AskedMoment",
    "AskedRange",
    "KindRecall",
    "Recall",
    "neighbours",
    "recall",
]

MAX_ASKED = 3
NEAR_S = 1.5  # farther than this from every kept moment, the answer says which moment it used
LEVEL = 0.06  # centres closer than this share of the picture's width are level with each other
_SIDE_CUE = re.compile(r"\b(left|right|left-hand|right-hand|side)\b")


@dataclass(frozen=True)
class AskedMoment:
    """A time that was asked about and the kept moment nearest to it.

    `is_near`: the asked time itself was not kept; `is_future`: the stream has not got there yet.
    """

    asked_s: float
    moment: Moment
    sightings: tuple[Sighting, ...]
    is_near: bool
    is_future: bool

    def count(self, concept: int) -> int:
        return next((one.count for one in self.sightings if one.concept == concept), 0)


@dataclass(frozen=True)
class AskedRange:
    """A range of time that was asked about and the most that was seen at once of each concept within it."""

    start_s: float
    end_s: float
    peaks: tuple[tuple[int, int], ...]

    def count(self, concept: int) -> int:
        return dict(self.peaks).get(concept, 0)


@dataclass(frozen=True)
class KindRecall:
    """The members of a kind ("animals"): (concept, count now) and (concept, most at once so far)."""

    kind: str
    now: tuple[tuple[int, int], ...]
    ever: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Recall:
    """Everything retrieved for one question."""

    concepts: tuple[int, ...] = ()
    kinds: tuple[KindRecall, ...] = ()
    moments: tuple[AskedMoment, ...] = ()
    range: AskedRange | None = None
    asks_side: bool = False
    is_inherited: bool = False  # concepts and kinds were named by an earlier question, not by this one


def recall(
    text: str, history: Sequence[tuple[str, str]], reading: Reading, lexicon: Lexicon, concepts: Sequence[Concept]
) -> Recall:
    """Retrieve for the question `text`.

    A question that names nothing inherits what the newest earlier question that named something was about: whether it
    speaks of that ("and now?", "where is it?") or of the whole ("what do you see?") is for the language model to tell.
    """
    text = lexicon.corrected(text)
    mentions = lexicon.find(text)
    is_inherited = not mentions.concepts and not mentions.kinds
    if is_inherited:
        for earlier, _ in reversed(history):
            mentions = lexicon.find(earlier)
            if mentions.concepts or mentions.kinds:
                break
    times = find_times(text, reading.t_now_s, reading.started_s)
    asked_range = next((time for time in times if time.is_range), None)
    return Recall(
        concepts=mentions.concepts[:MAX_ASKED],
        kinds=tuple(_kind(kind, reading, concepts) for kind in mentions.kinds[:1]),
        moments=() if asked_range else tuple(_moment(time.start_s, reading) for time in times[:2]),
        range=_range(asked_range.start_s, asked_range.end_s, reading) if asked_range else None,
        asks_side=_SIDE_CUE.search(text.lower()) is not None,
        is_inherited=is_inherited and bool(mentions.concepts or mentions.kinds),
    )


def neighbours(concept: int, reading: Reading) -> tuple[Sighting | None, tuple[Sighting, ...], tuple[Sighting, ...]]:
    """For a concept in view: the nearest other one, those to its left (nearest first) and those to its right."""
    own = reading.now.sighting(concept)
    others = [one for one in reading.now.sightings if one.concept != concept]
    if own is None or not others:
        return None, (), ()
    nearest = min(others, key=lambda one: (one.x - own.x) ** 2 + (one.y - own.y) ** 2)
    left = tuple(one for one in reversed(others) if one.x < own.x - LEVEL)
    right = tuple(one for one in others if one.x > own.x + LEVEL)
    return nearest, left, right


def _moment(asked_s: float, reading: Reading) -> AskedMoment:
    moment, sightings = reading.at(asked_s)
    is_future = asked_s > reading.t_now_s + NEAR_S
    return AskedMoment(asked_s, moment, sightings, moment.distance_s(asked_s) > NEAR_S, is_future)


def _range(start_s: float, end_s: float, reading: Reading) -> AskedRange:
    peaks = []
    for record in sorted(reading.records.values(), key=lambda record: record.first_s):
        counts = [span.peak_count for span in record.spans if span.end_s >= start_s and span.start_s <= end_s]
        if counts:
            peaks.append((record.concept, max(max(counts), 1)))
    return AskedRange(start_s, end_s, tuple(peaks))


def _kind(kind: str, reading: Reading, concepts: Sequence[Concept]) -> KindRecall:
    now = tuple((one.concept, one.count) for one in reading.now.sightings if concepts[one.concept].kind == kind)
    seen = sorted(reading.records.values(), key=lambda record: record.first_s)
    ever = tuple((record.concept, record.peak_count) for record in seen if concepts[record.concept].kind == kind)
    return KindRecall(kind, now, ever)
