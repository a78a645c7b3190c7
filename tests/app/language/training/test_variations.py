"""Variations keep the placeholders and the meaning's frame of a template."""

import random
import re

import pytest

from app.language.training.phrasings import load_phrasings
from app.language.training.variations import vary

TEMPLATES = [one for templates in load_phrasings(with_extra=True).train.values() for one in templates]


@pytest.mark.parametrize("seed", range(5))
def test_placeholders_stay_as_they_are(seed: int) -> None:
    rng = random.Random(seed)
    for template in TEMPLATES:
        assert re.findall(r"{[^}]*}", vary(template, rng)) == re.findall(r"{[^}]*}", template)


def test_the_same_generator_gives_the_same_text_and_another_one_other_texts() -> None:
    first, second = ([vary(one, random.Random(seed)) for one in TEMPLATES] for seed in (1, 1))
    assert first == second
    generator = random.Random(2)
    several = {vary("Can you see {a} right now?", generator) for _ in range(60)}
    assert len(several) > 10
    assert "Can you see {a} right now?" in several


def test_what_is_said_before_does_not_leave_a_capital_in_mid_sentence() -> None:
    rng = random.Random(3)
    texts = [vary("Is there {a}?", rng) for _ in range(400)]
    assert not [text for text in texts if re.search(r"[,:] [A-HJ-Z]", text)]
