"""Right answers about a moment or a range of the past: whether, how many, where, what, more than at another time.

In: a `Case` whose recall holds the asked moments or the asked range. Out: one canonical sentence. `AT_TIME` names the
rule of every question family. Pure; any thread.
"""

from collections.abc import Callable

from app.language.embedded.prompt import MAX_LISTED, nearest_time_s
from app.language.embedded.recall import AskedMoment, AskedRange
from app.language.embedded.statements.case import Case, Rule, Rules
from app.language.embedded.statements.words import capital, place
from app.language.embedded.times import format_time

__all__ = ["AT_TIME"]


# --- a moment --------------------------------------------------------------------------------------------------------
def _at(rule: Callable[[Case, AskedMoment], str]) -> Rule:
    """`rule` for the asked moment, where the stream has got there."""

    def guarded(case: Case) -> str:
        asked = case.recalled.moments[0]
        return case.watched_until() if asked.is_future else rule(case, asked)

    return guarded


def _opening(asked: AskedMoment) -> str:
    if asked.is_near:
        return f"at {format_time(nearest_time_s(asked))}, the nearest moment I kept,"
    return f"at {format_time(asked.asked_s)}"


def _count(case: Case, asked: AskedMoment) -> str:
    return capital(f"{_opening(asked)} I saw {case.num(asked.count(case.first), case.first)}.")


def _exist(case: Case, asked: AskedMoment) -> str:
    count = asked.count(case.first)
    return f"{'Yes' if count else 'No'}, {_opening(asked)} I saw {case.num(count, case.first)}."


def _where(case: Case, asked: AskedMoment) -> str:
    found = next((one for one in asked.sightings if one.concept == case.first), None)
    if found is None:
        return _count(case, asked)
    return capital(f"{_opening(asked)} I saw {case.num(found.count, case.first)} {place(found.region)}.")


def _describe(case: Case, asked: AskedMoment) -> str:
    seen = [(one.concept, one.count) for one in asked.sightings[:MAX_LISTED]]
    return capital(f"{_opening(asked)} I saw {case.listing(seen)}.")


def _more_now(case: Case, asked: AskedMoment) -> str:
    now, then = case.count_now(case.first), asked.count(case.first)
    facts = f"{case.num(now, case.first)} now, {case.num(then, case.first)} at {format_time(asked.asked_s)}"
    return f"{'Yes' if now > then else 'No'}, {facts}."


# --- two moments -----------------------------------------------------------------------------------------------------
def _more_when(case: Case) -> str:
    first, second = case.recalled.moments[:2]
    if first.is_future or second.is_future:
        return case.watched_until()
    first_count, second_count = first.count(case.first), second.count(case.first)
    first_time, second_time = format_time(first.asked_s), format_time(second.asked_s)
    facts = (
        f"{case.num(first_count, case.first)} at {first_time}, {case.num(second_count, case.first)} at {second_time}"
    )
    if first_count == second_count:
        return f"The same: {facts}."
    return f"More at {first_time if first_count > second_count else second_time}: {facts}."


# --- a range ---------------------------------------------------------------------------------------------------------
def _between(rule: Callable[[Case, AskedRange], str]) -> Rule:
    def guarded(case: Case) -> str:
        asked = case.recalled.range
        assert asked is not None
        return rule(case, asked)

    return guarded


def _exist_between(case: Case, asked: AskedRange) -> str:
    count = asked.count(case.first)
    return f"{'Yes' if count else 'No'}, {_opening_between(asked)} I saw {case.num(count, case.first)}."


def _describe_between(case: Case, asked: AskedRange) -> str:
    return capital(f"{_opening_between(asked)} I saw {case.listing(asked.peaks[:MAX_LISTED])}.")


def _opening_between(asked: AskedRange) -> str:
    return f"between {format_time(asked.start_s)} and {format_time(asked.end_s)}"


AT_TIME: Rules = {
    **dict.fromkeys(("count_at", "fu_at"), _at(_count)),
    "exist_at": _at(_exist),
    "where_at": _at(_where),
    **dict.fromkeys(("describe_at", "describe_ago"), _at(_describe)),
    "compare_now": _at(_more_now),
    "compare_times": _more_when,
    **dict.fromkeys(("exist_between", "exist_span"), _between(_exist_between)),
    "describe_between": _between(_describe_between),
}
