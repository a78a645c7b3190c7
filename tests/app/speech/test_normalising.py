"""Text as a video assistant writes it, as words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.speech.errors import SpeechTextError
from app.speech.normalising import LONGEST_WORD, normalise


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("at 0:12", "at 12 seconds"),
        ("at 0:01.", "at 1 second."),
        ("from 1:05 to 2:00", "from 1 minute 5 seconds to 2 minutes"),
        ("0:05-0:12", "5 seconds to 12 seconds"),
        ("at 1:02:03", "at 1 hour 2 minutes 3 seconds"),
        ("at 0:00", "at 0 seconds"),
        ("<0:12> and [0:20]", "12 seconds and 20 seconds"),
        ("at 7:30 pm", "at 7:30 pm"),
        ("16:9", "16:9"),
        ("192.168.1.10", "1 9 2 dot 1 6 8 dot 1 dot 1 0"),
        ("call 555-0199", "call 5 5 5, 0 1 9 9"),
        ("5 km/h, 3.5 m and 1 kg", "5 kilometers per hour, 3.5 meters and 1 kilogram"),
        ("25 fps", "25 frames per second"),
        ("80% of 640x480", "80 percent of 640 by 480"),
        ("-5°C", "minus 5 degrees Celsius"),
        ("10-15 dogs", "10 to 15 dogs"),
        ("**Two** `cats` [here](http://a.b/c)", "Two cats here"),
        ("see http://example.com/a?b", "see a link"),
        ("- one\n- two", "one two"),
        ("# Title\ntext", "Title text"),
        ("A cat 🐈 sat 👍.", "A cat sat."),
        ("café naïve", "cafe naive"),
        ('<speak>Hi <break time="1s"/>there</speak>', "Hi there"),
        ("“Yes” — it’s here…", '"Yes", it\'s here...'),
        ("cats & dogs", "cats and dogs"),
    ],
)
def test_signs_become_words(written: str, spoken: str) -> None:
    assert normalise(written).replace(" ,", ",") == spoken


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "🐈🐈", "**", "<break/>", "\n\n"])
def test_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(SpeechTextError, match="nothing to say"):
        normalise(text)


@pytest.mark.parametrize("text", ["Здравствуйте", "你好,世界", "नमस्ते दुनिया", "مرحبا"])
def test_other_scripts_are_refused_with_what_is_supported(text: str) -> None:
    with pytest.raises(SpeechTextError, match="English, in Latin letters"):
        normalise(text)


def test_a_foreign_word_within_english_is_left_out() -> None:
    assert normalise("The sign says мир today") == "The sign says today"


def test_a_word_without_end_is_cut() -> None:
    words = normalise("a" * 10_000).split()
    assert "".join(words) == "a" * 10_000
    assert max(map(len, words)) == LONGEST_WORD


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_whatever_comes_is_spoken_or_refused(text: str) -> None:
    try:
        spoken = normalise(text)
    except SpeechTextError:
        return
    assert spoken.isascii()
    assert any(letter.isalnum() for letter in spoken)
