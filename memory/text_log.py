"""The text log: captions, answered questions and the user's notes, each with the stretch of time it speaks of.

Comes in: rows. Goes out: at most `capacity` of them, in order of start. Changed under the memory's lock alone; what is
published never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from memory.errors import InvalidNoteError
from memory.intervals import Interval, do_overlap

__all__ = ["NOTE_KINDS", "Note", "TextLog"]

NOTE_KINDS = ("caption", "answer", "user")


@dataclass(frozen=True, kw_only=True)
class Note:
    """One row. The interval holds all that the text speaks of: forgetting goes by it."""

    kind: str  # one of NOTE_KINDS
    text: str
    start_s: float
    end_s: float


class TextLog:
    """When it is full the row that was written first goes, unless it touches a pinned interval."""

    def __init__(self, capacity: int, max_chars: int) -> None:
        self._capacity, self._max_chars = capacity, max_chars
        self._notes: tuple[Note, ...] = ()  # in order of writing
        self.num_evicted = 0

    def add(self, kind: str, text: str, interval: Interval, pins: Sequence[Interval]) -> None:
        """Raises InvalidNoteError for an unknown kind or a text that is empty or too long."""
        if kind not in NOTE_KINDS:
            raise InvalidNoteError(f"a note is one of {', '.join(NOTE_KINDS)}, got {kind!r}")
        if not isinstance(text, str) or not text.strip():
            raise InvalidNoteError("a note needs a text")
        if len(text) > self._max_chars:
            raise InvalidNoteError(f"a note holds {self._max_chars} characters at most, got {len(text)}: shorten it")
        self._notes = (*self._notes, Note(kind=kind, text=text, start_s=interval[0], end_s=interval[1]))
        if len(self._notes) > self._capacity:
            older = self._notes[:-1]
            unpinned = (i for i, note in enumerate(older) if not any(do_overlap(_span(note), pin) for pin in pins))
            place = next(unpinned, 0)  # all pinned: the first of them
            self._notes = (*self._notes[:place], *self._notes[place + 1 :])
            self.num_evicted += 1

    def forget(self, interval: Interval) -> int:
        """Drops every row that speaks of a moment of the interval; how many."""
        kept = tuple(note for note in self._notes if not do_overlap(_span(note), interval))
        num_dropped = len(self._notes) - len(kept)
        self._notes = kept
        return num_dropped

    def restore(self, notes: Sequence[Note], num_evicted: int) -> None:
        self._notes, self.num_evicted = tuple(notes), num_evicted

    def in_order_of_writing(self) -> tuple[Note, ...]:
        return self._notes

    def publish(self) -> tuple[Note, ...]:
        """The rows in order of the time they speak of."""
        return tuple(sorted(self._notes, key=lambda note: (note.start_s, note.end_s)))


def _span(note: Note) -> Interval:
    return note.start_s, note.end_s
