"""An answer about a recording as programs get it: from `query --json` and from POST /v1/ask alike.

Comes in: an answer in stream time. Goes out: the `answer` object with the times of the clock beside its own. Pure.
"""

from collections.abc import Callable
from typing import Any

from app.answer import AnswerResult
from app.answer_fields import answer_fields
from app.language.lmm import Evidence
from app.recording.asked import AskedByClock, Understood
from app.recording.clock_words import iso_time

__all__ = ["told_fields"]


def told_fields(
    result: AnswerResult,
    question: str,
    understood: Understood,
    asked: AskedByClock,
    name: str,
    picture_id_of: Callable[[Evidence], int | None],
) -> dict[str, Any]:
    """question: as it was asked. picture_id_of: the kept picture that shows a piece of evidence; None: none is kept."""
    clock = asked.clock
    evidence = [
        {
            "start_s": round(one.start_s, 3),
            "end_s": round(one.end_s, 3),
            "frame_id": one.frame_id,
            "start": iso_time(clock.wall_s(one.start_s)),
            "end": iso_time(clock.wall_s(one.end_s)),
            "picture_id": picture_id_of(one),
        }
        for one in result.evidence
    ]
    return {
        **answer_fields(result, understood.note),
        "question": question,
        "understood": understood.question,
        "answer": asked.telling().whole(result.text),
        "name": name,
        "newest": iso_time(clock.wall_s(result.asked_at_s)),
        "evidence": evidence,
    }
