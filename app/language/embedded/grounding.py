"""What an answer may say: a sentence that the memory entails, and nothing else.

In: the reading, what was recalled, the question. Out: an `AnswerGrammar`, which tells the decoder at each step which
tokens may follow. The language model reads the question and chooses among true sentences, token by token; it cannot
invent a thing, a count, a time or a place. Where only one token can follow nothing is computed, which saves time too.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from app.language.embedded.prompt import STOP_ID
from app.language.embedded.reading import Reading
from app.language.embedded.recall import Recall
from app.language.embedded.statements import entailed
from vision.encoders import Concept

__all__ = ["AnswerGrammar", "GrammarMaker"]

_MAX_UNKNOWN_WORDS = 4
_MAX_QUESTION_WORDS = 40


class _Node:
    """A place in the tree of token sequences."""

    __slots__ = ("children",)

    def __init__(self) -> None:
        self.children: dict[int, _Node] = {}

    def add(self, ids: Sequence[int]) -> None:
        node = self
        for token_id in ids:
            node = node.children.setdefault(token_id, _Node())


class AnswerGrammar:
    """Which tokens may come next: those that continue one of the sentences. One instance per answer."""

    def __init__(self, sentences: Sequence[Sequence[int]], families: Mapping[str, str] | None = None):
        """sentences: token ids each, at least one of them, the stop token last. families: of the entailed ones, as
        text; the answer's evidence depends on it."""
        self.families = families or {}
        self._place = _Node()
        for ids in sentences:
            self._place.add(ids)

    def allowed(self) -> list[int]:
        """The token ids that may come next, in ascending order; none after the stop token."""
        return sorted(self._place.children)

    def accept(self, token_id: int) -> None:
        """Move on by one token. Raises ValueError for one that was not allowed."""
        if token_id not in self._place.children:
            raise ValueError(f"token {token_id} may not follow here")
        self._place = self._place.children[token_id]


class GrammarMaker:
    """Makes the grammar of each answer."""

    def __init__(self, concepts: Sequence[Concept], encode: Callable[[str], list[int]]):
        self._concepts, self._encode = concepts, encode

    def make(self, question: str, reading: Reading, recalled: Recall) -> AnswerGrammar:
        """The grammar for an answer to `question`; where it names nothing known, the answer may quote its words."""
        families = entailed(reading, recalled, self._concepts)
        sentences = list(families)
        if recalled.is_inherited or (not recalled.concepts and not recalled.kinds):
            sentences += [f"I don't know how to recognise {words}." for words in runs_of_words(question)]
        return AnswerGrammar([[*self._encode(" " + sentence), STOP_ID] for sentence in sentences], families)


def runs_of_words(question: str) -> list[str]:
    """Runs of one to four words of the question: among them is what it asks for by a name that nobody taught us."""
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", question)[:_MAX_QUESTION_WORDS]
    sizes = range(1, _MAX_UNKNOWN_WORDS + 1)
    return [" ".join(words[start : start + size]) for size in sizes for start in range(len(words) - size + 1)]
