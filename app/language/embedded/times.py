"""Times that a question names: "at 0:20", "20 seconds ago", "between 1:00 and 2:00", "in the last half minute".

In: a question's text and the stream's clock. Out: points and ranges on the stream's clock, in seconds. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["TimeMention", "find_times", "format_length", "format_time"]

_SMALL = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "ninety": 90, "couple of": 2, "a couple of": 2, "few": 3, "a few": 3, "half a": 0.5, "half an": 0.5,
    "half": 0.5,
}  # fmt: skip
_UNIT = r"(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\b"
_WORDS = "half an?|half|a couple of|couple of|a few|few|" + "|".join(
    word for word in _SMALL if " " not in word and word != "half"
)
_NUMBER = rf"(\d+(?:\.\d+)?(?=[ -]?[smh])|\b(?:{_WORDS})(?=[ -]))"
_LENGTH = rf"{_NUMBER}[ -]?{_UNIT}(?:(?: and)? {_NUMBER}[ -]?{_UNIT})?"
_CLOCK = r"(?<![\d:])(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?!\d|:\d)"
_POINT = rf"(?:{_CLOCK}|{_LENGTH})"
_BEFORE_POINT = (
    r"\b(?:(?:same|similarly|likewise|tell me|repeat that|now) for|at|after|or|than|and|around|about|from|to|until"
    r"|till|by|since|time|of|showed|versus|vs|with|instead|on)"
    r" (?:the )?"
)
_AGO = rf"{_LENGTH} (?:ago|earlier|back|before now)"
# "at 20 seconds", or digits alone ("20 seconds:") where no word before them makes a duration of them.
_BARE_POINT = (
    rf"{_BEFORE_POINT}{_LENGTH}"
    r"|(?<!last )(?<!past )(?<!first )(?<!next )(?<!for )(?<!in )(?<!previous )(?<![\d:])(?=\d)"
    rf"{_LENGTH}"
)
_SPANNING = re.compile(
    r"\b(?:between|from|starting|later than|after|through|beginning)\b.*"
    r"\b(?:to|until|till|and|before|ending|earlier|end)\b"
)
_TWO_MOMENTS = re.compile(
    r"\b(?:two|both) (?:moments|times|points)\b|\bwhich (?:single )?(?:had|has|of|one|time|moment|point|frame)\b"
)
_EITHER = re.compile(r"\bor\b|\bmore\b|\bcompare|\bversus\b|\bvs\b|\bhigher\b|\bfewer\b|\bnumber\b|\bmost\b")
_GROWTH = re.compile(
    r"\b(more|fewer|less|risen|rise|rose|grown|grow|grew|bigger|increase[ds]?|dropped|fallen|number|changed|gained|added"
    r"|extra|multipl\w+|(?:gone|went|come|came) (?:up|down))\b"
)


@dataclass(frozen=True)
class TimeMention:
    """A point (start_s == end_s) or a range on the stream's clock. `is_range` says which was meant."""

    start_s: float
    end_s: float
    is_range: bool


def format_time(time_s: float) -> str:
    """Stream time as people write it: 0:07, 12:40, 1:02:33. Whole seconds, rounded down."""
    seconds = max(int(time_s + 1e-6), 0)
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}"


