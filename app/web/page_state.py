"""How a page's watch stands, in numbers and one sentence.

Comes in: the watch (or none), and whether the models are being loaded. Goes out: a dictionary for the page.
"""

import dataclasses
from typing import Any

from app.machine_memory import device_memory_bytes, host_memory_bytes
from app.session import SessionStatus
from app.web.wall_clock import wall_offset_s
from app.web.watching import Watch

__all__ = ["status_message"]


def status_message(
    watch: Watch | None,
    *,
    camera: str | None = None,
    is_switching: bool,
    models_loading: bool,
    models_problem: str | None,
) -> dict[str, Any]:
    """Everything that the status line and the picture's badge show. camera: the name of one that all may see."""
    if watch is None and is_switching:
        return {"type": "status", "state": "starting", "models_loading": models_loading, "sentence": "One moment."}
    if watch is None:
        sentence = models_problem or "Choose what to watch."
        return {"type": "status", "state": "idle", "models_loading": models_loading, "sentence": sentence}
    status = watch.session.status()
    state = "failed" if watch.problem is not None else status.state
    return {
        "type": "status",
        "state": state,
        "models_loading": models_loading,
        "sentence": _sentence(watch, status, models_loading),
        "watch": watch.number,
        "source": watch.name,
        "camera": camera,
        "takes_pictures": watch.takes_pictures,
        "is_live": status.is_live,
        "seen": status.frames_seen,
        "encoded": status.frames_encoded,
        "dropped": status.frames_dropped,
        "time_s": status.newest_time_s,
        "age_s": status.newest_frame_age_s,
        "is_stale": status.state == "running" and status.is_picture_stale,
        "memory_bytes": status.memory_bytes,
        "memory_tokens": status.memory_tokens,
        "ttft_ms": status.last_ttft_ms,
        "tokens_per_s": status.last_tokens_per_s,
        "host_bytes": host_memory_bytes(),
        "device_bytes": device_memory_bytes(),
        "wall_offset_s": wall_offset_s(watch),
        "connection": None if status.connection is None else status.connection.state,
        "model": status.lmm_name,
        "waiting": status.questions_waiting,
        "speech": None if status.speech is None else dataclasses.asdict(status.speech),
    }


def _sentence(watch: Watch, status: SessionStatus, models_loading: bool) -> str | None:
    """What the user should know; None while all goes well."""
    if watch.problem is not None:
        return watch.problem
    if status.state in ("new", "starting"):
        if models_loading:
            return "Loading the models. This takes a few seconds after Afterglow was started."
        return f"Opening {watch.name}."
    if status.state == "failed":
        return status.failure or "Something failed inside."
    if status.state == "source_lost":
        return f"{status.failure or 'The source was lost.'} You can still ask about what was seen."
    if status.state == "ended":
        return _ended_sentence(watch, status)
    if status.state == "running" and status.connection is not None and status.connection.message is not None:
        return status.connection.message
    if status.state == "running" and status.frames_seen == 0:
        return "Waiting for the first picture."
    return None


def _ended_sentence(watch: Watch, status: SessionStatus) -> str:
    if status.frames_seen == 0:
        return "The source ended before it gave a picture."
    if watch.was_ended_by_user:
        return "Stopped. You can still ask about what was seen."
    return "The stream has ended. You can still ask about it."
