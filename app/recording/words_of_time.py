"""The words by which people name a moment: "yesterday at 9", "half an hour ago", "3 in the afternoon", "last night".

Comes in: a text and a place in it. Goes out: a `Point`, what was said without yet knowing which moment it means.
Days are read by dateparser, hours here: it would take "yesterday at 25:61" for this time yesterday. Pure; any thread.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.errors import QuestionError

__all__ = ["DAY", "LENGTH", "Clock", "Point", "length_s", "read_point"]

_NUMBERS = {
    "a couple of": 2.0, "couple of": 2.0, "a few": 3.0, "few": 3.0, "half an": 0.5, "half a": 0.5, "half": 0.5,
    "an": 1.0, "a": 1.0, "one": 1.0,
    "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0,
    "nine": 9.0, "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "thirty": 30.0,
    "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0,
}  # fmt: skip
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)"
LENGTH = rf"(?:\d+(?:\.\d+)?|\b(?:{'|'.join(_NUMBERS)}))[ -]{_UNIT}\b(?: and a half\b)?"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DAY = (
    r"today|tomorrow|the day before yesterday|yesterday|(?:last )?(?:" + "|".join(_WEEKDAYS) + r")"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?\b"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?"
    rf"|\d{{4}}-\d{{2}}-\d{{2}}|{LENGTH.replace(_UNIT, '(?:days?|weeks?)')} ago"
)
_PART = r"morning|afternoon|evening|night"
_HOURS = {"morning": (5, 12), "afternoon": (12, 18), "evening": (18, 23), "night": (22, 30)}
_CLOCK = (
    r"(?:noon|midday|midnight)\b"
    r"|\d{1,2}(?::\d{2}){1,2}(?!\d|:)(?: ?[ap]\.?m\b\.?)?|\d{1,2} ?[ap]\.?m\b\.?|\d{1,2} o'?clock|\d{1,2}(?![\d.:%])"
)
# What may follow a number that stands for an hour: nothing that it could count.
_AFTER_HOUR = (
    r"(?=$|[?.!,;)]| (?:and|or|to|until|till|on|in|yesterday|today|this|last|tonight|then|was|were|did|do|does|is|are|"
    r"what|how|who|when|where|the day|" + "|".join(_WEEKDAYS) + r")\b|-)"
)
_TODAY_PARTS = {"this": 0, "tonight": 0, "last": -1}

_AGO = re.compile(rf"(?P<length>{LENGTH}) (?:ago|earlier|before now|back)\b")
_DAY_FIRST = re.compile(
    rf"(?P<day>{DAY})(?:(?:,? (?:at |around |about )?| in the )(?:(?P<part>{_PART})|(?P<clock>{_CLOCK}){_AFTER_HOUR}))?"
)
_CLOCK_FIRST = re.compile(
    rf"(?P<clock>{_CLOCK}){_AFTER_HOUR}(?:,?(?: on)? (?P<day>{DAY})(?: (?P<part>{_PART}))?"
    rf"| (?:in the|this|at) (?P<part2>{_PART}))?"
)
_PART_ALONE = re.compile(
    rf"(?:(?P<which>this|last) (?P<part>{_PART})|in the (?P<part2>{_PART})|(?P<tonight>tonight))\b"
)


@dataclass(frozen=True)
class Clock:
    """An hour as it was said. `is_ambiguous`: 9 may be 9 or 21 o'clock."""

    hour: int
    minute: int
    second: int
    is_ambiguous: bool


@dataclass(frozen=True)
class Point:
    """Where it stands in the text, and what was said. Of `exact` and the others only one side is set."""

    start: int
    end: int
    exact: datetime | None = None
    day: date | None = None
    clock: Clock | None = None
    hours: tuple[int, int] | None = None  # a part of the day, from one hour to another; beyond 24: of the next day
    is_weekday: bool = False  # a day of the week without "last": today is meant if it is that day


def read_point(text: str, place: int, now: datetime) -> Point | None:
    """The moment that is named from `place` on, in lower case. Raises QuestionError for one that there is not."""
    match = _AGO.match(text, place)
    if match and not re.search(r"\b(?:days?|weeks?)\b", match["length"]):
        return Point(place, match.end(), exact=now - timedelta(seconds=length_s(match["length"])))
    match = _DAY_FIRST.match(text, place)
    if match:
        clock = None if match["clock"] is None else _clock(match["clock"], None)
        return _with_day(match, clock, match["part"], now)
    match = _CLOCK_FIRST.match(text, place)
    if match:
        part = match["part"] or match["part2"]
        clock = _clock(match["clock"], part)
        if match["day"] is None:
            return Point(match.start(), match.end(), clock=clock)
        return _with_day(match, clock, None, now)
    match = _PART_ALONE.match(text, place)
    if match is None:
        return None
    part = "evening" if match["tonight"] else match["part"] or match["part2"]
    day = now.date() + timedelta(days=_TODAY_PARTS.get(match["which"] or "this", 0))
    if part == "night" and match["which"] == "this" and now.hour < _HOURS["morning"][0]:
        day -= timedelta(days=1)
    return Point(match.start(), match.end(), day=day, hours=_HOURS[part])


def length_s(text: str) -> float:
    """Seconds of what LENGTH matches."""
    words, is_more = re.subn(r" and a half$", "", text)
    number, _, unit = words.replace("-", " ").rpartition(" ")
    value = _NUMBERS[number] if number in _NUMBERS else float(number)
    return (value + 0.5 * is_more) * _UNITS_S[unit[0]]


def _with_day(match: re.Match[str], clock: Clock | None, part: str | None, now: datetime) -> Point:
    said = match["day"]
    is_weekday = said in _WEEKDAYS
    day = _day(said, now)
    hours = None if part is None or clock is not None else _HOURS[part]
    return Point(match.start(), match.end(), day=day, clock=clock, hours=hours, is_weekday=is_weekday)


def _day(said: str, now: datetime) -> date:
    if said in _WEEKDAYS and _WEEKDAYS[now.weekday()] == said:
        return now.date()
    if said.endswith(" ago"):
        return (now - timedelta(seconds=length_s(said.removesuffix(" ago")))).date()
    import dateparser  # type: ignore[import-untyped]

    settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "past", "STRICT_PARSING": False}
    words = re.sub(r"^the (?=\d)| of(?= )", "", said)
    found = dateparser.parse(words, languages=["en"], settings=settings)
    if found is None:
        raise QuestionError(f"There is no day {said!r}. Name one as 2026-11-20, 20 November or yesterday.")
    return datetime.date(found)


def _clock(said: str, part: str | None) -> Clock:
    """Raises QuestionError for an hour that no clock shows."""
    named = {"noon": 12, "midday": 12, "midnight": 0}.get(said)
    if named is not None:
        return Clock(named, 0, 0, False)
    digits = [int(number) for number in re.findall(r"\d+", said)]
    hour, minute, second = (digits + [0, 0])[:3]
    half = re.search(r"([ap])\.?m", said)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and minute) or (half and not 1 <= hour <= 12):
        raise QuestionError(f"{said!r} is no time of the day: name one from 0:00 to 23:59, or 1 am to 12 pm.")
    if half:
        return Clock(hour % 12 + (12 if half[1] == "p" else 0), minute, second, False)
    if hour > 12 or hour == 0 or said.startswith("0"):
        return Clock(hour % 24, minute, second, False)
    if part is not None:
        is_late = part in ("afternoon", "evening") or (part == "night" and hour >= 6)
        return Clock(hour % 12 + (12 if is_late else 0), minute, second, False)
    return Clock(hour, minute, second, True)
