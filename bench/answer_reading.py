"""What a plain English answer says: yes or no, a count, times, durations, a place, the words it affirms.

In: the text of one answer and the stream time of its question. Out: plain values. Pure functions, any thread.
The rules know nothing of the model that wrote the answer; tests/bench holds hand-made answers of many forms.
"""

from __future__ import annotations

import re

__all__ = ["affirmed", "count", "durations_s", "has_word", "polarity", "region", "times_s"]

_NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "a dozen": 12, "thirteen": 13, "many": 13, "lots": 13, "fourteen": 14,
    "fifteen": 15, "twenty": 20, "once": 1, "twice": 2, "both": 2, "couple": 2,
}  # fmt: skip
_NEGATION = re.compile(r"\b(?:no(?!,)|not|never|neither|nor|none|nothing|nobody|no-one|without|cannot|\w+n't)\b")
_DENIAL = re.compile(r"^(?:no|nope|nah|not)\b")
_ASSENT = re.compile(r"^(?:yes|yeah|yep|yup|correct|right)\b")
_STATEMENT = re.compile(
    r"\b(?:i (?:can |could )?(?:still )?(?:see|saw|have seen)|there (?:is|are|was|were)|the whole time|throughout)\b"
)
_CLOCK = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:\.\d+)?(?!\d|:\d)")
_LENGTH_PART = r"(\d+(?:\.\d+)?)\s*(hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|s)\b"
_LENGTH = re.compile(rf"{_LENGTH_PART}(?:\s*(?:and|,)?\s*{_LENGTH_PART})?(?:\s*(?:and|,)?\s*{_LENGTH_PART})?")
_SPELLED_LENGTH = re.compile(rf"\b({'|'.join(_NUMBERS)}) (hours?|minutes?|seconds?)\b")
_POINT_BEFORE = re.compile(
    r"\b(?:at|around|about|from|to|till|until|after|before|by|since|between|second|and|or)\s*(?:about |around |the )?$"
)
_PRESENT = re.compile(
    r"^now\b|\b(?:right now|(?:until|till|and|there) now|at the moment|currently"
    r"|still (?:there|here|in view|visible))\b"
)
_START = re.compile(r"\b(?:from|since|at) (?:the )?(?:very )?(?:first (?:frame|moment)|start|beginning)\b")
_SIDE_OF = re.compile(
    r"\b(?:left|right)(?:-hand side| side)? of (?!the (?:picture|frame|image|screen|view|shot|scene))"
)
_PLACE = re.compile(
    r"\b(?:(?P<v>top|upper|bottom|lower)(?:[\s,-]+(?:and|on|in|of|the|to|towards?|half|part|edge|corner))*"
    r"[\s,-]+(?P<h>left|right|centre|center|middle)"
    r"|(?P<h2>left|right)(?:-hand| hand)?(?: side| edge)?(?:[\s,-]+(?:and|on|in|at|of|the|towards?))*"
    r"[\s,-]+(?P<v2>top|bottom)"
    r"|(?:centre|center|middle)[\s-]+(?P<only>left|right|top|bottom)"
    r"|(?P<one>left|right|top|upper|bottom|lower|centre|center|middle))\b"
)


def affirmed(text: str) -> str:
    """The parts of the answer that claim something: what follows a negation in its clause is left out."""
    kept = []
    for clause in re.split(r"[.;!?](?!\d)|,?\s+but\s+|,?\s+though\s+", _core(text)):
        clause = re.sub(r"^\s*(?:no|nope|yes|yeah|yep),\s*", "", clause)
        negation = _NEGATION.search(clause)
        kept.append(clause[: negation.start()] if negation else clause)
    return " . ".join(kept)


def has_word(text: str, word: str) -> bool:
    """Whether the word or phrase stands in the text, in the singular or a regular plural."""
    return re.search(rf"\b{re.escape(word.lower())}(?:s|es|'s)?\b", text.lower()) is not None


