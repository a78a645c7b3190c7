import pytest

from bench.answer_reading import affirmed, count, durations_s, has_word, polarity, region, times_s


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Yes, I can see two dogs.", "yes"),
        ("Yeah there's one", "yes"),
        ("No, I have not seen any dogs.", "no"),
        ("Not in view now; I last saw a dog at 0:05.", "no"),
        ("I have not seen any umbrellas.", "no"),
        ("I can't see anyone.", "no"),
        ("I can see nobody.", "no"),
        ("I can see a van, but not a bus.", "yes"),
        ("There is a man on the left.", "yes"),
        ("The dog is at the top left.", None),
        ("", None),
    ],
)
def test_polarity(answer, expected):
    assert polarity(answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I can see one person now.", 1),
        ("At 0:10 I saw seven people.", 7),
        ("At most twelve people at once, at 1:04.", 12),
        ("I see 3 dogs", 3),
        ("I can see no dogs now.", 0),
        ("I have not seen any dogs.", 0),
        ("No one is there.", 0),
        ("I saw a dog twice.", 2),
        ("In the last 20 seconds there were four horses.", 4),
        ("There is a horse.", 1),
        ("I can see many people now.", 13),
        ("Hello.", None),
    ],
)
def test_count(answer, expected):
    assert count(answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I first saw a cat at 0:47.", [47]),
        ("I saw a cat from 0:47 to 1:02:03.", [47, 3723]),
        ("I saw a dog twice, first at 0:03, and now.", [3, 60]),
        ("I can see a dog right now.", [60]),
        ("It is not there right now.", []),
        ("At 12 s, and for 7 s in all.", [12]),
        ("About 12 seconds in.", [12]),
        ("From the start until now.", [0, 60]),
        ("More at 0:20: three people at 0:20, one person at 0:40.", [20, 20, 40]),
        ("I saw it at 0:05 (newest frame 0:59).", [5]),
    ],
)
def test_times(answer, expected):
    assert times_s(answer, at_s=60.0) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I saw a dog for 13 s in all.", [13]),
        ("For 1 min 5 s.", [65]),
        ("For about six seconds.", [6]),
        ("From 0:10 to 0:17.", [7]),
        ("Yes, I saw it the whole time.", [60]),
        ("I have not seen it.", []),
    ],
)
def test_durations(answer, expected):
    assert durations_s(answer, at_s=60.0) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The van is at the top right.", "top right"),
        ("It's in the upper left-hand corner.", "top left"),
        ("On the left, at the bottom.", "bottom left"),
        ("In the centre.", "centre"),
        ("At the top, in the middle.", "top"),
        ("It is on the right hand side of the picture.", "right"),
        ("I see it right now in the middle.", "centre"),
        ("To the left of the van, at the bottom.", "bottom"),
        ("I have not seen it.", None),
    ],
)
def test_region(answer, expected):
    assert region(answer) == expected


def test_what_is_denied_is_not_affirmed():
    text = affirmed("No, I saw a cat at 0:05, but not a dog. I have seen neither a cow nor a pig.")
    assert has_word(text, "cat")
    assert not any(has_word(text, word) for word in ("dog", "cow", "pig"))


def test_words_match_whole_and_in_the_plural():
    assert has_word("two buses and three dogs", "bus") and has_word("two buses and three dogs", "dog")
    assert not has_word("a category of carpets", "cat") and not has_word("a category of carpets", "car")
