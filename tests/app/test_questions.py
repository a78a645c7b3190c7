import pytest

from app.errors import QuestionError
from app.questions import MAX_QUESTION_CHARS, clean_question


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\x00\x07", "\u200b\u202e", "\ud800"])
def test_question_without_anything_to_read_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(QuestionError, match="The question is empty"):
        clean_question(text)


@pytest.mark.parametrize("length", [MAX_QUESTION_CHARS + 1, 100_000])
def test_too_long_question_is_refused_without_repeating_it(length: int) -> None:
    with pytest.raises(QuestionError) as caught:
        clean_question("a" * length)
    assert f"{length:,} characters" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_longest_question_is_taken() -> None:
    assert clean_question("a" * MAX_QUESTION_CHARS) == "a" * MAX_QUESTION_CHARS


def test_control_characters_and_surplus_space_are_removed() -> None:
    assert clean_question("  where\tis\r\nthe \x1b[31mcat\x00?\u202e ") == "where is the [31mcat?"


def test_other_scripts_are_kept() -> None:
    assert clean_question("Où est le chat ? 猫はどこ？") == "Où est le chat ? 猫はどこ？"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(QuestionError, match="must be text"):
        clean_question(b"where?")  # type: ignore[arg-type]
