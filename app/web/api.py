"""The HTTP interface for programs: /v1/ask, /v1/status, /v1/frames, /healthz and /metrics, beside the page.

Comes in: requests, and the cameras that the program watches. Goes out: JSON, pictures, and server-sent events whose
last one is the `answer` object of `ask --json`. The page's event loop; nothing here waits for a camera or a model.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app import __version__
from app.answer import Answer
from app.answer_fields import answer_fields, frame_fields, rounded
from app.errors import NothingSeenError, QuestionError, TooManyQuestionsError
from app.session import SessionStatus
from app.web.cameras import Cameras, UnknownCameraError
from app.web.guard import MAX_BODY_BYTES
from app.web.metrics import metrics_text
from app.web.rates import RateLimit, client_of
from app.web.watching import Watch, sentence_of

__all__ = ["make_api"]

MAX_QUESTIONS, QUESTIONS_PERIOD_S = 30, 60.0  # of one address
_BODY_TIMEOUT_S = 15.0
_FULL_RETRY_S = 2
_TICK_S = 0.02
_STATUS_OF = (
    (UnknownCameraError, 404),
    (NothingSeenError, 409),
    (TooManyQuestionsError, 429),
    (QuestionError, 422),
)


class AskBody(BaseModel):
    """What POST /v1/ask takes."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1)]
    source: str | None = None  # the camera's name; may be left out where there is one


def make_api(cameras: Cameras) -> APIRouter:
    """The routes."""
    api = APIRouter()
    limit = RateLimit(MAX_QUESTIONS, QUESTIONS_PERIOD_S)

    @api.post("/v1/ask")
    async def ask(request: Request) -> Response:
        wait_s = limit.take(client_of(request.scope))
        if wait_s > 0:
            sentence = (
                f"{MAX_QUESTIONS} questions in {QUESTIONS_PERIOD_S:g} s are answered to one address: wait a little."
            )
            return _refused(429, sentence, retry_s=math.ceil(wait_s))
        try:
            body = await asyncio.wait_for(_read_body(request), _BODY_TIMEOUT_S)
        except TimeoutError:
            return _refused(408, "The question came too slowly: send it again.")
        if isinstance(body, Response):
            return body
        try:
            answer = cameras.find(body.source).session.ask(body.question)
        except Exception as error:  # of a failed session, whatever made it fail
            status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 503)
            return _refused(status, sentence_of(error))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_events(answer, request), media_type="text/event-stream", headers=headers)

    @api.get("/v1/status")
    async def status() -> dict[str, Any]:
        return {"version": __version__, "cameras": {name: camera_fields(watch) for name, watch in cameras}}

    @api.get("/v1/frames/{frame_id}")
    async def frame(frame_id: int, source: str | None = None) -> Response:
        try:
            jpeg = cameras.find(source).session.frame_jpeg(frame_id)
        except UnknownCameraError as error:
            return _refused(404, str(error))
        if jpeg is None:
            return _refused(404, "No picture is kept.")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    @api.get("/healthz")
    async def health() -> Response:
        failed = [name for name, watch in cameras if camera_state(watch) == "failed"]
        if failed:
            return PlainTextResponse(f"failed: {len(failed)} of {len(cameras)} cameras\n", 503)
        return PlainTextResponse("ok\n")

    @api.get("/metrics")
    async def metrics() -> Response:
        text, media_type = metrics_text({name: watch.session.status() for name, watch in cameras})
        return Response(text, media_type=media_type)

    return api


def camera_state(watch: Watch) -> str:
    """The state of its session; "failed" also when it could not be started."""
    return "failed" if watch.problem is not None else watch.session.status().state


def camera_fields(watch: Watch) -> dict[str, Any]:
    """One camera, as /v1/status shows it."""
    status: SessionStatus = watch.session.status()
    return {
        "state": camera_state(watch),
        "source": status.source_name,
        "problem": watch.problem or status.failure,
        "is_live": status.is_live,
        "time_s": rounded(status.newest_time_s),
        "age_s": rounded(status.newest_frame_age_s),
        "frames": frame_fields(status.frames),
        "memory": {"version": status.memory_version, "tokens": status.memory_tokens, "bytes": status.memory_bytes},
        "model": status.lmm_name,
        "waiting": status.questions_waiting,
        "ttft_ms": rounded(status.last_ttft_ms, 1),
    }


async def _read_body(request: Request) -> AskBody | Response:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            return _refused(413, f"A question may have {MAX_BODY_BYTES // 1024} KiB.")
    try:
        return AskBody.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        return _refused(422, f'Send {{"question": "..."}}: {where}: {first["msg"]}.')


async def _events(answer: Answer, request: Request) -> AsyncIterator[str]:
    """Pieces of text as they come, then the answer, or why there is none. Who hangs up cancels."""
    num_told = 0
    try:
        while True:
            is_done = answer.is_done  # before the pieces are read: none may come between
            for piece in answer.next_pieces(num_told, 0.0):
                num_told += 1
                yield _event("piece", {"type": "piece", "text": piece})
            if is_done:
                break
            if await request.is_disconnected():
                return
            await asyncio.sleep(_TICK_S)
        try:
            result = answer.result(0.0)
        except Exception as error:  # this one answer failed, and whoever asked is told why
            yield _event("error", {"type": "error", "message": sentence_of(error)})
        else:
            yield _event("answer", answer_fields(result, result.note))
    finally:
        answer.cancel()  # no effect on one that is whole


def _event(kind: str, fields: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(fields)}\n\n"


def _refused(status: int, sentence: str, *, retry_s: int = _FULL_RETRY_S) -> Response:
    headers = {"retry-after": str(retry_s)} if status == 429 else None
    return JSONResponse({"type": "error", "message": sentence}, status, headers)
