"""Times as the page tells them: of a live source by the clock on the wall, of a file from its start.

Comes in: what is watched. Goes out: words for stream times; and a question about times of the clock as the language
model understands it. The page's event loop; nothing waits.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.errors import QuestionError
from app.language.embedded.times import format_time
from app.recording.clock_words import clock_speech, clock_words
from app.recording.phrases import find_phrases
from app.web.watching import Watch

__all__ = ["Placed", "place_times", "speech_of_time", "wall_offset_s", "words_of_time"]

_SAME_CLOCK_S = 2.0  # a clock that is corrected little by little goes on being the same
_LATE_S = 90.0  # how far after the newest picture a time may lie that is taken as the newest
_EARLY_S = 60.0


@dataclass(frozen=True)
class Placed:
    """A question in stream time, and a sentence about which times were meant."""

    question: str
    note: str | None = None


def wall_offset_s(watch: Watch) -> float | None:
    """Wall time less stream time; None: a file, or nothing was seen yet. The same from one call to the next, unless the
    clock was set."""
    offset_s = watch.session.status().wall_offset_s
    known_s = watch.known_wall_offset_s
    if offset_s is None or known_s is None or abs(offset_s - known_s) > _SAME_CLOCK_S:
        watch.known_wall_offset_s = offset_s
    return watch.known_wall_offset_s


def words_of_time(watch: Watch, now_s: Callable[[], float] = time.time) -> Callable[[float], str]:
    """From a stream time to words."""
    offset_s = wall_offset_s(watch)
    return format_time if offset_s is None else (lambda time_s: clock_words(time_s + offset_s, now_s()))


def speech_of_time(watch: Watch, now_s: Callable[[], float] = time.time) -> Callable[[float], str]:
    """The same for what is spoken."""
    offset_s = wall_offset_s(watch)
    return format_time if offset_s is None else (lambda time_s: clock_speech(time_s + offset_s, now_s()))


def place_times(question: str, watch: Watch, now_s: Callable[[], float] = time.time) -> Placed:
    """Raises QuestionError for a time that cannot be, or of which nothing was seen."""
    offset_s = wall_offset_s(watch)
    newest_s = watch.session.status().newest_time_s
    if offset_s is None or newest_s is None:
        return Placed(question)
    now = datetime.fromtimestamp(now_s())
    first, last = datetime.fromtimestamp(offset_s), datetime.fromtimestamp(offset_s + newest_s)
    notes = []
    for phrase in reversed(find_phrases(question, now, (first, last))):
        start_s, end_s = (moment.timestamp() - offset_s for moment in (phrase.start, phrase.end))
        if end_s < -_EARLY_S or start_s > newest_s + _LATE_S:
            known = f"{clock_words(offset_s, now_s())} to {clock_words(offset_s + newest_s, now_s())}"
            raise QuestionError(f"Nothing was seen then ({phrase.words.strip()}): I have watched from {known}.")
        start_s, end_s = (min(max(one, 0.0), newest_s) for one in (start_s, end_s))
        left, right = question[: phrase.place[0]], question[phrase.place[1] :]
        question = f"{left}{_in_stream_time(start_s, end_s, newest_s)}{right}"
        words = words_of_time(watch, now_s)
        told = words(start_s) if start_s == end_s else f"{words(start_s)} to {words(end_s)}"
        if told not in phrase.words:  # who named the very second knows which is meant
            notes.append(f"“{phrase.words.strip()}” was taken as {told}.")
    return Placed(question, " ".join(reversed(notes)) or None)


def _in_stream_time(start_s: float, end_s: float, newest_s: float) -> str:
    """Whole seconds, rounded up but not past the newest picture, so that an answer repeats the asked second."""
    start, end = (min(math.ceil(one - 1e-6), int(newest_s)) for one in (start_s, end_s))
    return f"at {format_time(start)}" if start == end else f"between {format_time(start)} and {format_time(end)}"
