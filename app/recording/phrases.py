"""The times that a question names, found in its words and placed on the wall clock.

Comes in: a question, the present, and from when to when there is a recording. Goes out: `Phrase`s, each an interval of
local time, or QuestionError with a sentence for a time that cannot be. Of an hour that may be meant in two ways ("at
9") the one is taken that the recording shows, the latest of them; whoever asked is told which. Pure; any thread.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from app.errors import QuestionError
from app.recording.words_of_time import DAY, LENGTH, Clock, Point, length_s, read_point

__all__ = ["Phrase", "find_phrases", "on_the_calendar", "read_moment"]

_RANGE = re.compile(r"\b(?:between|from) (?:the )?(?=\S)")
_RANGE_MIDDLE = re.compile(r" ?(?:and|to|until|till|-|–) ?(?:the )?")
_SINCE = re.compile(
    r"\b(?:since|ever since|after) (?:(?:i|we|he|she|they|you|my|the|[a-z]+) (?:[a-z']+ ){0,4}?(?:at|on) |at )?"
)
_BEFORE = re.compile(r"\b(?:before|until|till|up to) (?:at )?")
_LATELY = re.compile(
    rf"\b(?:(?:in|during|over|within) )?(?:the )?(?:last|past|previous) "
    rf"(?P<length>{LENGTH}|half hour|second|minute|hour|day|week)\b"
)
_AT = re.compile(r"\b(?:at|around|about|by|on|during|@) (?:about |around )?")
_ANYWHERE = re.compile(r"(?<![\w:.])")
_UNKNOWN = re.compile(r"\bsince (?:i|we) (?:left|went|came|started|slept|woke)\b(?!.*\bat\b)")
_TOO_EARLY = re.compile(r"\bbefore (?:you|the recording|the camera|recording) (?:started|began|was|were|begun)\b")
_DAY_BEFORE = re.compile(rf"\b(?:on )?({DAY}),? $")
_LONGEST_NIGHT = timedelta(hours=12)


@contextlib.contextmanager
def on_the_calendar() -> Iterator[None]:
    """Turns what a calendar has no room for, such as a year of five digits, into a QuestionError."""
    try:
        yield
    except QuestionError:
        raise
    except (OverflowError, ValueError, OSError) as error:  # which of them depends on the system
        raise QuestionError("That time lies outside of the calendar: name one near the recording.") from error


@dataclass(frozen=True)
class Phrase:
    """Local time without a zone; start == end for a point. start, end: its place in the question."""

    place: tuple[int, int]
    start: datetime
    end: datetime
    words: str


@on_the_calendar()
def find_phrases(question: str, now: datetime, known: tuple[datetime, datetime]) -> tuple[Phrase, ...]:
    """In the order of the question. now, known: local times. Raises QuestionError."""
    text = question.lower()
    if _TOO_EARLY.search(text):
        raise QuestionError(
            f"Nothing is known of the time before {known[0]:%Y-%m-%d %H:%M:%S}: the recording begins there."
        )
    if _UNKNOWN.search(text):
        raise QuestionError("When that was is not known here: name the time, as in 'since I left at noon'.")
    found: list[Phrase] = []
    for read in (_ranges, _lately, _since, _before, _points):
        for phrase in read(text, now, known):
            is_free = all(phrase.place[1] <= one.place[0] or one.place[1] <= phrase.place[0] for one in found)
            if is_free:
                found.append(phrase)
    return tuple(sorted(found, key=lambda phrase: phrase.place))


@on_the_calendar()
def read_moment(said: str, now: datetime, known: tuple[datetime, datetime], *, is_end: bool = False) -> datetime:
    """One moment by itself, as --from and --to take it: 14:02, "yesterday at 9", 2026-11-20T14:02. is_end: of a whole
    day its end. Raises QuestionError."""
    text = " ".join(said.lower().split())
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}.*", text):
        try:
            moment = datetime.fromisoformat(said.strip())
        except ValueError as error:
            raise QuestionError(f"There is no time {said!r}: write it as 2026-11-20T14:02:00.") from error
        return moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment
    if text == "now":
        return now
    point = read_point(text, 0, now)
    if point is None or point.end != len(text):
        raise QuestionError(
            f"{said[:60]!r} is not understood as a time: write 14:02, 'yesterday at 9', 'an hour ago' or "
            "2026-11-20T14:02."
        )
    start, end = _placed(point, now, known, said)
    return end if is_end else start


def _ranges(text: str, now: datetime, known: tuple[datetime, datetime]) -> list[Phrase]:
    found = []
    for match in _RANGE.finditer(text):
        first = read_point(text, match.end(), now)
        middle = None if first is None else _RANGE_MIDDLE.match(text, first.end)
        second = None if middle is None else read_point(text, middle.end(), now)
        if first is None or second is None:
            continue
        place = match.start(), second.end
        day = second if first.day is None and second.day is not None else None  # "between 2 and 3 yesterday"
        led = _DAY_BEFORE.search(text[: match.start()])
        if led is not None and first.day is None and second.day is None:
            place = led.start(), second.end
            day = read_point(led[1], 0, now)
        words = text[slice(*place)]
        clock = _like(first.clock, second.clock)
        if first.clock is not None:
            first = replace(first, clock=clock)
            if day is not None:
                first = replace(first, day=day.day, is_weekday=day.is_weekday)
        start = _placed(first, now, known, words)[0]
        found.append(Phrase(place, start, _end_of_range(second, start, now, known, words), words))
    return found


def _like(first: Clock | None, second: Clock | None) -> Clock | None:
    """Between 2 and 3 pm: the first hour is the one of its two that lies nearest before the second."""
    if first is None or second is None or not first.is_ambiguous or second.is_ambiguous:
        return first
    return min(_readings(first), key=lambda one: (second.hour - one.hour - (one.minute > second.minute) / 60) % 24)


def _end_of_range(
    point: Point, start: datetime, now: datetime, known: tuple[datetime, datetime], words: str
) -> datetime:
    """The first time after the start that was meant: "between 11 and 1" ends two hours later."""
    if point.clock is not None and (point.day is None or point.day == start.date()):
        ends = [_on(start.date() + timedelta(days=days), clock) for days in (0, 1) for clock in _readings(point.clock)]
        end = min(one for one in ends if one > start)
        if end - start > _LONGEST_NIGHT and not point.clock.is_ambiguous and _on(start.date(), point.clock) < start:
            raise QuestionError(f"{words!r} ends before it begins: name the earlier time first.")
        return end
    end = _placed(point, now, known, words)[1]
    if end <= start:
        raise QuestionError(f"{words!r} ends before it begins: name the earlier time first.")
    return end


def _lately(text: str, now: datetime, known: tuple[datetime, datetime]) -> list[Phrase]:
    found = []
    for match in _LATELY.finditer(text):
        said = match["length"]
        seconds = 1800.0 if said == "half hour" else length_s(said if " " in said or "-" in said else f"a {said}")
        found.append(Phrase(match.span(), now - timedelta(seconds=seconds), now, match[0]))
    return found


def _since(text: str, now: datetime, known: tuple[datetime, datetime]) -> list[Phrase]:
    found = []
    for match in _SINCE.finditer(text):
        point = read_point(text, match.end(), now)
        if point is not None:
            words = text[match.start() : point.end]
            start, end = _placed(point, now, known, words)
            found.append(Phrase((match.start(), point.end), end if words.startswith("after") else start, now, words))
    return found


def _before(text: str, now: datetime, known: tuple[datetime, datetime]) -> list[Phrase]:
    found = []
    for match in _BEFORE.finditer(text):
        point = read_point(text, match.end(), now)
        if point is not None:
            words = text[match.start() : point.end]
            start = _placed(point, now, known, words)[0]
            found.append(Phrase((match.start(), point.end), min(known[0], start), start, words))
    return found


def _points(text: str, now: datetime, known: tuple[datetime, datetime]) -> list[Phrase]:
    """After a preposition any of them; elsewhere only what is no bare number."""
    found: list[Phrase] = []
    matches = [*_AT.finditer(text), *_ANYWHERE.finditer(text)]
    for match in sorted(matches, key=lambda one: (one.start(), -one.end())):
        is_led = match.end() > match.start()
        point = read_point(text, match.end(), now)
        if point is None or (not is_led and re.fullmatch(r"\d{1,2}", text[point.start : point.end])):
            continue
        words = text[match.start() : point.end]
        if all(match.end() >= one.place[1] or point.end <= one.place[0] for one in found):
            found.append(Phrase((match.start(), point.end), *_placed(point, now, known, words), words))
    return found


def _placed(point: Point, now: datetime, known: tuple[datetime, datetime], words: str) -> tuple[datetime, datetime]:
    """The interval that is meant; two times the same for a point. Raises QuestionError for the future."""
    if point.exact is not None:
        return point.exact, point.exact
    if point.clock is not None:
        moment = _moment(point, now, known, words)
        return moment, moment
    assert point.day is not None
    first_hour, last_hour = point.hours or (0, 24)
    midnight = datetime.combine(point.day, time())
    start, end = midnight + timedelta(hours=first_hour), midnight + timedelta(hours=last_hour)
    if start > now:
        raise QuestionError(f"{words.strip()!r} lies in the future: {start:%Y-%m-%d %H:%M}.")
    return start, min(end, now)


def _moment(point: Point, now: datetime, known: tuple[datetime, datetime], words: str) -> datetime:
    assert point.clock is not None
    clocks = _readings(point.clock)
    if point.day is None:
        days = [now.date(), now.date() - timedelta(days=1)]
    elif point.is_weekday:
        days = [point.day, point.day - timedelta(days=7)] if point.day == now.date() else [point.day]
    else:
        days = [point.day]
    past = [moment for day in days for clock in clocks if (moment := _on(day, clock)) <= now]
    if not past:
        raise QuestionError(f"{words.strip()!r} lies in the future: {_on(days[0], clocks[0]):%Y-%m-%d %H:%M}.")
    recorded = [moment for moment in past if known[0] <= moment <= known[1]]
    return max(recorded or past) if point.day is None else (recorded or past)[0]


def _readings(clock: Clock) -> list[Clock]:
    if not clock.is_ambiguous:
        return [clock]
    return [Clock(hour % 24, clock.minute, clock.second, False) for hour in (clock.hour % 24, clock.hour % 12 + 12)][
        :: 1 if clock.hour != 12 else -1
    ]


def _on(day: date, clock: Clock) -> datetime:
    return datetime.combine(day, time(clock.hour, clock.minute, clock.second))
