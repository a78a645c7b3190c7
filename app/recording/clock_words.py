"""Times on the wall clock in words, and answers whose stream times become clock times as they are told. Pure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["ClockTelling", "clock_words", "iso_time"]

_STREAM_TIME = re.compile(r"(?<![\d:])(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_UNFINISHED = re.compile(r"[\d:]+$")


def clock_words(wall_s: float, now_s: float) -> str:
    """Local time: 14:02:11 of today, yesterday 14:02:11, else 20 Nov 14:02:11, with the year if it is another one."""
    moment, now = datetime.fromtimestamp(wall_s), datetime.fromtimestamp(now_s)
    clock = f"{moment:%H:%M:%S}"
    if moment.date() == now.date():
        return clock
    if moment.date() == now.date() - timedelta(days=1):
        return f"yesterday {clock}"
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{moment.day} {moment:%b}{year} {clock}"


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
