"""An answer as programs get it: the same fields from `ask --json`, `query --json` and POST /v1/ask.

Comes in: an AnswerResult. Goes out: a dictionary that JSON can hold. Pure; any thread.
"""

from typing import Any

from app.answer import AnswerResult
from app.status import FrameCounts

__all__ = ["answer_fields", "frame_fields", "rounded"]


def answer_fields(result: AnswerResult, note: str | None = None) -> dict[str, Any]:
    """The `answer` object; `note` is in it when there is one."""
    evidence = [
        {"start_s": rounded(one.start_s), "end_s": rounded(one.end_s), "frame_id": one.frame_id}
        for one in result.evidence
    ]
    ttft_ms = result.total_ms if result.ttft_ms is None else result.ttft_ms
    fields = {
        "type": "answer",
        "question": result.question,
        "answer": result.text,
        "asked_at_s": rounded(result.asked_at_s),
        "evidence": evidence,
        "ttft_ms": rounded(ttft_ms, 1),
        "total_ms": rounded(result.total_ms, 1),
        "frames": frame_fields(result.frames),
        "memory": {"version": result.memory.version, "tokens": result.memory.tokens, "bytes": result.memory.bytes},
    }
    return fields if note is None else {**fields, "note": note}


def frame_fields(frames: FrameCounts) -> dict[str, int]:
    return {"seen": frames.seen, "encoded": frames.encoded, "dropped": frames.dropped}


def rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
