"""How things stand, for programs: /v1/status, /healthz and /metrics.

Comes in: the cameras and the recordings. Goes out: JSON, one word, or text for Prometheus. The page's event loop.
"""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from app import __version__
from app.answer_fields import frame_fields, rounded
from app.errors import NothingSeenError
from app.session import SessionStatus
from app.web.cameras import Cameras
from app.web.machine import machine_fields
from app.web.metrics import CameraFigures, metrics_text
from app.web.recordings import Recordings
from app.web.watching import Watch

__all__ = ["add_status"]


def add_status(api: APIRouter, cameras: Cameras, recordings: Recordings) -> None:
    """Adds the routes."""

    @api.get("/v1/status")
    async def status() -> dict[str, Any]:
        return {
            "version": __version__,
            "cameras": {name: _camera_fields(watch) for name, watch in cameras},
            "recordings": list(recordings.names),
            "machine": machine_fields(),
        }

    @api.get("/healthz")
    async def health() -> Response:
        failed = [name for name, watch in cameras if _state(watch) == "failed"]
        if failed:
            return PlainTextResponse(f"failed: {len(failed)} of {len(cameras)} cameras\n", 503)
        return PlainTextResponse("ok\n")

    @api.get("/metrics")
    async def metrics() -> Response:
        figures = {name: CameraFigures(watch.session.status(), _tiers(watch)) for name, watch in cameras}
        text, media_type = metrics_text(figures, machine_fields())
        return Response(text, media_type=media_type)


def _state(watch: Watch) -> str:
    """The state of its session; "failed" also when it could not be started."""
    return "failed" if watch.problem is not None else watch.session.status().state


def _tiers(watch: Watch) -> dict[str, dict[str, Any]]:
    """The memory, tier by tier; empty before there is one."""
    try:
        tiers = watch.session.moments.memory_stats().tiers
    except NothingSeenError:
        return {}
    return {
        tier.name: {
            "entries": tier.num_entries,
            "capacity": tier.capacity,
            "tokens": tier.tokens,
            "bytes": tier.bytes,
            "start_s": rounded(tier.start_s),
            "end_s": rounded(tier.end_s),
        }
        for tier in tiers
    }


def _camera_fields(watch: Watch) -> dict[str, Any]:
    """One camera, as /v1/status shows it."""
    status: SessionStatus = watch.session.status()
    connection, keeping = status.connection, status.keeping
    return {
        "state": _state(watch),
        "source": status.source_name,
        "problem": watch.problem or status.failure,
        "is_live": status.is_live,
        "is_stale": status.is_picture_stale,
        "connection": None if connection is None else {"state": connection.state, "message": connection.message},
        "time_s": rounded(status.newest_time_s),
        "age_s": rounded(status.newest_frame_age_s),
        "frames": frame_fields(status.frames),
        "gaps": status.num_gaps,
        "memory": {
            "version": status.memory_version,
            "tokens": status.memory_tokens,
            "bytes": status.memory_bytes,
            "tiers": _tiers(watch),
        },
        "keeping": None
        if keeping is None
        else {"pictures": keeping.num_pictures, "bytes": keeping.num_bytes, "problem": keeping.problem},
        "model": status.lmm_name,
        "waiting": status.questions_waiting,
        "encode_ms": rounded(status.encode_ms, 1),
        "ttft_ms": rounded(status.last_ttft_ms, 1),
        "tokens_per_s": rounded(status.last_tokens_per_s, 1),
    }
