"""The HTTP interface for programs: /v1/ask, /v1/frames, /v1/clips, and what api_status.py tells, beside the page.

Comes in: requests, the cameras that the program watches, and the recordings on the disk. Goes out: JSON, pictures, MP4,
and server-sent events whose last one is the `answer` object of `ask --json`. The page's event loop; what reads the disk
is done in threads of its own. docs/API.md describes it.
"""

import asyncio
import math
from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.background import BackgroundTask

from app.errors import NothingSeenError, QuestionError, RecordingError, TooManyQuestionsError, UnknownRecordingError
from app.web.api_status import add_status
from app.web.asking import LiveAsking, RecordedAsking, event_stream
from app.web.background import in_background
from app.web.cameras import Cameras, UnknownCameraError
from app.web.guard import MAX_BODY_BYTES
from app.web.rates import RateLimit, client_of
from app.web.recordings import Recordings, When
from app.web.watching import sentence_of

__all__ = ["make_api"]

MAX_QUESTIONS, QUESTIONS_PERIOD_S = 30, 60.0  # of one address
_MAX_DISK_READERS = 4  # requests that read recordings at one time
_BODY_TIMEOUT_S = 15.0
_FULL_RETRY_S = 2
_STATUS_OF = (
    (UnknownCameraError, 404),
    (UnknownRecordingError, 404),
    (TooManyQuestionsError, 429),
    (QuestionError, 422),
    (RecordingError, 503),
)
_Name = Annotated[str | None, Query(max_length=64)]
_Time = Annotated[str | None, Query(min_length=1, max_length=200)]
_FrameId = Annotated[int, Path(ge=0, le=2**53)]

T = TypeVar("T")


