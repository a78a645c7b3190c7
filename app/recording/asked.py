"""A question in people's words about what a clock ties to a stream: placed in stream time, and answered by the clock.

Comes in: a clock log, how far the memory reaches, its gaps, and a question. Goes out: the question with its times as
the language model reads them, and clock times for what it answers. Of a recording, and of a camera that is watched.
Pure but for the wall clock; any thread.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.errors import NothingSeenError, QuestionError
from app.language.embedded.times import format_time
from app.questions import clean_question
from app.recording.clock_log import ClockLog
from app.recording.clock_words import ClockTelling, clock_words
from app.recording.phrases import find_phrases, on_the_calendar, read_moment

if TYPE_CHECKING:
    from memory import Gap

__all__ = ["AskedByClock", "Understood"]

_LATE_S = 90.0  # how far the saved memory may be behind the present while somebody records
_STALE_S = 120.0
_MAX_STREAM_S = 1000 * 3600.0  # the language model reads hours of three digits
_MAX_GAPS_TOLD = 3
_BLIND = ("disconnected", "dropped", "dark")


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A question whose times were placed. `spans`: what it asks about, in stream time; empty: all of the recording."""

    question: str
    spans: tuple[tuple[float, float], ...]
    note: str | None  # sentences for whoever asked: which times were meant, when nothing could be seen


class AskedByClock:
    """`clock` is not empty."""

    def __init__(
        self,
        clock: ClockLog,
        last_s: float,
        gaps: "Iterable[Gap]",
        *,
        now_s: Callable[[], float],
        limits: tuple[str, str] = ("--from", "--to"),
    ) -> None:
        """last_s: stream time of the newest picture. now_s: the wall clock, epoch seconds. limits: what the two ends of
        an interval are called by whoever asks."""
        self.clock, self.first_s, self.last_s = clock, clock.pieces[0].start_s, last_s
        self._gaps, self._now_s, self._limits = tuple(gaps), now_s, limits

    def understood(self, question: str, said_from: str | None = None, said_to: str | None = None) -> Understood:
        """Raises QuestionError for a time that cannot be, NothingSeenError for one that was not recorded."""
        text, spans, notes = clean_question(question), [], []
        now = datetime.fromtimestamp(self._now_s())
        phrases = find_phrases(text, now, self._known)
        if phrases and (said_from or said_to):
            start, end = self._limits
            raise QuestionError(f"Name the time either in the question or with {start} and {end}, not in both.")
        for phrase in reversed(phrases):
            span = self._span(phrase.start, phrase.end)
            spans.append(span)
            left, right = text[: phrase.place[0]], text[phrase.place[1] :]
            text = f"{left}{_in_stream_time(*span, self.last_s)}{right}"
            notes.append(f"{phrase.words!r} was taken as {self._words(*span)}.")
        if said_from or said_to:
            span = self.span(said_from, said_to)
            spans.append(span)
            text = f"{text.rstrip('?!. ')} {_in_stream_time(*span, self.last_s)}?"
        notes = [*reversed(notes), *self._blind_notes(spans), *self._stale_notes()]
        return Understood(question=text, spans=tuple(reversed(spans)), note=" ".join(notes) or None)

    def span(self, said_from: str | None, said_to: str | None) -> tuple[float, float]:
        """Stream times of an interval; without an end it goes on until now. Raises as understood() does."""
        now = datetime.fromtimestamp(self._now_s())
        start = self._known[0] if said_from is None else read_moment(said_from, now, self._known)
        end = now if said_to is None else read_moment(said_to, now, self._known, is_end=True)
        if end < start:
            raise QuestionError(
                f"{self._limits[0]} ({start:%Y-%m-%d %H:%M:%S}) lies after {self._limits[1]} ({end:%Y-%m-%d %H:%M:%S})."
            )
        return self._span(start, end)

    def moment(self, said: str) -> float:
        """Stream time of one moment. Raises as understood() does."""
        moment = read_moment(said, datetime.fromtimestamp(self._now_s()), self._known)
        return self._span(moment, moment)[0]

    def words_of(self, time_s: float) -> str:
        """A stream time as people read the clock."""
        return clock_words(self.clock.wall_s(time_s), self._now_s())

    def telling(self) -> ClockTelling:
        """For one answer."""
        return ClockTelling(self.words_of)

    @property
    def _known(self) -> tuple[datetime, datetime]:
        first_s, last_s = self.clock.wall_s(self.first_s), self.clock.wall_s(self.last_s)
        return datetime.fromtimestamp(first_s), datetime.fromtimestamp(last_s)

    def _span(self, start: datetime, end: datetime) -> tuple[float, float]:
        with on_the_calendar():
            start_s, end_s = (self.clock.stream_s(moment.timestamp()) for moment in (start, end))
        if end_s < self.first_s - 1.0 or start_s > self.last_s + _LATE_S:
            told = clock_words(start.timestamp(), self._now_s())
            if start != end:
                told = f"{told} to {clock_words(end.timestamp(), self._now_s())}"
            raise NothingSeenError(
                f"Nothing was recorded then ({told}): the recording goes from {self.words_of(self.first_s)} to "
                f"{self.words_of(self.last_s)}."
            )
        start_s, end_s = (min(max(time_s, self.first_s), self.last_s) for time_s in (start_s, end_s))
        if end_s >= _MAX_STREAM_S:
            raise QuestionError(
                "Times later than 1000 hours after the first picture cannot be asked about by the clock."
            )
        return start_s, end_s

    def _words(self, start_s: float, end_s: float) -> str:
        start, end = self.words_of(start_s), self.words_of(end_s)
        return start if start == end else f"{start} to {end}"

    def _blind_notes(self, spans: list[tuple[float, float]]) -> list[str]:
        """When nothing could be seen in what is asked about."""
        gaps = [
            (max(gap.start_s, start_s), min(gap.end_s, end_s))
            for start_s, end_s in spans
            for gap in self._gaps
            if gap.kind in _BLIND
            and min(gap.end_s, end_s) - max(gap.start_s, start_s) >= (1.0 if end_s > start_s else 0.0)
        ]
        told = [
            f"Nothing could be seen from {self.words_of(a)} to {self.words_of(b)}." for a, b in gaps[:_MAX_GAPS_TOLD]
        ]
        more = len(gaps) - len(told)
        return told + ([f"There are {more} more such gaps."] if more > 0 else [])

    def _stale_notes(self) -> list[str]:
        if self._now_s() - self.clock.wall_s(self.last_s) <= _STALE_S:
            return []
        return [f"The newest picture is of {self.words_of(self.last_s)}: that is what 'now' means in the answer."]


def _in_stream_time(start_s: float, end_s: float, last_s: float) -> str:
    """As the language model understands it. Whole seconds, rounded up but not past the newest picture, so that a time
    which the answer repeats is the asked second of the clock."""
    start, end = (min(math.ceil(time_s - 1e-6), int(last_s)) for time_s in (start_s, end_s))
    if start == end:
        return f"at {format_time(start)}"
    return f"between {format_time(start)} and {format_time(end)}"
