"""Times that questions name, and times as people write them."""

import pytest

from app.language.embedded.times import find_times, format_length, format_time


def found(text: str, t_now_s: float = 300.0) -> list[tuple[float, float, bool]]:
    return [(time.start_s, time.end_s, time.is_range) for time in find_times(text, t_now_s, started_s=0.0)]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("What was there at 0:20?", [20]),
        ("0:20: how many dogs", [20]),
        ("and at 1:02:03?", [3723]),
        ("Were there more people at 0:20 or at 0:40?", [20, 40]),
        ("Compare 2 seconds and 3 seconds.", [2, 3]),
        ("what did you see 20 seconds ago", [280]),
        ("two minutes ago, any cats?", [180]),
        ("half a minute earlier", [270]),
        ("at 1 minute and 5 seconds", [65]),
        ("at 90s", [90]),
        ("The same for 54 seconds.", [54]),
        ("Since 0:28, have we gained any beds?", [28]),
        ("Did the tigers multiply since 0:30?", [30]),
    ],
)
def test_points_in_time_are_found_in_their_order(text: str, points: list[int]) -> None:
    assert found(text) == [(point, point, False) for point in points]


@pytest.mark.parametrize(
    ("text", "start_s", "end_s"),
    [
        ("between 0:10 and 0:30, any cats?", 10, 30),
        ("between 10 and 30 seconds", 10, 30),
        ("what you noticed from 0:10 through 0:30", 10, 30),
        ("from 0:40 up until 0:20", 20, 40),
        ("in the last 30 seconds", 270, 300),
        ("in the past minute", 240, 300),
        ("in the first minute", 0, 60),
        ("since 0:30", 30, 300),
        ("Later than 0:20 and earlier than 0:40, was it there?", 20, 40),
    ],
)
def test_ranges_are_found(text: str, start_s: float, end_s: float) -> None:
    assert found(text) == [(start_s, end_s, True)]


@pytest.mark.parametrize(
    "text", ["What am I looking at?", "And as of now?", "Was a sofa earlier than that?", "Is it 5 or 6 dogs?", ""]
)
def test_words_that_only_look_like_times_are_none(text: str) -> None:
    assert found(text) == []


def test_times_before_the_stream_are_its_start() -> None:
    assert found("what was there 10 minutes ago", t_now_s=60.0) == [(0.0, 0.0, False)]


@pytest.mark.parametrize(("time_s", "text"), [(0, "0:00"), (7.99, "0:07"), (760, "12:40"), (3753, "1:02:33")])
def test_stream_time_is_written_like_a_clock(time_s: float, text: str) -> None:
    assert format_time(time_s) == text


@pytest.mark.parametrize(
    ("length_s", "text"), [(0, "1 s"), (7, "7 s"), (60, "1 min"), (65, "1 min 5 s"), (7380, "2 h 3 min")]
)
def test_lengths_are_written_as_people_say_them(length_s: float, text: str) -> None:
    assert format_length(length_s) == text
