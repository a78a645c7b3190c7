"""The sentences that the memory entails: what an answer may be, and what the training teaches.

In: a `Reading`, a `Recall`. Out: one canonical sentence for each family of questions, true of the memory. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.language.embedded.reading import Reading
from app.language.embedded.recall import Recall
from app.language.embedded.statements.at_time import AT_TIME
from app.language.embedded.statements.case import Case, Rules
from app.language.embedded.statements.now import NOW
from app.language.embedded.statements.so_far import SO_FAR
from vision.encoders import Concept

__all__ = ["CANNOT_TELL", "FAMILIES", "GREETING", "NUM_NAMED", "Statements", "entailed"]

CANNOT_TELL = "I can't tell that from what I keep of the picture."
GREETING = "Hello. Ask me what I see, or what I saw and when."

_RULES: Rules = {
    **NOW,
    **SO_FAR,
    **AT_TIME,
    "out_of_scope": lambda case: CANNOT_TELL,
    "greeting": lambda case: GREETING,
}
FAMILIES = tuple(_RULES)

# How many concepts a family names; none where it is missing.
NUM_NAMED = {
    **dict.fromkeys((
        "exist_now", "exist_ever", "still_there", "gone", "count_now", "count_at", "count_max", "count_distinct",
        "times_seen", "first", "last", "when", "where_now", "where_at", "side_what", "near", "exist_between",
        "exist_at", "exist_span", "compare_times", "compare_now", "how_long", "whole_time",
    ), 1),
    **dict.fromkeys((
        "side_yes_no", "side_which", "order", "order_yes_no", "compare_concepts", "compare_which", "either_now",
        "either_ever", "both_now",
    ), 2),
}  # fmt: skip
_ONE_CONCEPT = frozenset(("anyone_now", "anyone_ever", "side_what_left", "side_what_right"))
_TWO_CONCEPTS = frozenset(("side_yes_no_left", "side_yes_no_right"))
_NUM_MOMENTS = {
    **dict.fromkeys(("count_at", "where_at", "exist_at", "describe_at", "describe_ago", "compare_now"), 1),
    "compare_times": 2,
}
_RANGES = frozenset(("exist_between", "exist_span", "describe_between"))
_KINDS = frozenset(("kind_now", "kind_ever"))


class Statements(Case):
    """Canonical sentences about one reading and what was recalled from it."""

    def answer(self, family: str) -> str | None:
        """The answer for `family`; None when it makes no sense in this state of the memory."""
        return _RULES[family](self)

    def can_answer(self, family: str) -> bool:
        """True when the recall holds what the family speaks of. Follow-ups say what other families say."""
        num_concepts = NUM_NAMED.get(family, 0) + (family in _ONE_CONCEPT) + 2 * (family in _TWO_CONCEPTS)
        return (
            not family.startswith("fu_")
            and len(self.recalled.concepts) >= num_concepts
            and len(self.recalled.moments) >= _NUM_MOMENTS.get(family, 0)
            and (self.recalled.range is not None or family not in _RANGES)
            and (bool(self.recalled.kinds) or family not in _KINDS)
        )


def entailed(reading: Reading, recalled: Recall, concepts: Sequence[Concept]) -> dict[str, str]:
    """The distinct true sentences about what was recalled, with two named concepts in either order.

    Each with the first family that says it.
    """
    found: dict[str, str] = {}
    orders = [recalled.concepts]
    if len(recalled.concepts) >= 2:
        orders.append((recalled.concepts[1], recalled.concepts[0]))
    for order in orders:
        case = Statements(reading, replace(recalled, concepts=order), concepts)
        for family in FAMILIES:
            sentence = case.answer(family) if case.can_answer(family) else None
            if sentence is not None:
                found.setdefault(sentence, family)
    return found
