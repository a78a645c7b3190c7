"""Right answers about the stream so far: whether ever, when, how often, how long, in which order.

In: a `Case`. Out: one canonical sentence. `SO_FAR` names the rule of every question family. Pure; any thread.
"""

from collections.abc import Callable

from app.language.embedded.prompt import KIND_PLURALS, MAX_LISTED, is_whole_time, shown_records, time_order
from app.language.embedded.reading import Record
from app.language.embedded.statements.case import NOTHING, Case, Rule, Rules
from app.language.embedded.statements.words import capital, joined, times
from app.language.embedded.times import format_length, format_time

__all__ = ["SO_FAR"]

_NOTHING_SO_FAR = f"So far I saw {NOTHING}."


# --- one concept -----------------------------------------------------------------------------------------------------
def _if_seen(rule: Callable[[Case, Record], str], unseen: str = "") -> Rule:
    """`rule` where the first asked concept was ever seen; else that it was not, after the word `unseen`."""

    def guarded(case: Case) -> str:
        record = case.record(case.first)
        return unseen + case.never(case.first) if record is None else rule(case, record)

    return guarded


def _exist(case: Case, record: Record) -> str:
    return f"Yes, I saw {case.a(record.concept)}, first at {format_time(record.first_s)}."


def _most(case: Case, record: Record) -> str:
    return f"At most {case.num(record.peak_count, record.concept)} at once, at {format_time(record.peak_time_s)}."


def _distinct(case: Case, record: Record) -> str:
    return f"I can't tell them apart; at most I saw {case.num(record.peak_count, record.concept)} at once."


def _times_seen(case: Case, record: Record) -> str:
    return f"I saw {case.a(record.concept)} {times(record.num_appearances)}."


def _first(case: Case, record: Record) -> str:
    return f"I first saw {case.a(record.concept)} at {format_time(record.first_s)}."


def _last(case: Case, record: Record) -> str:
    if record.is_present:
        return f"I can see {case.a(record.concept)} right now."
    return f"I last saw {case.a(record.concept)} at {format_time(record.last_s)}."


def _when(case: Case, record: Record) -> str:
    name, start, end = case.a(record.concept), format_time(record.first_s), format_time(record.last_s)
    if record.num_appearances == 1:
        return f"I saw {name} from {start} {'until now' if record.is_present else f'to {end}'}."
    last = "last now" if record.is_present else f"last at {end}"
    return f"I saw {name} {times(record.num_appearances)}, first at {start}, {last}."


def _how_long(case: Case, record: Record) -> str:
    return f"I saw {case.a(record.concept)} for {format_length(record.present_s)} in all."


def _whole_time(case: Case, record: Record) -> str:
    if is_whole_time(record, case.reading):
        return f"Yes, I saw {case.a(record.concept)} the whole time."
    return f"No, {_how_long(case, record)}"


# --- two concepts ----------------------------------------------------------------------------------------------------
def _either(case: Case) -> str:
    has_first, has_second = (case.record(concept) is not None for concept in (case.first, case.second))
    return case.either(has_first, has_second, "I have seen")


def _which_first(case: Case) -> str:
    first, second = case.record(case.first), case.record(case.second)
    if first is None or second is None:
        return _not_both(case, first, second)
    order = time_order(first, second)
    if order == "same time as":
        return f"Both at {format_time(first.first_s)}."
    earlier = first if order == "earlier than" else second
    return f"{capital(case.the(earlier.concept))} came first: {_first_times(case, first, second)}."


def _was_first(case: Case) -> str:
    first, second = case.record(case.first), case.record(case.second)
    if first is None or second is None:
        return _not_both(case, first, second)
    yes = "Yes" if time_order(first, second) == "earlier than" else "No"
    return f"{yes}, {_first_times(case, first, second)}."


def _first_times(case: Case, *records: Record) -> str:
    return ", ".join(f"{case.the(record.concept)} at {format_time(record.first_s)}" for record in records)


def _not_both(case: Case, first: Record | None, second: Record | None) -> str:
    seen, unseen = (first, case.second) if first is not None else (second, case.first)
    if seen is None:
        return f"I have seen neither {case.a(case.first)} nor {case.a(case.second)}."
    return f"I saw {case.a(seen.concept)} at {format_time(seen.first_s)}, but not {case.a(unseen)}."


# --- everything ------------------------------------------------------------------------------------------------------
def _describe(case: Case) -> str:
    records = shown_records(case.reading)[:MAX_LISTED]
    if not records:
        return _NOTHING_SO_FAR
    names = [f"{case.num(one.peak_count, one.concept)} from {format_time(one.first_s)}" for one in records]
    return f"So far I saw {joined(names)}."


def _first_thing(case: Case) -> str:
    records = shown_records(case.reading)
    if not records:
        return _NOTHING_SO_FAR
    return f"The first thing I saw was {case.a(records[0].concept)}, at {format_time(records[0].first_s)}."


def _newest_thing(case: Case) -> str:
    records = shown_records(case.reading)
    if not records:
        return _NOTHING_SO_FAR
    return f"The newest thing is {case.a(records[-1].concept)}, first seen at {format_time(records[-1].first_s)}."


def _num_kinds(case: Case) -> str:
    count = len(case.reading.records)
    return f"I have seen {count} different {'kind' if count == 1 else 'kinds'} of things."


def _kind(case: Case) -> str:
    kind = case.recalled.kinds[0]
    if not kind.ever:
        return f"I have not seen any {KIND_PLURALS[kind.kind]}."
    return f"I saw {case.listing(kind.ever[:MAX_LISTED])}."


def _watching(case: Case) -> str:
    return f"I have watched until {format_time(case.reading.t_now_s)}."


SO_FAR: Rules = {
    **dict.fromkeys(("exist_ever", "anyone_ever"), _if_seen(_exist, unseen="No, ")),
    "count_max": _if_seen(_most),
    "count_distinct": _if_seen(_distinct),
    "times_seen": _if_seen(_times_seen),
    **dict.fromkeys(("first", "fu_first"), _if_seen(_first)),
    "last": _if_seen(_last),
    **dict.fromkeys(("when", "fu_when"), _if_seen(_when)),
    **dict.fromkeys(("how_long", "fu_long"), _if_seen(_how_long)),
    "whole_time": _if_seen(_whole_time, unseen="No, "),
    "either_ever": _either,
    "order": _which_first,
    "order_yes_no": _was_first,
    "describe_all": _describe,
    "first_thing": _first_thing,
    "newest_thing": _newest_thing,
    "kinds_count": _num_kinds,
    "kind_ever": _kind,
    "watching": _watching,
}
