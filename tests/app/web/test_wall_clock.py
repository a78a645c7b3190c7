"""Times of a live source by the clock, of a file from its start."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.errors import QuestionError
from app.web.wall_clock import place_times, wall_offset_s, words_of_time
from app.web.watching import Watch

START_S = datetime(2026, 11, 23, 14, 0, 0).timestamp()
NOW_S = START_S + 600.0


def watching(offset_s: float | None = START_S, newest_s: float | None = 600.0) -> Watch:
    status = SimpleNamespace(wall_offset_s=offset_s, newest_time_s=newest_s)
    session = SimpleNamespace(status=lambda: status, set=status.__dict__.update)
    return cast(Watch, SimpleNamespace(session=session, known_wall_offset_s=None))


def placed(question: str, **facts: Any) -> tuple[str, str | None]:
    result = place_times(question, watching(**facts), lambda: NOW_S)
    return result.question, result.note


def test_a_file_has_its_own_time() -> None:
    assert placed("What was there at 0:21?", offset_s=None) == ("What was there at 0:21?", None)
    assert words_of_time(watching(offset_s=None))(75.0) == "1:15"


def test_times_of_the_clock_become_stream_times() -> None:
    assert placed("Who came at 14:02?") == ("Who came at 2:00?", "“at 14:02” was taken as 14:02:00.")
    question, note = placed("What happened between 14:01 and 14:03?")
    assert question == "What happened between 1:00 and 3:00?" and note is not None and "14:01:00 to 14:03:00" in note
    assert placed("Who came at 14:02:00?") == ("Who came at 2:00?", None)
    assert placed("Is there a cat?") == ("Is there a cat?", None)
    assert words_of_time(watching(), lambda: NOW_S)(131.0) == "14:02:11"


@pytest.mark.parametrize("question", ["Who came at 13:00?", "Who came yesterday at 9?", "Who comes at 15:00?"])
def test_a_time_that_was_not_watched_gets_a_sentence(question: str) -> None:
    with pytest.raises(QuestionError):
        placed(question)


def test_the_offset_stays_until_the_clock_is_set() -> None:
    watch = watching()
    assert wall_offset_s(watch) == START_S
    session = cast(Any, watch.session)
    session.set(wall_offset_s=START_S + 0.4)
    assert wall_offset_s(watch) == START_S
    session.set(wall_offset_s=START_S + 3600)
    assert wall_offset_s(watch) == START_S + 3600
