"""What a question brings back from the memory: records of the concepts it names, moments and ranges it asks about.

In: the question's text, earlier questions, a `Reading`. Out: a `Recall`, which the prompt shows right before the
question and from which the answer's evidence is taken (evidence.py). Retrieval by content and by time; nothing here
decides what the answer says. Pure; any thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.language.embedded.lexicon import Lexicon, split_words
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
# Questions that speak of what was named before: "where is it?", "and now?", "what about at 0:20?".
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|he|she|him|her|one|ones)\b"
    r"|\bthat\b(?=\W*$| (?:was|is|happen|still|one|first|also|look|for|take|in|too))"
    r"|\bthis happen|\bfor how long\b|^(?:and|still|again|look|same)\b|\bthe same\b|\bonce more\b|\bagain\b"
    r"|^(?:what|how) about\b"
    r"|^what if\b|^how do things\b|^first time\b"
)
# Where, when, how many, how long, with nothing named: of what was spoken of before.
_ASKS_DETAIL = re.compile(
    r"^(?:so |but |well )?(?:where|when|how (?:far|long|many|much)"
    r"|(?:on |in |at |to )?(?:what|which)(?: is| was|'s)?(?: the)? "
    r"(?:position|place|side|part|corner|area|count|number|time|point|length|duration|total|earliest|first|last))\b"
    r"|\bclock,? when\b"
)
# Words that look like pointing back and speak of the watching itself, or of things as such.
_POINTS_NOWHERE = re.compile(
    r"\btime is it\b|\btime of day\b|^(?:hello|hi|hey|thank)|\byou been\b|\bhave you watched\b|\bare we\b"
    r"|\bpassed\b|\belapsed\b|\brunning\b"
    r"|\bthings?\b(?! stand)|\bkinds?\b|\bobjects?\b|\byou start|\bit all\b|\bgone by\b|\btime ?stamp|\bbeen on\b"
    r"|\bdid you watch\b"
)
# Questions about everything in view or everything so far.
_WHOLE_SCENE = re.compile(
    r"\bwhat(?: is|'s| was| were| had| did| do| does)\b|^(?:what|who|list|describe|latest|first|newest)\b"
    r"|\b(?:see|saw|seen|look|looks|looking|visible|view|picture|scene|happen\w*|"
    r"anything|something|everything|going|watch\w*|stream|video|far|missed|summar\w*|began|"
    r"catch me|fill me|talk me|newcomer|in words)\b"
)
_SHORT_WORDS, _DETAIL_WORDS = 6, 9
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


def recall(
    text: str, history: Sequence[tuple[str, str]], reading: Reading, lexicon: Lexicon, concepts: Sequence[Concept]
) -> Recall:
    """Retrieve for the question `text`.

    A question that names nothing and is short or points back ("and now?", "where is it?") inherits the concepts of the
    newest earlier question that named some.
    """
    mentions = lexicon.find(text)
    if not mentions.concepts and not mentions.kinds and _points_back(text):
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
    )


def _points_back(text: str) -> bool:
    folded = " ".join(text.lower().replace("’", "'").split())
    num_words = len(split_words(folded))
    if _POINTS_NOWHERE.search(folded):
        return False
    if _POINTS_BACK.search(folded) or (num_words <= _DETAIL_WORDS and _ASKS_DETAIL.search(folded)):
        return True
    return num_words <= _SHORT_WORDS and not _WHOLE_SCENE.search(folded)


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
