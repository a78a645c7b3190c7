"""What a question may be, checked before anything is done with it.

Comes in: whatever was typed. Goes out: clean text, or a QuestionError with a sentence. Any thread, no state.
"""

import unicodedata

from app.errors import QuestionError

__all__ = ["MAX_QUESTION_CHARS", "clean_question"]

MAX_QUESTION_CHARS = 2000
_UNSEEN_MARKS = frozenset("\u200b\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean_question(text: str) -> str:
    """The question on one line, without control characters. Raises QuestionError if it is empty or too long."""
    if not isinstance(text, str):
        raise QuestionError(f"The question must be text, got {type(text).__name__}.")
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION_CHARS:,} are read. Ask more briefly."
        )
    cleaned = " ".join("".join(map(_shown, text)).split())
    if not cleaned:
        raise QuestionError("The question is empty. Please type what you want to know about the video.")
    return cleaned


def _shown(character: str) -> str:
    """The character itself, a space for what separates, nothing for what steers a terminal or cannot be written."""
    if character.isspace():
        return " "
    is_hidden = unicodedata.category(character) in ("Cc", "Cs") or character in _UNSEEN_MARKS
    return "" if is_hidden else character
