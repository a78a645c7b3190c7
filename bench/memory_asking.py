"""Questions to the embedded language model in a program: one after another, each on its own.

Comes in: a question and a snapshot. Goes out: the sentence, or what it says. One thread.
"""

from app.language.lmm import LMM, Question, Reply
from app.loading import load_lmm
from bench.answer_reading import polarity
from memory import Snapshot
from vision.encoders import CONCEPTS

__all__ = ["Asker", "a", "plural"]


class Asker:
    """Loads the model at once; needs the files that `launch.py` fetches."""

    def __init__(self) -> None:
        self._lmm: LMM = load_lmm()

    def ask(self, text: str, snapshot: Snapshot) -> str:
        question = Question(text=text, asked_at_s=snapshot.t_now_s)
        replies = [part for part in self._lmm.stream(question, snapshot, lambda: False) if isinstance(part, Reply)]
        return replies[-1].text

    def says_yes(self, text: str, snapshot: Snapshot) -> bool | None:
        """None: it commits itself to neither."""
        said = polarity(self.ask(text, snapshot))
        return None if said is None else said == "yes"


def a(concept: int) -> str:
    """ "a dog", "an oven", "broccoli"."""
    one = CONCEPTS[concept]
    if not one.is_countable:
        return one.name
    return f"{'an' if one.name[0] in 'aeiou' else 'a'} {one.name}"


def plural(concept: int) -> str:
    """ "dogs"; "broccoli" as it is."""
    one = CONCEPTS[concept]
    return one.plural if one.is_countable else one.name
