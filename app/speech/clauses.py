"""Cuts text that is still being written into pieces which can be spoken: the first early, the others by sentence.

In: pieces of text in order, as a language model streams them. Out: clauses; put together they are the text, nothing
twice, nothing left out. State belongs to the thread that feeds it.
"""

import re

__all__ = ["ClauseSplitter", "split_clauses"]

_SENTENCE_END = re.compile(r"[.!?…]+[\"”’)\]]*\s+|\n+")
_CLAUSE_END = re.compile(r"[,;:—–][\"”’)\]]*\s+|\s[-—–]\s+|[.!?…]+[\"”’)\]]*\s+|\n+")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|e\.g|i\.e|approx|no)|\b[A-Z])\.$")
FIRST_MIN_WORDS = 2  # a first clause shorter than that waits for more
FIRST_MAX_WORDS = 8  # without any mark the first piece is cut here
MAX_WORDS = 18  # a longer sentence is cut at a clause, or here
MAX_CHARS = 200


class ClauseSplitter:
    """`feed` gives the clauses that are now complete, `finish` the rest."""

    def __init__(self) -> None:
        self._rest = ""
        self._is_first = True

    def feed(self, piece: str) -> list[str]:
        """A clause is complete when what follows its mark has begun, so that 3.5 and 0:12 stay whole."""
        self._rest += piece
        clauses = []
        while (end := self._end()) is not None:
            clauses.append(self._rest[:end])
            self._rest = self._rest[end:]
            self._is_first = False
        return clauses

    def finish(self) -> list[str]:
        """What is left when nothing more will come."""
        rest, self._rest = self._rest, ""
        return [rest] if rest.strip() else []

    def _end(self) -> int | None:
        text = self._rest
        for found in (_CLAUSE_END if self._is_first else _SENTENCE_END).finditer(text):
            words = len(text[: found.end()].split())
            if _ABBREVIATION.search(text[: found.end()].rstrip()):
                continue
            if self._is_first and words < FIRST_MIN_WORDS and found[0].strip()[:1] not in ".!?":
                continue
            return found.end() if words <= MAX_WORDS and found.end() <= MAX_CHARS else self._forced_end()
        limit = FIRST_MAX_WORDS if self._is_first else MAX_WORDS
        if len(text.split()) > limit or len(text) > MAX_CHARS:
            return self._forced_end()
        return None

    def _forced_end(self) -> int:
        """The last clause mark within the limits, else the last space, else the limit itself."""
        limit = FIRST_MAX_WORDS if self._is_first else MAX_WORDS
        spaces = [found.end() for found in re.finditer(r"\s+", self._rest[:MAX_CHARS])]
        last = min(spaces[min(limit, len(spaces)) - 1] if spaces else MAX_CHARS, MAX_CHARS)
        marks = [found.end() for found in _CLAUSE_END.finditer(self._rest[:last])]
        return marks[-1] if marks else last


def split_clauses(text: str) -> list[str]:
    """A whole text at once; joined, the clauses are the text without trailing blanks."""
    splitter = ClauseSplitter()
    return splitter.feed(text) + splitter.finish()
