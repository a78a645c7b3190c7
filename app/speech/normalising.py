"""What a video assistant writes, as words that can be read aloud: times, units, addresses, markdown, emoji.

In: any text. Out: English words, figures and punctuation for the grapheme-to-phoneme, which reads plain numbers, money
and dates itself. Any thread.
"""

import re
import unicodedata

from app.speech.errors import SpeechTextError

__all__ = ["LONGEST_WORD", "normalise"]

LONGEST_WORD = 30  # letters; longer ones are cut, since they are no words
_UNITS = {
    "s": "second", "sec": "second", "ms": "millisecond", "min": "minute", "h": "hour", "m": "meter", "cm": "centimeter",
    "mm": "millimeter", "km": "kilometer", "kg": "kilogram", "g": "gram", "px": "pixel", "MB": "megabyte",
    "GB": "gigabyte", "kB": "kilobyte", "Hz": "hertz", "kHz": "kilohertz", "km/h": "kilometer per hour",
    "m/s": "meter per second", "fps": "frame per second", "°C": "degree Celsius", "°F": "degree Fahrenheit",
}  # fmt: skip
_SIGNS = {"&": " and ", "@": " at ", "%": " percent", "+": " plus ", "=": " equals ", "°": " degrees", "€": " euros ",
          "£": " pounds ", "×": " times ", "≈": " about ", "→": " to ", "<": " less than ", ">": " greater than ",
          "…": "...", "“": '"', "”": '"', "’": "'", "‘": "'", "–": ", ", "—": ", ", "−": "-"}  # fmt: skip
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"\b[a-z]+://\S+|\bwww\.\S+")
_LINE_MARK = re.compile(r"^\s*(?:[-*+•>]+|#+|\d+[.)])\s+", re.MULTILINE)
_TIME = r"\d{1,3}:[0-5]\d(?::[0-5]\d)?(?:\.\d+)?"
_BRACKETED_TIME = re.compile(rf"[<\[]({_TIME})[>\]]")
_TIME_RANGE = re.compile(rf"({_TIME})\s*[-–—]\s*({_TIME})")
_ONE_TIME = re.compile(rf"(?<![\d:.])({_TIME})(?![\d:])(?!\s*[ap]\.?m\b)")
_IP = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_PHONE = re.compile(r"(?<![\w-])(?:\+?\d{1,3}[-\s])?(?:\(?\d{3}\)?[-\s])?\d{3}-\d{4}(?![\w-])")
_SIZE = re.compile(r"(\d)\s*[x×]\s*(\d)")
_NUMBER_RANGE = re.compile(r"(?<![\w-])(\d+(?:\.\d+)?)\s*[–-]\s*(\d+(?:\.\d+)?)(?![\w-])")
_UNIT = re.compile(
    r"(?<![\w.])(-?\d[\d,]*(?:\.\d+)?)\s?("
    + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
    + r")(?![\w/])"
)
_NEGATIVE = re.compile(r"(?<![\w\d.])-(?=\d)")


def normalise(text: str) -> str:
    """Raises SpeechTextError when nothing can be spoken, or when the text is written in another script."""
    text = _TAG.sub(" ", text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _ADDRESS.sub(" a link ", text)
    text = _LINE_MARK.sub("", text)
    text = re.sub(r"[*_`~#|\\]+", " ", text)
    text = _BRACKETED_TIME.sub(r"\1", text)
    text = _TIME_RANGE.sub(r"\1 to \2", text)
    text = _ONE_TIME.sub(lambda found: _time_in_words(found[1]), text)
    text = _IP.sub(lambda found: " dot ".join(" ".join(part) for part in found[0].split(".")), text)
    text = _PHONE.sub(lambda found: _digits(found[0]), text)
    text = _SIZE.sub(r"\1 by \2", text)
    text = _NUMBER_RANGE.sub(r"\1 to \2", text)
    text = _UNIT.sub(_unit_in_words, text)
    text = _NEGATIVE.sub("minus ", text)
    for sign, words in _SIGNS.items():
        text = text.replace(sign, words)
    return _latin(text)


def _time_in_words(time: str) -> str:
    """0:12 -> 12 seconds; 3:05 -> 3 minutes 5 seconds; 1:02:03 -> 1 hour 2 minutes 3 seconds."""
    numbers = [part.lstrip("0") or "0" for part in time.split(":")]
    if numbers[-1].startswith("."):
        numbers[-1] = f"0{numbers[-1]}"
    units = ("hour", "minute", "second")[-len(numbers) :]
    words = [_counted(number, unit) for number, unit in zip(numbers, units, strict=True) if number != "0"]
    return " ".join(words) or "0 seconds"


def _unit_in_words(found: re.Match[str]) -> str:
    return _counted(found[1], _UNITS[found[2]])


def _counted(number: str, unit: str) -> str:
    if number == "1":
        return f"1 {unit}"
    if unit in ("hertz", "kilohertz"):
        return f"{number} {unit}"
    head, *rest = unit.split(" ", 1)
    return " ".join([f"{number} {head}s", *rest])


def _digits(number: str) -> str:
    """555-0199 -> 5 5 5, 0 1 9 9."""
    groups = [" ".join(group) for group in re.findall(r"\d+", number)]
    return ", ".join(groups)


def _latin(text: str) -> str:
    """Keeps Latin letters, figures and punctuation; drops accents, emoji and stray letters of other scripts."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    letters = [c for c in plain if c.isalpha()]
    foreign = [c for c in letters if not c.isascii() and not unicodedata.name(c, "").startswith("LATIN")]
    if 2 * len(foreign) > len(letters):
        raise SpeechTextError("This voice reads English, in Latin letters; the text is mostly in another script.")
    kept = "".join(c if c.isascii() and (c.isalnum() or c in " \n.,;:!?'\"$()-/") else " " for c in plain)
    kept = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", _cut_word, kept)
    kept = re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", kept)).strip()
    if not any(c.isalnum() for c in kept):
        raise SpeechTextError("There is nothing to say: the text holds no words and no numbers.")
    return kept


def _cut_word(found: re.Match[str]) -> str:
    word = found[0]
    return " ".join(word[at : at + LONGEST_WORD] for at in range(0, len(word), LONGEST_WORD))
