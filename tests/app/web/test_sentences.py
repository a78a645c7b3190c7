"""An answer in sentences, each with its evidence."""

import pytest

from app.language.lmm import Evidence
from app.web.sentences import split_answer


def seen(*starts_s: float) -> list[Evidence]:
    return [Evidence(start_s=start_s, end_s=start_s + 2, frame_id=int(start_s)) for start_s in starts_s]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("  ", []),
        ("Yes", ["Yes"]),
        ("I saw a cat at 0:21. It was on the left.", ["I saw a cat at 0:21.", "It was on the left."]),
        ("It took 7 s. Then it went, e.g. Home.", ["It took 7 s.", "Then it went, e.g. Home."]),
        ("No. Not at 1.5 s or v2.0 of it!  Really?", ["No.", "Not at 1.5 s or v2.0 of it!", "Really?"]),
        ('He said "Stop." Then I saw him.', ['He said "Stop."', "Then I saw him."]),
    ],
)
def test_texts_are_cut_at_the_ends_of_sentences(text: str, sentences: list[str]) -> None:
    assert [one.text for one in split_answer(text, [])] == sentences


def test_the_only_sentence_has_all_the_evidence() -> None:
    (only,) = split_answer("I saw a cat twice, first at 0:21, last now.", seen(21, 41))
    assert only.evidence == (0, 1)


def test_evidence_belongs_to_the_sentence_that_names_its_time() -> None:
    first, second, third = split_answer("I saw a cat at 0:21. A dog came at 1:01:05. Nothing else.", seen(21, 3665))
    assert (first.evidence, second.evidence, third.evidence) == ((0,), (1,), ())


def test_evidence_that_no_sentence_names_goes_to_those_that_name_no_time() -> None:
    first, second = split_answer("Yes, it is there. I saw it first at 0:05.", seen(5, 90))
    assert (first.evidence, second.evidence) == ((1,), (0,))


def test_without_evidence_every_sentence_is_without() -> None:
    assert [one.evidence for one in split_answer("Yes. No.", [])] == [(), ()]
