"""Clips of recorded video for one page, and answers to browsers that ask for a part of one.

Comes in: a span of what is watched. Goes out: an MP4 as bytes; the newest is kept, as browsers fetch it in parts. The
page's event loop; the video is copied in a thread of its own.
"""

import asyncio
import re

from fastapi import Response

from app.web.background import in_background
from app.web.watching import Watch

__all__ = ["MAX_CLIP_S", "ClipShelf", "clip_response"]

MAX_CLIP_S = 60.0
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class ClipShelf:
    """Holds one clip."""

    def __init__(self) -> None:
        self._asked: tuple[int, float, float] | None = None
        self._clip: bytes | None = None
        self._num_cleared = 0
        self._busy = asyncio.Lock()

    async def get(self, watch: Watch, start_s: float, end_s: float) -> bytes | None:
        """None: there is no video of it. Raises RecordingError."""
        async with self._busy:
            asked = watch.number, start_s, end_s
            if asked != self._asked:
                num_cleared = self._num_cleared
                clip = await in_background("page-clip", lambda: watch.session.moments.clip(start_s, end_s))
                if num_cleared != self._num_cleared:  # something was forgotten meanwhile
                    return None
                self._asked, self._clip = asked, clip
            return self._clip

    def clear(self) -> None:
        """Something was forgotten."""
        self._asked, self._clip = None, None
        self._num_cleared += 1


def clip_response(clip: bytes, asked_range: str | None) -> Response:
    """The whole clip, or the part of it that the browser's header names."""
    headers = {"cache-control": "private, no-store", "accept-ranges": "bytes"}
    match = None if asked_range is None else _RANGE.fullmatch(asked_range)
    if match is None or not (match[1] or match[2]):
        return Response(clip, media_type="video/mp4", headers=headers)
    first = int(match[1]) if match[1] else max(len(clip) - int(match[2]), 0)
    last = min(int(match[2]), len(clip) - 1) if match[1] and match[2] else len(clip) - 1
    if first > last:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(clip)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(clip)}"
    return Response(clip[first : last + 1], 206, media_type="video/mp4", headers=headers)