class AskBody(BaseModel):
    """What POST /v1/ask takes."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1)]
    source: Annotated[str | None, Field(max_length=64)] = None  # a camera, or a recording; without it the only camera
    said_from: Annotated[str | None, Field(alias="from", min_length=1, max_length=200)] = None
    said_to: Annotated[str | None, Field(alias="to", min_length=1, max_length=200)] = None


class _Api:
    """What the routes share."""

    def __init__(self, cameras: Cameras, recordings: Recordings) -> None:
        self.cameras, self.recordings = cameras, recordings
        self.limit = RateLimit(MAX_QUESTIONS, QUESTIONS_PERIOD_S)
        self._num_readers = 0

    def recording_of(self, source: str | None) -> str | None:
        """The recording to read; None: the source is a camera of which nothing is kept. Raises UnknownCameraError."""
        if source is not None and source not in self.cameras and self.recordings.has(source):
            return source
        name = self.camera_of(source)
        return name if self.cameras.keeps(name) else None

    def camera_of(self, source: str | None) -> str:
        """Raises UnknownCameraError, which tells of the recordings too."""
        try:
            name = self.cameras.name_of(self.cameras.find(source))
        except UnknownCameraError as error:
            names = ", ".join(self.recordings.names)
            raise UnknownCameraError(f"{error} Recordings: {names}." if names else str(error)) from None
        assert name is not None
        return name

    async def reading(self, work: Awaitable[T]) -> T:
        """Awaits what reads the disk. Raises TooManyQuestionsError when much is read already."""
        if self._num_readers >= _MAX_DISK_READERS:
            asyncio.ensure_future(work).cancel()
            raise TooManyQuestionsError("Many recordings are being read at this moment: ask again soon.")
        self._num_readers += 1
        try:
            return await work
        finally:
            self._num_readers -= 1


def make_api(cameras: Cameras, recordings: Recordings) -> APIRouter:
    """The routes."""
    api, shared = APIRouter(), _Api(cameras, recordings)
    _add_ask(api, shared)
    _add_pictures(api, shared)
    add_status(api, cameras, recordings)
    return api


def _add_ask(api: APIRouter, shared: _Api) -> None:
    @api.post("/v1/ask")
    async def ask(request: Request) -> Response:
        wait_s = shared.limit.take(client_of(request.scope))
        if wait_s > 0:
            sentence = f"One address may ask {MAX_QUESTIONS} questions in {QUESTIONS_PERIOD_S:g} s: wait a little."
            return _refused(429, sentence, retry_s=math.ceil(wait_s))
        try:
            body = await asyncio.wait_for(_read_body(request), _BODY_TIMEOUT_S)
        except TimeoutError:
            return _refused(408, "The question came too slowly: send it again.")
        if isinstance(body, Response):
            return body
        try:
            asking = await _begin(shared, body)
        except Exception as error:  # of a failed session, whatever made it fail
            return _refused_for(error)
        return event_stream(asking, request)


async def _begin(shared: _Api, body: AskBody) -> LiveAsking | RecordedAsking:
    """The question, placed and put. Raises what keeps it from being asked."""
    source = body.source
    if source is None or source in shared.cameras or not shared.recordings.has(source):
        name, session = shared.camera_of(source), shared.cameras.find(source).session
        is_kept = shared.cameras.keeps(name)
        live = LiveAsking(session, name, body.question, body.said_from, body.said_to, is_kept)
        if not (is_kept and live.is_on_disk):
            return live.put()
        source = name
    question = await shared.reading(
        in_background(
            "read-recording",
            lambda: shared.recordings.question(source, body.question, body.said_from, body.said_to),
        )
    )
    return RecordedAsking(question, shared.reading)


def _add_pictures(api: APIRouter, shared: _Api) -> None:
    @api.get("/v1/frames/{frame_id}")
    async def frame(frame_id: _FrameId, source: _Name = None) -> Response:
        try:
            if source is not None and source not in shared.cameras and shared.recordings.has(source):
                read = in_background("read-picture", lambda: shared.recordings.picture(source, frame_id))
                jpeg: bytes | None = await shared.reading(read)
            else:
                jpeg = shared.cameras.find(shared.camera_of(source)).session.frame_jpeg(frame_id)
        except Exception as error:  # told in one sentence
            return _refused_for(error, nothing=404)
        if jpeg is None:
            return _refused(404, "No picture is kept.")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, no-store"})

    @api.get("/v1/clips")
    async def clips(
        source: _Name = None,
        at: _Time = None,
        said_from: Annotated[str | None, Query(alias="from", min_length=1, max_length=200)] = None,
        said_to: Annotated[str | None, Query(alias="to", min_length=1, max_length=200)] = None,
        frame: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> Response:
        when = When(at=at, said_from=said_from, said_to=said_to, frame_id=frame)
        try:
            name = shared.recording_of(source)
            if name is None:
                return _refused(404, "No video of this camera is kept: start Afterglow with --keep or --config.")
            if when.is_nothing:
                spans = await shared.reading(in_background("list-clips", lambda: shared.recordings.spans(name)))
                return JSONResponse({"source": name, "spans": spans})
            clip = await shared.reading(in_background("cut-clip", lambda: shared.recordings.clip(name, when)))
        except Exception as error:  # told in one sentence
            return _refused_for(error, nothing=404)
        headers = {"cache-control": "private, no-store", "x-clip-start": clip.start, "x-clip-end": clip.end}
        filename = f"{name}-{clip.start[:19].replace(':', '')}.mp4"
        return FileResponse(
            clip.path,
            media_type="video/mp4",
            filename=filename,
            content_disposition_type="inline",
            headers=headers,
            background=BackgroundTask(clip.delete),
        )


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


def _refused_for(error: Exception, *, nothing: int = 409) -> Response:
    """nothing: the status where nothing was seen or kept of what is asked for."""
    kinds: tuple[tuple[type[Exception], int], ...] = (*_STATUS_OF, (NothingSeenError, nothing))
    status = next((status for kind, status in kinds if isinstance(error, kind)), 503)
    return _refused(status, sentence_of(error))


def _refused(status: int, sentence: str, *, retry_s: int = _FULL_RETRY_S) -> Response:
    headers: dict[str, Any] | None = {"retry-after": str(retry_s)} if status == 429 else None
    return JSONResponse({"type": "error", "message": sentence}, status, headers)
