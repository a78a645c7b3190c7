"""The phrasings: enough of each, no two alike, the right placeholders, and one meaning only."""

import pickle
import re
import string

import pytest

from app.language.training.phrasings import EXTRA_SLOTS, FAMILY_SLOTS, load_phrasings
from vision.encoders import CONCEPTS

SLOTS = {**FAMILY_SLOTS, **EXTRA_SLOTS}
LEAST = {"out_of_scope": (120, 30), "greeting": (40, 10)}
POLITE = {"please", "ok", "okay", "so", "and", "then", "well", "oh"}


def everything():
    phrasings = load_phrasings(with_extra=True)
    for part in ("train", "held_out", "development"):
        for family, templates in getattr(phrasings, part).items():
            for template in templates:
                yield part, family, template


def placeholders(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def folded(text):
    return " ".join(re.sub(r"[^a-z0-9{}. ]", " ", text.lower()).rstrip(". ").split())


def test_every_family_is_there_and_extra_ones_only_when_asked_for():
    phrasings, more = load_phrasings(), load_phrasings(with_extra=True)
    assert set(phrasings.train) == set(phrasings.held_out) == set(FAMILY_SLOTS)
    assert set(more.train) == set(more.held_out) == set(SLOTS)


@pytest.mark.parametrize("family", SLOTS)
def test_each_family_has_enough_phrasings(family):
    phrasings = load_phrasings(with_extra=True)
    least_train, least_held_out = LEAST.get(family, (45, 12))
    assert len(phrasings.train[family]) >= least_train
    assert len(phrasings.held_out[family]) >= least_held_out


def test_no_phrasing_is_in_two_families_or_in_both_parts():
    seen = {}
    for part, family, template in everything():
        key = folded(template)
        assert key not in seen, f"{template!r} is in {seen[key]} and in {(part, family)}"
        seen[key] = (part, family)


def test_a_held_out_phrasing_is_more_than_a_polite_word_away_from_training():
    trained = {
        " ".join(w for w in folded(text).split() if w not in POLITE)
        for part, _, text in everything()
        if part == "train"
    }
    held_out = {
        " ".join(w for w in folded(text).split() if w not in POLITE): text
        for part, _, text in everything()
        if part == "held_out"
    }
    assert [text for key, text in held_out.items() if key in trained] == []


def test_each_phrasing_names_what_its_family_asks_about_and_nothing_else():
    for _, family, template in everything():
        names, slots = placeholders(template), SLOTS[family]
        assert all(names & slot for slot in slots), f"{family}: {template!r} leaves something unnamed"
        assert names <= frozenset().union(*slots), f"{family}: {template!r} has a foreign placeholder"


def test_phrasings_are_clean_text():
    for _, family, template in everything():
        assert template == " ".join(template.split()) and template.isascii(), (family, template)
        assert 1 < len(template) < 120, (family, template)


def test_now_and_so_far_are_told_apart():
    past = re.compile(r"\b(did|was|were|saw|(?<!be )seen|ever|earlier|yet|so far|appeared)\b")
    so_far = re.compile(
        r"\b(did|was|were|saw|see|seeing|seen|ever|has|have|had|earlier|yet|so far|appeared|recall|in the video)\b"
    )
    now = re.compile(r"(?<!until )(?<!up to )\b(now|at the moment|currently|at present|this moment)\b")
    for _, family, template in everything():
        if family in ("exist_now", "either_now", "both_now", "anyone_now", "unknown_now", "kind_now", "count_now"):
            assert not past.search(template.lower()), (family, template)
        if family in ("exist_ever", "either_ever", "anyone_ever", "unknown_ever", "kind_ever"):
            assert not now.search(template.lower()), (family, template)
        if family in ("exist_ever", "either_ever", "unknown_ever"):
            assert so_far.search(template.lower()), (family, template)


def test_a_count_of_the_past_always_says_when_or_at_most():
    texts = {folded(template) for _, _, template in everything()}
    assert not texts & {
        "how many {plural} were there",
        "how many {plural} did you see",
        "how many {plural} have you seen",
    }


def test_unknown_words_are_many_and_not_shared():
    phrasings = load_phrasings()
    train, held_out = set(phrasings.unknown_train), set(phrasings.unknown_held_out)
    assert len(train) == len(phrasings.unknown_train) >= 300
    assert len(held_out) == len(phrasings.unknown_held_out) >= 80
    assert not train & held_out


def test_no_unknown_word_is_a_word_of_the_vocabulary():
    phrasings = load_phrasings()
    known = {word.lower() for concept in CONCEPTS for word in (concept.name, concept.plural, *concept.synonyms)}
    for unknown in (*phrasings.unknown_train, *phrasings.unknown_held_out):
        for form in (re.sub(r"^an? ", "", unknown.lower()), unknown.plural.lower()):
            words = form.split()
            runs = {" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
            assert not runs & known, f"{unknown!r} holds {sorted(runs & known)}"


def test_an_unknown_word_fills_both_of_its_placeholders_and_can_travel_between_processes():
    word = load_phrasings().unknown_train[0]
    assert "Is there {word}?".format_map({"word": word}) == f"Is there {word}?"
    assert "Any {word.plural}?".format_map({"word": word}) == f"Any {word.plural}?"
    copy = pickle.loads(pickle.dumps(word))
    assert (copy, copy.plural) == (word, word.plural)
