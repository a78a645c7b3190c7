"""Slips: small, reproducible, and never in a time or into another word."""

import random
import re

from app.language.training.slips import slip

QUESTION = "Where is the dog that you saw at 0:20, and what's next to it at 1:05?"


def slips_of(text, count=400):
    return [slip(text, random.Random(seed)) for seed in range(count)]


def test_the_same_seed_gives_the_same_slip():
    assert slips_of(QUESTION) == slips_of(QUESTION)


def test_times_and_numbers_are_never_touched():
    for typed in slips_of("Were there 12 dogs in the last 30 seconds, between 0:20 and 1:02:33?"):
        assert re.findall(r"[\d:]*\d", typed) == ["12", "30", "0:20", "1:02:33"]


def test_every_slip_changes_the_question_but_only_a_little():
    for typed in slips_of(QUESTION):
        assert typed != QUESTION
        assert abs(len(typed) - len(QUESTION)) <= 12
        assert len(set(QUESTION.split()) - set(typed.split())) <= 6


def test_all_the_common_kinds_of_slips_happen():
    typed = slips_of(QUESTION)
    assert any(text.startswith("where") for text in typed)
    assert any(not text.endswith("?") for text in typed)
    assert any(" u saw" in text for text in typed)
    assert any(text.lower().startswith("wheres the") for text in typed)
    assert any("whats" in text for text in typed)
    assert any(re.search(r"\bnxet\b", text) for text in typed)
    assert any(re.search(r"\b(net|nxt)\b", text) for text in typed)
    assert any(re.search(r"\b(nnext|neext|nexxt|nextt)\b", text) for text in typed)


def test_a_word_never_becomes_another_word_that_means_something():
    for typed in slips_of("boat horse there", 2000):
        first, second, third = typed.lower().split()
        assert first not in ("goat", "coat", "bat")
        assert second != "house"
        assert third != "three"


def test_words_of_three_letters_or_less_keep_their_letters():
    assert all("dog" in typed for typed in slips_of("Is a dog in it?"))


def test_a_text_that_cannot_slip_comes_back_as_it_is():
    for text in ("", "0:20", "ok", "12"):
        assert slip(text, random.Random(1)) == text
