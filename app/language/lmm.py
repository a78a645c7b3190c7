"""What answers questions: the protocol behind which the model hides.

Comes in: a Question and one immutable snapshot of the stream memory. Goes out: pieces of text, then a Reply.
The answer thread alone loads, calls and closes an LMM.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the memory brings torch with it; who only asks must not wait for that
    from memory import Snapshot

__all__ = ["LMM", "Evidence", "Question", "Reply"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, cleaned, with what was said before it."""

    text: str
    asked_at_s: float  # stream time of the newest frame in the snapshot
    history: tuple[tuple[str, str], ...] = ()  # earlier (question, answer) pairs, oldest first, for follow-ups


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A span of stream time that an answer rests on, and the frame that shows it best."""

    start_s: float
    end_s: float
    frame_id: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The whole answer: the last item of a stream."""

    text: str
    evidence: tuple[Evidence, ...]
    num_prompt_tokens: int
    num_tokens: int


class LMM(Protocol):
    """A large multimodal model that answers from a snapshot of the memory."""

    name: str

    def stream(
        self, question: Question, snapshot: "Snapshot", is_cancelled: Callable[[], bool]
    ) -> Iterator[str | Reply]:
        """Pieces of text as they are decoded, then the Reply.

        Polls `is_cancelled` once per decode step and then ends, with a Reply of what there is or without one.
        Raises app.errors.AnswerError when this one question cannot be answered; anything else is the model's failure.
        """
        ...

    def close(self) -> None:
        """Gives the weights back. May be called twice."""
        ...