def format_length(length_s: float) -> str:
    """A duration as people say it: 7 s, 1 min 5 s, 2 h 3 min; at least 1 s."""
    seconds = max(round(length_s), 1)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    return f"{seconds // 3600} h" + (f" {seconds // 60 % 60} min" if seconds // 60 % 60 else "")


def find_times(text: str, t_now_s: float, started_s: float) -> tuple[TimeMention, ...]:
    """The times named in `text`, in its order; ranges are recognised first. "Ago" counts back from `t_now_s`."""
    text = " " + " ".join(text.lower().split()) + " "
    ranges = _ranges(text, t_now_s, started_s)
    if ranges:
        return ranges
    times_s = [max(time_s, 0.0) for _, time_s in sorted(_points(text, t_now_s))]
    if len(times_s) == 2 and _SPANNING.search(text) and not _EITHER.search(text):
        return (TimeMention(min(times_s), max(times_s), True),)
    return tuple(TimeMention(time_s, time_s, False) for time_s in times_s)


def _points(text: str, t_now_s: float) -> Iterator[tuple[int, float]]:
    """(place in the text, time in seconds) of every point; what one pattern took is blank for the next."""
    for match in re.finditer(_AGO, text):
        yield match.start(), t_now_s - _length_s(match.groups())
    rest = re.sub(_AGO, _blank, text)
    for match in re.finditer(_CLOCK, rest):
        yield match.start(), _clock_s(match.groups())
    rest = re.sub(_CLOCK, _blank, rest)
    for match in re.finditer(_BARE_POINT, rest):
        groups = match.groups()[:4] if match[1] is not None else match.groups()[4:]
        if groups[1] is not None and groups[3] is not None and groups[1][0] == groups[3][0]:
            # "2 seconds and 3 seconds": two points, as the units are alike
            yield match.start() - 1, _length_s((*groups[:2], None, None))
            groups = (*groups[2:], None, None)
        yield match.start(), _length_s(groups)
    for match in re.finditer(r"\bsecond (\d+)", rest):
        yield match.start(), float(match[1])


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _ranges(text: str, t_now_s: float, started_s: float) -> tuple[TimeMention, ...]:
    text = re.sub(rf"(between|from) (\d+) (and|to|-) (\d+) ?{_UNIT}", r"\1 \2 \5 \3 \4 \5", text)
    found = re.search(
        rf"\b(?:between|from|after) (?:the )?{_POINT} (?:and|to|until|till|through|-|but before|and before) (?:the )?"
        rf"{_POINT}",
        text,
    )
    found = found or re.search(rf"{_CLOCK} ?(?:-|–|to|until|till|through) ?{_CLOCK}", text)
    if found and not _TWO_MOMENTS.search(text):
        groups = found.groups()
        half = len(groups) // 2
        first_s, second_s = (_point_s(part) for part in (groups[:half], groups[half:]))
        return (TimeMention(min(first_s, second_s), max(first_s, second_s), True),)
    found = re.search(rf"(?:last|past|previous) {_LENGTH}", text)
    if found:
        return (TimeMention(max(t_now_s - _length_s(found.groups()), started_s), t_now_s, True),)
    found = re.search(r"(?:last|past|previous) (second|minute|hour)\b", text)
    if found:
        length_s = {"second": 1.0, "minute": 60.0, "hour": 3600.0}[found[1]]
        return (TimeMention(max(t_now_s - length_s, started_s), t_now_s, True),)
    found = re.search(rf"first (?:{_LENGTH}|(minute|hour)\b)", text)
    if found:
        length_s = {"minute": 60.0, "hour": 3600.0}[found[5]] if found[5] else _length_s(found.groups()[:4])
        return (TimeMention(started_s, started_s + length_s, True),)
    found = re.search(rf"since (?:the )?{_POINT}", text)
    if found and not _GROWTH.search(text):
        return (TimeMention(min(_point_s(found.groups()), t_now_s), t_now_s, True),)
    return ()


def _point_s(groups: tuple[str | None, ...]) -> float:
    return _clock_s(groups[:3]) if groups[0] is not None else _length_s(groups[-4:])


def _clock_s(groups: tuple[str | None, ...]) -> float:
    numbers = [int(group) for group in groups[:3] if group is not None]
    return float(sum(number * 60**power for power, number in enumerate(reversed(numbers))))


def _length_s(groups: tuple[str | None, ...]) -> float:
    total_s = 0.0
    for number, unit in (groups[0:2], groups[2:4]):
        if number is not None and unit is not None:
            value = _SMALL.get(number, 0) or float(number)
            total_s += value * {"s": 1.0, "m": 60.0, "h": 3600.0}[unit[0]]
    return total_s
