"""The prompt of the embedded LMM: the memory as concept sequences, what the question recalls, the question.

In: a `Reading`, a `Recall`, texts. Out: token ids in one id space: below `num_text_tokens` SmolLM2's own tokens, above
it the connector's soft tokens (one for each concept name, count, region and marker). Attributes stand side by side as
tokens of their own; summed into one vector a 135M model could not tell them apart (docs/LOG.md). Used by one thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.language.embedded.reading import MAX_COUNT, REGIONS, Moment, Reading, Record, Sighting
from app.language.embedded.recall import LEVEL, AskedMoment, Recall, neighbours
from app.language.embedded.times import format_length, format_time
from vision.encoders import Concept

__all__ = [
    "COUNT_WORDS",
    "KIND_PLURALS",
    "MARKERS",
    "MAX_LISTED",
    "MAX_NOW",
    "STOP_ID",
    "PromptWriter",
    "SoftVocabulary",
    "heaviest",
    "is_whole_time",
    "nearest_time_s",
    "shown_records",
    "side_order",
    "soft_token_texts",
    "spread",
    "time_order",
]

COUNT_WORDS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "many",
)  # fmt: skip
# Each marker and the words that it starts as; trained weights rest on their order.
MARKERS = {
    "slot": "time", "seen": "seen so far", "now": "now", "nothing": "nothing", "asked": "question about",
    "never": "never seen", "present": "in view", "absent": "gone", "first": "first", "last": "last", "peak": "at most",
    "for": "for", "times": "times", "always": "whole time", "beside": "next to", "left of": "left of",
    "right of": "right of", "level with": "same place", "earlier than": "before", "later than": "after",
    "same time as": "same time", "at": "at", "nearest": "nearest moment", "not yet": "future", "between": "between",
    "kind": "kind", "ever": "ever",
}  # fmt: skip
KIND_PLURALS = {
    "animal": "animals", "vehicle": "vehicles", "food": "food", "furniture": "furniture", "electronics": "electronics",
    "clothing": "clothes", "tool": "tools", "instrument": "instruments", "building": "buildings",
}  # fmt: skip
MAX_SLOTS, MAX_SLOT_CONCEPTS, MAX_SEEN, MAX_NOW, MAX_LISTED = 8, 3, 10, 8, 6
STOP_ID = 2  # <|im_end|>
_WHOLE_SHARE = 0.9  # things of middle size are missed in about a tenth of the frames (bench/encoder_noise.py)


@dataclass(frozen=True)
class SoftVocabulary:
    """Ids of the connector's soft tokens, counted on from the language model's own vocabulary."""

    num_text_tokens: int
    num_concepts: int

    @property
    def size(self) -> int:
        return self.num_concepts + len(COUNT_WORDS) + len(REGIONS) + len(MARKERS)

    def name(self, concept: int) -> int:
        return self.num_text_tokens + concept

    def count(self, count: int) -> int:
        return self.num_text_tokens + self.num_concepts + min(max(count, 0), MAX_COUNT)

    def region(self, region: int) -> int:
        return self.num_text_tokens + self.num_concepts + len(COUNT_WORDS) + region

    def marker(self, marker: str) -> int:
        before = self.num_text_tokens + self.num_concepts + len(COUNT_WORDS) + len(REGIONS)
        return before + tuple(MARKERS).index(marker)


def soft_token_texts(concepts: Sequence[Concept]) -> list[str]:
    """The words whose mean embedding initialises each soft token, in the order of `SoftVocabulary`."""
    return [*(concept.name for concept in concepts), *COUNT_WORDS, *REGIONS, *MARKERS.values()]


class PromptWriter:
    """Writes prompts as token ids. `encode` turns text into SmolLM2 token ids without special tokens."""

    def __init__(self, concepts: Sequence[Concept], vocabulary: SoftVocabulary, encode: Callable[[str], list[int]]):
        self._concepts = concepts
        self._soft = vocabulary
        self._encode = encode
        self._time_ids: dict[str, list[int]] = {}

    def memory(self, reading: Reading) -> list[int]:
        """What every question about one snapshot shares: event slots, records in order of first sight, the present."""
        ids = [1, *self._encode("\n")]  # <|im_start|>
        for moment in spread(reading.moments, MAX_SLOTS):
            ids += [
                self._soft.marker("slot"),
                *self._range(moment.start_s, moment.end_s),
                *self._sightings(moment, MAX_SLOT_CONCEPTS, reading),
            ]
        ids += [self._soft.marker("seen"), *self._text(f" {len(reading.records)}")]
        for record in shown_records(reading):
            ids += [self._soft.name(record.concept), self._soft.count(record.peak_count), *self._time(record.first_s)]
        ids += [self._soft.marker("now"), *self._time(reading.t_now_s), *self._sightings(reading.now, MAX_NOW, reading)]
        return ids

    def question(self, text: str, history: Sequence[tuple[str, str]], recalled: Recall, reading: Reading) -> list[int]:
        """What belongs to one question: the earlier question and answer, what was recalled, the question itself."""
        ids: list[int] = []
        for earlier, answer in history[-1:]:
            ids += self._encode(f"\nQuestion: {earlier.strip()}\nAnswer: {answer.strip()}")
        ids += self._encode("\n")
        for concept in recalled.concepts:
            ids += self._asked(concept, recalled, reading)
        if len(recalled.concepts) >= 2:
            ids += self._relation(recalled.concepts[0], recalled.concepts[1], reading)
        for kind in recalled.kinds:
            ids += [self._soft.marker("kind"), *self._text(" " + KIND_PLURALS.get(kind.kind, kind.kind))]
            ids += [
                self._soft.marker("present"),
                *self._counts(kind.now),
                self._soft.marker("ever"),
                *self._counts(kind.ever),
            ]
        for asked in recalled.moments:
            ids += self._moment(asked, recalled)
        if recalled.range is not None:
            listed = recalled.range.peaks
            if recalled.concepts:
                listed = tuple((concept, recalled.range.count(concept)) for concept in recalled.concepts)
            ids += [
                self._soft.marker("between"),
                *self._range(recalled.range.start_s, recalled.range.end_s),
                *self._counts(listed),
            ]
        return ids + self._encode(f"\nQuestion: {text.strip()}\nAnswer:")

    def answer(self, text: str) -> list[int]:
        """The ids that the model learns to write, the stop token last."""
        return [*self._encode(" " + text), STOP_ID]

    def _text(self, text: str) -> list[int]:
        if text not in self._time_ids:
            if len(self._time_ids) > 20_000:
                self._time_ids.clear()
            self._time_ids[text] = self._encode(text)
        return self._time_ids[text]

    def _time(self, time_s: float) -> list[int]:
        return self._text(" " + format_time(time_s))

    def _range(self, start_s: float, end_s: float) -> list[int]:
        start, end = format_time(start_s), format_time(end_s)
        return self._text(f" {start}") if start == end else [*self._text(f" {start}"), *self._text(f"-{end}")]

    def _sightings(self, moment: Moment, limit: int, reading: Reading) -> list[int]:
        if not moment.sightings:
            return [self._soft.marker("nothing")]
        ids = []
        for one in heaviest(moment.sightings, limit, reading):
            ids += [self._soft.name(one.concept), self._soft.count(one.count), self._soft.region(one.region)]
        return ids

    def _counts(self, counts: Sequence[tuple[int, int]]) -> list[int]:
        ids = [
            token
            for concept, count in counts[:MAX_LISTED]
            for token in (self._soft.name(concept), self._soft.count(count))
        ]
        return ids or [self._soft.marker("nothing")]

    def _asked(self, concept: int, recalled: Recall, reading: Reading) -> list[int]:
        marker, record = self._soft.marker, reading.records.get(concept)
        entry = self._concepts[concept]
        spelled = entry.name if entry.plural == entry.name else f"{entry.name}, {entry.plural}"
        ids = [marker("asked"), self._soft.name(concept), *self._text(" " + spelled)]
        if record is None:
            return [*ids, marker("never")]
        own = reading.now.sighting(concept)
        if own is None:
            last = reading.count_at(concept, reading.moment_at(record.last_s), record.last_s)
            ids += [marker("absent"), *([self._soft.region(last.region)] if last else [])]
        else:
            ids += [marker("present"), self._soft.count(own.count), self._soft.region(own.region)]
        for name, span in (("first", record.spans[0]), ("last", record.spans[-1])):
            ids += [marker(name), *self._time(span.start_s), *self._text(f"-{format_time(span.end_s)}")]
        ids += [marker("peak"), self._soft.count(record.peak_count), *self._time(record.peak_time_s)]
        ids += [
            marker("for"),
            *self._text(" " + format_length(record.present_s)),
            marker("times"),
            self._soft.count(record.num_appearances),
        ]
        if is_whole_time(record, reading):
            ids.append(marker("always"))
        if own is not None:
            ids += self._beside(concept, recalled, reading)
        return ids

    def _beside(self, concept: int, recalled: Recall, reading: Reading) -> list[int]:
        nearest, left, right = neighbours(concept, reading)
        ids = [
            self._soft.marker("beside"),
            self._soft.name(nearest.concept) if nearest else self._soft.marker("nothing"),
        ]
        if recalled.asks_side:
            for name, side in (("left of", left), ("right of", right)):
                ids += [self._soft.marker(name), *self._counts([(one.concept, one.count) for one in side[:3]])]
        return ids

    def _relation(self, first: int, second: int, reading: Reading) -> list[int]:
        ids = []
        a, b = reading.records.get(first), reading.records.get(second)
        if a is not None and b is not None:
            ids += [self._soft.name(first), self._soft.marker(time_order(a, b)), self._soft.name(second)]
        here, there = reading.now.sighting(first), reading.now.sighting(second)
        if here is not None and there is not None:
            ids += [self._soft.name(first), self._soft.marker(side_order(here, there)), self._soft.name(second)]
        return ids

    def _moment(self, asked: AskedMoment, recalled: Recall) -> list[int]:
        ids = [self._soft.marker("at"), *self._time(asked.asked_s)]
        if asked.is_future:
            return [*ids, self._soft.marker("not yet")]
        if asked.is_near:
            ids += [self._soft.marker("nearest"), *self._time(nearest_time_s(asked))]
        shown = [one for one in asked.sightings if not recalled.concepts or one.concept in recalled.concepts]
        missing = [concept for concept in recalled.concepts if asked.count(concept) == 0]
        for one in shown[:MAX_LISTED]:
            ids += [self._soft.name(one.concept), self._soft.count(one.count), self._soft.region(one.region)]
        for concept in missing:
            ids += [self._soft.name(concept), self._soft.count(0)]
        return ids if shown or missing else [*ids, self._soft.marker("nothing")]


def nearest_time_s(asked: AskedMoment) -> float:
    """The time inside the kept moment that lies nearest to the asked one."""
    return min(max(asked.asked_s, asked.moment.start_s), asked.moment.end_s)


def is_whole_time(record: Record, reading: Reading) -> bool:
    """True when the concept was in view from the first moment to now (within two seconds or 2 %), in one piece or for
    nine tenths of the time: in the rest it may have been missed."""
    watched_s = reading.t_now_s - reading.started_s
    early = record.first_s - reading.started_s <= max(2.0, 0.02 * watched_s)
    is_whole = record.num_appearances == 1 or record.present_s >= _WHOLE_SHARE * watched_s
    return early and record.is_present and is_whole


def time_order(first: Record, second: Record) -> str:
    """Which of two records began first, in whole seconds: a marker's name."""
    a, b = int(first.first_s), int(second.first_s)
    return "earlier than" if a < b else "later than" if a > b else "same time as"


