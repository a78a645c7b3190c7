"""Times on the wall clock in words, and answers whose stream times become clock times as they are told. Pure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["ClockTelling", "clock_speech", "clock_words", "iso_time"]

_STREAM_TIME = re.compile(r"(?<![\d:])(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_UNFINISHED = re.compile(r"[\d:]+$")


def clock_words(wall_s: float, now_s: float) -> str:
    """Local time: 14:02:11 of today, yesterday 14:02:11, else 20 Nov 14:02:11, with the year if it is another one."""
    moment, now = datetime.fromtimestamp(wall_s), datetime.fromtimestamp(now_s)
    return f"{_day(moment, now, '%b')} {moment:%H:%M:%S}".lstrip()


def clock_speech(wall_s: float, now_s: float) -> str:
    """The same to be heard: "14 oh 2 and 11 seconds", "yesterday 9 o'clock"; 14:02:11 would be read as a length."""
    moment, now = datetime.fromtimestamp(wall_s), datetime.fromtimestamp(now_s)
    minute = "o'clock" if moment.minute == 0 else f"oh {moment.minute}" if moment.minute < 10 else f"{moment.minute}"
    seconds = f" and {moment.second} second{'s' * (moment.second > 1)}" if moment.second else ""
    return f"{_day(moment, now, '%B')} {moment.hour} {minute}{seconds}".lstrip()


def _day(moment: datetime, now: datetime, month: str) -> str:
    """Nothing for today; month: how strftime writes it."""
    if moment.date() == now.date():
        return ""
    if moment.date() == now.date() - timedelta(days=1):
        return "yesterday"
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{moment.day} {moment:{month}}{year}"


def iso_time(wall_s: float) -> str:
    """Local time with its zone, to the millisecond."""
    return datetime.fromtimestamp(wall_s).astimezone().isoformat(timespec="milliseconds")


class ClockTelling:
    """Replaces stream times (0:12, 1:02:33) in pieces of text; a time that is cut in two waits for its rest."""

    def __init__(self, words_of: Callable[[float], str]) -> None:
        """words_of: from a stream time to what is said in its place."""
        self._words_of, self._held = words_of, ""

    def feed(self, piece: str) -> str:
        """What can be told now."""
        text = self._held + piece
        cut = _UNFINISHED.search(text)
        self._held = "" if cut is None else cut[0]
        return self._told(text[: len(text) - len(self._held)])

    def finish(self) -> str:
        """The rest."""
        text, self._held = self._held, ""
        return self._told(text)

    def whole(self, text: str) -> str:
        """A text that is complete."""
        return self._told(text)

    def _told(self, text: str) -> str:
        return _STREAM_TIME.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        numbers = [int(group) for group in match.groups() if group is not None]
        return self._words_of(float(sum(n * 60**power for power, n in enumerate(reversed(numbers)))))
