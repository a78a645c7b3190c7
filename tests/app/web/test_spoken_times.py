"""What is heard of a live source names the hour; a length of 14 hours is not what 14:02 means."""

from datetime import datetime

from app.recording.clock_words import clock_speech
from app.speech.normalising import normalise
from app.web.spoken_times import SpokenTimes

NOW_S = datetime(2026, 11, 23, 15, 0, 0).timestamp()
START_S = datetime(2026, 11, 23, 14, 0, 0).timestamp()


class Words:
    """Grows by one piece at each look, then is done."""

    is_cancelled = False

    def __init__(self, *pieces: str) -> None:
        self.pieces, self.num_shown = pieces, 0

    @property
    def is_done(self) -> bool:
        return self.num_shown == len(self.pieces)

    def next_pieces(self, position: int, timeout_s: float) -> tuple[str, ...]:
        self.num_shown = min(self.num_shown + 1, len(self.pieces))
        return self.pieces[position : self.num_shown]


def heard(*pieces: str) -> list[str]:
    words = SpokenTimes(Words(*pieces), lambda time_s: clock_speech(START_S + time_s, NOW_S))
    told: list[str] = []
    for _ in range(20):
        is_done = words.is_done
        new = words.next_pieces(len(told), 0.0)
        told += new
        if is_done and not new:
            return told
    raise AssertionError("it never ended")


def test_a_time_is_said_once_whole_and_by_the_clock() -> None:
    assert "".join(heard("I saw a cat at 2", ":1", "1, and at 0:00.")) == (
        "I saw a cat at 14 oh 2 and 11 seconds, and at 14 o'clock."
    )
    assert "".join(heard("Last at 31", ":01")) == "Last at 14 31 and 1 second"
    assert heard() == []


def test_another_day_is_named() -> None:
    tomorrow_s = NOW_S + 24 * 3600
    assert clock_speech(START_S, tomorrow_s) == "yesterday 14 o'clock"
    assert clock_speech(START_S, tomorrow_s + 24 * 3600) == "23 November 14 o'clock"


def test_the_voice_reads_it_as_a_time() -> None:
    said = normalise(clock_speech(START_S + 131.0, NOW_S))
    assert said == "14 oh 2 and 11 seconds"
