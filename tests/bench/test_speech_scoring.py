"""How spoken and understood words are compared."""

import numpy as np
import pytest

from bench.speech_scoring import plain_words, to_16k, word_errors


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("I saw 12 cats.", "i saw twelve cats"),
        ("It's 47 percent", "its forty-seven %"),
        ("1,250 people", "1250 people"),
        ("305 dogs", "three hundred five dogs"),
    ],
)
def test_ways_of_writing_are_not_errors(a: str, b: str) -> None:
    assert plain_words(a) == plain_words(b)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a cat sat", "a cat sat", 0),
        ("a cat sat", "a hat sat down", 2),
        ("a cat sat", "", 3),
        ("a cat", "the cat a", 2),
    ],
)
def test_errors_are_words_put_in_left_out_or_exchanged(said: str, heard: str, errors: int) -> None:
    assert word_errors(said, heard) == (errors, len(said.split()))


def test_scorers_hear_two_thirds_of_the_samples() -> None:
    assert to_16k(np.zeros(2400)).shape == (1600,)