def polarity(text: str) -> str | None:
    """Returns "yes", "no", or None when the answer commits itself to neither."""
    text = _core(text).strip()
    if _ASSENT.search(text):
        return "yes"
    if _DENIAL.search(text):
        return "no"
    first = re.split(r"[.;!?](?!\d)|,?\s+but\s+", text)[0]
    if _NEGATION.search(first):
        return "no"
    return "yes" if _STATEMENT.search(first) else None


def count(text: str) -> int | None:
    """The first number in the answer that is no time and no duration; "no ..." is 0, "a ..." is 1."""
    text = re.sub(r"\bno[ -]one\b", "nobody", _LENGTH.sub(" ", _CLOCK.sub(" ", _core(text))))
    text = re.sub(r"\bat once\b", " ", text)
    found = re.search(r"\b(?:\d+|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")\b", text)
    if found:
        return int(found[0]) if found[0].isdigit() else _NUMBERS[found[0]]
    if _NEGATION.search(text):
        return 0
    return 1 if re.search(r"\b(?:an?|single)\b", text) else None


def times_s(text: str, at_s: float) -> list[float]:
    """The stream times named, in the order of the answer; "right now" and its kin are `at_s`."""
    text = _core(text)
    points = [(found.start(), _clock_s(found)) for found in _CLOCK.finditer(text)]
    points += [(found.start(), at_s) for found in _PRESENT.finditer(text) if not _is_negated(text, found.start())]
    points += [(found.start(), 0.0) for found in _START.finditer(text)]
    rest = _CLOCK.sub(lambda found: " " * len(found[0]), text)
    lengths = [(found.start(), _length_s(found)) for found in _LENGTH.finditer(rest)]
    points += [(place, length) for place, length in lengths if _POINT_BEFORE.search(rest[:place])]
    return [time for _, time in sorted(points or lengths)]


def durations_s(text: str, at_s: float) -> list[float]:
    """The durations named: "7 s", "1 min 5 s", "the whole time" (`at_s`); failing these, the length of a span."""
    text = _core(text)
    rest = _CLOCK.sub(lambda found: " " * len(found[0]), text)
    found_s = [
        _length_s(found)
        for found in _LENGTH.finditer(rest)
        if not re.search(r"\b(?:at|from|until|since)\s*$", rest[: found.start()])
    ]
    if not found_s and re.search(r"\b(?:whole|entire|all the) (?:time|stream|clip|video)?|\bthroughout\b", text):
        found_s = [at_s]
    times = times_s(text, at_s)
    return found_s or ([times[1] - times[0]] if len(times) == 2 else [])


def region(text: str) -> str | None:
    """The first place named, as one of nine: "top left", "top", ..., "centre", ..., "bottom right"."""
    text = _SIDE_OF.sub(" ", re.sub(r"\bright (?:now|here|there|away)\b|\ball right\b", " ", _core(text)))
    found = _PLACE.search(text)
    if not found:
        return None
    words = {"upper": "top", "lower": "bottom", "center": "centre", "middle": "centre"}
    vertical = found["v"] or found["v2"] or ""
    horizontal = found["h"] or found["h2"] or found["only"] or found["one"] or ""
    vertical, horizontal = words.get(vertical, vertical), words.get(horizontal, horizontal)
    return vertical if vertical and horizontal == "centre" else f"{vertical} {horizontal}".strip()


def _core(text: str) -> str:
    """The answer in lower case, without bracketed asides and without a closing note on the newest frame used."""
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text.lower().replace("’", "'"))
    text = re.sub(r"\b(?:newest frame|latest frame|evidence|based on)\b[^.]*", " ", text)
    return _SPELLED_LENGTH.sub(lambda found: f"{_NUMBERS[found[1]]} {found[2]}", text)


def _is_negated(text: str, place: int) -> bool:
    """Whether a negation stands before the place, in the same clause."""
    return _NEGATION.search(re.split(r"[.;!?,]|\bbut\b", text[:place])[-1]) is not None


def _clock_s(found: re.Match[str]) -> float:
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _length_s(found: re.Match[str]) -> float:
    groups = found.groups()
    unit_s = {"h": 3600.0, "m": 60.0, "s": 1.0}
    return sum(
        float(number) * unit_s[unit[0]] for number, unit in zip(groups[::2], groups[1::2], strict=True) if number
    )
