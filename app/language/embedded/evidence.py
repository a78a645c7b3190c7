"""What an answer rests on: the spans and frames of the memory that its sentence speaks of.

In: the family of the sentence that was said, what was recalled for the question, the reading. Out: `Evidence` in order
of time. Taken from memory and retrieval alone: the language model has no say in it. Pure; any thread.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from app.language.embedded.prompt import MAX_LISTED, shown_records
from app.language.embedded.reading import Moment, Reading, Record
from app.language.embedded.recall import AskedRange, Recall
from app.language.lmm import Evidence
from memory import Span

__all__ = ["MAX_EVIDENCE", "evidence_for"]

MAX_EVIDENCE = 4

_Chooser = Callable[[Recall, Reading], list[Evidence]]


def evidence_for(family: str | None, recalled: Recall, reading: Reading) -> tuple[Evidence, ...]:
    """At most MAX_EVIDENCE spans, in order of time; the newest frame where the answer rests on nothing older. Empty
    where it rests on nothing that was seen: a greeting, or that something cannot be told.

    family: of the sentence that was said (`statements.FAMILIES`); None when it is none of them.
    """
    if recalled.is_inherited and (family is None or family in _GENERAL):
        recalled = replace(recalled, concepts=(), kinds=())  # the answer was not about what an earlier question named
    names_nothing = not (recalled.concepts or recalled.kinds or recalled.moments or recalled.range)
    if family in _UNSEEN or (family is None and names_nothing):
        return ()
    choose = _CHOOSERS.get(family or "", _all_spans)
    found = sorted(set(choose(recalled, reading)), key=lambda one: one.start_s) or [_of_moment(reading.now)]
    return tuple(found if len(found) <= MAX_EVIDENCE else [*found[: MAX_EVIDENCE - 1], found[-1]])


def _all_spans(recalled: Recall, reading: Reading) -> list[Evidence]:
    """Where a time was asked about, that moment; else every span of what was named."""
    if recalled.moments:
        return [_of_moment(asked.moment) for asked in recalled.moments if not asked.is_future]
    records = _named(recalled, reading)
    for kind in recalled.kinds:
        records += [reading.records[concept] for concept, _ in kind.ever]
    return [_of_span(span) for record in records for span in record.spans if _is_asked(span, recalled.range)]


def _present(recalled: Recall, reading: Reading) -> list[Evidence]:
    """The newest frame; for what is no longer in view, when it was last seen."""
    named = _named(recalled, reading)
    gone = [_of_span(record.spans[-1]) for record in named if not record.is_present]
    return gone if gone and len(gone) == len(named) else [_of_moment(reading.now), *gone]


def _first(recalled: Recall, reading: Reading) -> list[Evidence]:
    return _first_spans(_named(recalled, reading))


def _last(recalled: Recall, reading: Reading) -> list[Evidence]:
    return [_of_span(record.spans[-1]) for record in _named(recalled, reading)]


def _peak(recalled: Recall, reading: Reading) -> list[Evidence]:
    return [
        Evidence(start_s=record.peak_time_s, end_s=record.peak_time_s, frame_id=record.peak_frame_id)
        for record in _named(recalled, reading)
    ]


def _everything(recalled: Recall, reading: Reading) -> list[Evidence]:
    return _first_spans(shown_records(reading)[:MAX_LISTED])


def _first_thing(recalled: Recall, reading: Reading) -> list[Evidence]:
    return _first_spans(shown_records(reading)[:1])


def _newest_thing(recalled: Recall, reading: Reading) -> list[Evidence]:
    return _first_spans(shown_records(reading)[-1:])


def _in_range(recalled: Recall, reading: Reading) -> list[Evidence]:
    """Of each thing that is named for a range, its first span there; of a range in which nothing was seen, none."""
    asked = recalled.range
    if asked is None:
        return _all_spans(recalled, reading)
    records = [reading.records[concept] for concept, _ in asked.peaks[:MAX_LISTED] if concept in reading.records]
    spans = [[span for span in record.spans if _is_asked(span, asked)] for record in records]
    return [_of_span(found[0]) for found in spans if found]


def _now_and_then(recalled: Recall, reading: Reading) -> list[Evidence]:
    return [_of_moment(reading.now), *_all_spans(recalled, reading)]


_CHOOSERS: dict[str, _Chooser] = {
    **dict.fromkeys(
        (
            "exist_now", "anyone_now", "still_there", "gone", "count_now", "either_now", "both_now", "compare_concepts",
            "compare_which", "describe_now", "kind_now", "where_now", "near", "side_what_left", "side_what_right",
            "side_yes_no_left", "side_yes_no_right", "side_which",
        ),
        _present,
    ),
    **dict.fromkeys(("first", "order", "order_yes_no", "exist_ever", "anyone_ever"), _first),
    "last": _last,
    **dict.fromkeys(("count_max", "count_distinct"), _peak),
    "describe_all": _everything,
    "first_thing": _first_thing,
    "newest_thing": _newest_thing,
    "compare_now": _now_and_then,
    "describe_between": _in_range,
}  # fmt: skip

_UNSEEN = frozenset(("greeting", "out_of_scope"))
# Families that speak of no concept in particular.
_GENERAL = frozenset(
    (
        "describe_now", "describe_all", "describe_at", "describe_ago", "describe_between", "first_thing",
        "newest_thing", "kinds_count", "watching", "greeting", "out_of_scope",
    )
)  # fmt: skip


def _named(recalled: Recall, reading: Reading) -> list[Record]:
    return [reading.records[concept] for concept in recalled.concepts if concept in reading.records]


def _first_spans(records: Iterable[Record]) -> list[Evidence]:
    return [_of_span(record.spans[0]) for record in records]


def _is_asked(span: Span, asked: AskedRange | None) -> bool:
    return asked is None or (span.end_s >= asked.start_s and span.start_s <= asked.end_s)


def _of_moment(moment: Moment) -> Evidence:
    return Evidence(start_s=moment.start_s, end_s=moment.end_s, frame_id=moment.frame_id)


def _of_span(span: Span) -> Evidence:
    return Evidence(start_s=span.start_s, end_s=span.end_s, frame_id=span.peak_frame_id)
