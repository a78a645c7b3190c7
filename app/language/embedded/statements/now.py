"""Right answers about what is in view now: whether, how many, where, beside what.

In: a `Case`. Out: one canonical sentence. `NOW` names the rule of every question family. Pure; any thread.
"""

from app.language.embedded.prompt import KIND_PLURALS, MAX_LISTED, MAX_NOW, heaviest, side_order
from app.language.embedded.recall import neighbours
from app.language.embedded.statements.case import Case, Rule, Rules
from app.language.embedded.statements.words import capital, is_plural_word, joined, place
from app.language.embedded.times import format_time

__all__ = ["NOW"]

_MAX_BESIDE = 3


# --- whether and how many ------------------------------------------------------------------------------------------
def _exist(case: Case) -> str:
    concept = case.first
    record, count = case.record(concept), case.count_now(concept)
    if count:
        return f"Yes, I can see {case.num(count, concept)}."
    if record is None:
        return f"No, {case.never(concept)}"
    return f"No, not now; I last saw {case.a(concept)} at {format_time(record.last_s)}."


def _is_gone(case: Case) -> str:
    concept = case.first
    record, count = case.record(concept), case.count_now(concept)
    if count:
        return f"No, I can see {case.num(count, concept)}."
    if record is None:
        return case.never(concept)
    return f"Yes, I last saw {case.a(concept)} at {format_time(record.last_s)}."


def _count(case: Case) -> str:
    return f"I can see {case.num(case.count_now(case.first), case.first)} now."


def _either(case: Case) -> str:
    return case.either(bool(case.count_now(case.first)), bool(case.count_now(case.second)), "I can see")


def _both(case: Case) -> str:
    is_both = case.count_now(case.first) and case.count_now(case.second)
    return f"{'Yes' if is_both else 'No'}, {_either(case)}"


def _more_of_first(case: Case) -> str:
    first, second = case.count_now(case.first), case.count_now(case.second)
    yes = "Yes" if first > second else "No"
    return f"{yes}, I can see {case.num(first, case.first)} and {case.num(second, case.second)}."


def _more_of_which(case: Case) -> str:
    first, second = case.count_now(case.first), case.count_now(case.second)
    facts = f"{case.num(first, case.first)}, {case.num(second, case.second)}"
    if first == second:
        return f"The same: {facts}."
    more = case.concepts[case.first if first > second else case.second]
    return f"More {more.plural if more.is_countable else more.name}: {facts}."


def _describe(case: Case) -> str:
    seen = heaviest(case.reading.now.sightings, MAX_NOW, case.reading)[:MAX_LISTED]
    return f"I see {case.listing([(one.concept, one.count) for one in seen])}."


def _kind(case: Case) -> str:
    kind = case.recalled.kinds[0]
    if not kind.now:
        return f"I can see no {KIND_PLURALS[kind.kind]} now."
    return f"I can see {case.listing(kind.now[:MAX_LISTED])}."


# --- where ---------------------------------------------------------------------------------------------------------
def _where(case: Case) -> str:
    concept, entry = case.first, case.concepts[case.first]
    found, record = case.reading.now.sighting(concept), case.record(concept)
    if found:
        name = case.the(concept) if found.count == 1 or not entry.is_countable else f"the {entry.plural}"
        verb = "is" if found.count == 1 and not is_plural_word(entry) else "are"
        return f"{capital(name)} {verb} {place(found.region)}."
    if record is None:
        return case.never(concept)
    last = case.reading.count_at(concept, case.reading.moment_at(record.last_s), record.last_s)
    spot = f", {place(last.region)}" if last else ""
    return f"Not in view now; I last saw {case.a(concept)} at {format_time(record.last_s)}{spot}."


def _near(case: Case) -> str:
    concept = case.first
    if not case.count_now(concept):
        return case.gone(concept)
    nearest, _, _ = neighbours(concept, case.reading)
    if nearest is None:
        return f"I see nothing else near {case.the(concept)}."
    return f"Nearest to {case.the(concept)} I see {case.a(nearest.concept)}."


def _what_beside(side: str) -> Rule:
    def rule(case: Case) -> str:
        concept = case.first
        if not case.count_now(concept):
            return case.gone(concept)
        _, left, right = neighbours(concept, case.reading)
        found = (left if side == "left" else right)[:_MAX_BESIDE]
        names = joined([case.num(one.count, one.concept) for one in found]) if found else "nothing"
        return f"To the {side} of {case.the(concept)} I see {names}."

    return rule


def _is_beside(side: str) -> Rule:
    def rule(case: Case) -> str:
        missing = _missing(case)
        if missing:
            return missing
        order, first, second = _side_order(case), case.the(case.first), case.the(case.second)
        if order == "level with":
            return f"No, {first} and {second} are about level."
        return f"{'Yes' if order == f'{side} of' else 'No'}, {first} is to the {order} {second}."

    return rule


def _which_side(case: Case) -> str:
    missing = _missing(case)
    if missing:
        return missing
    order, first, second = _side_order(case), capital(case.the(case.first)), case.the(case.second)
    if order == "level with":
        return f"{first} and {second} are about level."
    return f"{first} is to the {order} {second}."


def _missing(case: Case) -> str | None:
    """What to say when one of two asked concepts is not in view; None when both are."""
    absent = (concept for concept in case.recalled.concepts[:2] if not case.count_now(concept))
    return next((case.gone(concept) for concept in absent), None)


def _side_order(case: Case) -> str:
    first, second = case.reading.now.sighting(case.first), case.reading.now.sighting(case.second)
    assert first is not None and second is not None
    return side_order(first, second)


NOW: Rules = {
    **dict.fromkeys(("exist_now", "anyone_now", "still_there", "fu_still", "fu_now"), _exist),
    "gone": _is_gone,
    "count_now": _count,
    "either_now": _either,
    "both_now": _both,
    "compare_concepts": _more_of_first,
    "compare_which": _more_of_which,
    "describe_now": _describe,
    "kind_now": _kind,
    **dict.fromkeys(("where_now", "fu_where"), _where),
    "near": _near,
    "side_what_left": _what_beside("left"),
    "side_what_right": _what_beside("right"),
    "side_yes_no_left": _is_beside("left"),
    "side_yes_no_right": _is_beside("right"),
    "side_which": _which_side,
}
