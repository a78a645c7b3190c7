"""One question's case: the reading and what the question recalls, in the words of answers.

In: a `Reading`, a `Recall`, the concept vocabulary. Out: facts and words from which the rules of answers_now.py,
answers_so_far.py and answers_at_time.py make their sentences. Immutable; any thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.language.embedded.reading import Reading, Record
from app.language.embedded.recall import Recall
from app.language.embedded.statements.words import counted, joined, with_article
from app.language.embedded.times import format_time
from vision.encoders import Concept

__all__ = ["NOTHING", "Case", "Rule", "Rules"]

NOTHING = "nothing that I recognise"


@dataclass(frozen=True)
class Case:
    """What the answer to one question rests on. Concepts are indices into `concepts`."""

    reading: Reading
    recalled: Recall
    concepts: Sequence[Concept]

    # --- facts -------------------------------------------------------------------------------------------------------
    @property
    def first(self) -> int:
        """The first concept that the question names."""
        return self.recalled.concepts[0]

    @property
    def second(self) -> int:
        """The second concept that the question names."""
        return self.recalled.concepts[1]

    def record(self, concept: int) -> Record | None:
        """What is known of the concept over the whole stream; None when it was never seen."""
        return self.reading.records.get(concept)

    def count_now(self, concept: int) -> int:
        """How many are in view."""
        found = self.reading.now.sighting(concept)
        return found.count if found else 0

    # --- words -------------------------------------------------------------------------------------------------------
    def a(self, concept: int) -> str:
        """A dog."""
        return with_article(self.concepts[concept])

    def num(self, count: int, concept: int) -> str:
        """Two dogs."""
        return counted(count, self.concepts[concept])

    def the(self, concept: int) -> str:
        """The dog."""
        return f"the {self.concepts[concept].name}"

    def listing(self, counts: Sequence[tuple[int, int]]) -> str:
        """One person and two dogs. counts: (concept, count) pairs."""
        return joined([self.num(count, concept) for concept, count in counts]) if counts else NOTHING

    # --- sentences that several rules need ---------------------------------------------------------------------------
    def never(self, concept: int) -> str:
        """For a concept that was never seen."""
        entry = self.concepts[concept]
        return f"I have not seen any {entry.plural if entry.is_countable else entry.name}."

    def gone(self, concept: int) -> str:
        """For a concept that is not in view."""
        record = self.record(concept)
        if record is None:
            return self.never(concept)
        return f"Not in view now; I last saw {self.a(concept)} at {format_time(record.last_s)}."

    def either(self, has_first: bool, has_second: bool, opening: str) -> str:
        """Which of the two asked concepts there is. opening: "I can see"."""
        first, second = self.a(self.first), self.a(self.second)
        if has_first and has_second:
            return f"{opening} both {first} and {second}."
        if not has_first and not has_second:
            return f"{opening} neither {first} nor {second}."
        return f"{opening} {first}, but not {second}." if has_first else f"{opening} {second}, but not {first}."

    def watched_until(self) -> str:
        """For a time that the stream has not reached."""
        return f"I have only watched until {format_time(self.reading.t_now_s)}."


Rule = Callable[[Case], str | None]  # None: the question makes no sense in this state of the memory
Rules = Mapping[str, Rule]  # by question family