def side_order(first: Sighting, second: Sighting) -> str:
    """Which of two sightings is further left: a marker's name."""
    gap = second.x - first.x
    return "level with" if abs(gap) <= LEVEL else "left of" if gap > 0 else "right of"


def spread(moments: Sequence[Moment], limit: int) -> list[Moment]:
    """At most `limit` of the moments, in order of time, ends included."""
    if len(moments) <= limit:
        return list(moments)
    step = (len(moments) - 1) / (limit - 1)
    return [moments[round(index * step)] for index in range(limit)]


def heaviest(sightings: Sequence[Sighting], limit: int, reading: Reading) -> list[Sighting]:
    """At most `limit` sightings, those of the concepts longest in view, still from left to right."""
    if len(sightings) <= limit:
        return list(sightings)
    ranked = sorted(sightings, key=lambda one: (-reading.records[one.concept].present_s, one.concept))
    kept = {one.concept for one in ranked[:limit]}
    return [one for one in sightings if one.concept in kept]


def shown_records(reading: Reading) -> list[Record]:
    """The records that the prompt lists: the longest in view, in order of first sight."""
    ranked = sorted(reading.records.values(), key=lambda record: (-record.present_s, record.concept))[:MAX_SEEN]
    return sorted(ranked, key=lambda record: (record.first_s, record.concept))
