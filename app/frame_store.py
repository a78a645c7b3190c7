"""Small pictures of the frames that were encoded, so that an answer can show what it rests on.

Comes in: frames, from the perceive thread. Goes out: JPEG bytes by frame id, and what there is of a span of time, to
any thread. Bounded in number and in bytes: when it is full, pictures are thinned out evenly over time, except those
still cited. Of a moment that was forgotten no picture is given any more, not even the nearest.
"""

import io
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from vision import Frame

__all__ = ["FrameStore", "FrameStoreConfig", "KeptFrame", "small_jpeg"]

_MAX_FORGOTTEN = 256  # spans of ids; beyond them the two nearest become one


@dataclass(frozen=True, kw_only=True)
class FrameStoreConfig:
    """The size of the store."""

    max_frames: int = 768
    max_bytes: int = 32 * 1024 * 1024
    max_side_px: int = 480
    jpeg_quality: int = 80

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_frames", 8, 1_000_000),
            ("max_bytes", 64 * 1024, 1 << 40),
            ("max_side_px", 16, 4096),
            ("jpeg_quality", 1, 95),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be in {low}..{high}, got {getattr(self, name)}")


@dataclass(frozen=True)
class KeptFrame:
    """A frame of which there is a picture."""

    frame_id: int
    time_s: float


@dataclass(frozen=True)
class _Picture:
    frame_id: int
    time_s: float
    jpeg: bytes


class FrameStore:
    """The perceive thread puts; anybody gets."""

    def __init__(self, config: FrameStoreConfig | None = None) -> None:
        self._config = config or FrameStoreConfig()
        self._pictures: dict[int, _Picture] = {}  # in order of arrival, which is the order of time
        self._num_bytes = 0
        self._forgotten: tuple[tuple[int, int], ...] = ()  # first and last id of each span, in order
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def num_bytes(self) -> int:
        return self._num_bytes

    def put(self, frame: Frame, cited: Callable[[], Iterable[int]] = tuple) -> None:
        """Keeps a small picture. `cited` names the frame ids that may still be pointed at; asked only when full."""
        jpeg = small_jpeg(frame.image, self._config.max_side_px, self._config.jpeg_quality)
        picture = _Picture(frame.index, frame.time_s, jpeg)
        pictures = {**self._pictures, picture.frame_id: picture} if self._is_full(picture) else None
        if pictures is not None:
            pictures = _thinned(pictures, self._config, frozenset(cited()))
        with self._lock:
            if pictures is None:
                replaced = self._pictures.pop(picture.frame_id, None)
                self._pictures[picture.frame_id] = picture
                self._num_bytes += len(picture.jpeg) - (len(replaced.jpeg) if replaced else 0)
            else:
                self._pictures = pictures
                self._num_bytes = sum(len(kept.jpeg) for kept in pictures.values())

    def holds(self, frame_id: int) -> bool:
        """True if it is the picture of that very frame that get() gives."""
        return frame_id in self._pictures

    def get(self, frame_id: int) -> bytes | None:
        """The picture of that frame, or of the kept frame nearest to it; None: nothing is kept, or it was forgotten."""
        with self._lock:
            picture = self._pictures.get(frame_id)
            if picture is None and self._pictures and not self._was_forgotten(frame_id):
                nearest = min(self._pictures, key=lambda kept: abs(kept - frame_id))
                picture = self._pictures[nearest]
        return None if picture is None else picture.jpeg

    def between(self, start_s: float, end_s: float) -> list[KeptFrame]:
        """The frames of a span, both ends included, in order of time."""
        with self._lock:
            return [
                KeptFrame(one.frame_id, one.time_s) for one in self._pictures.values() if start_s <= one.time_s <= end_s
            ]

    def find(self, frame_id: int) -> KeptFrame | None:
        """That very frame; None: there is no picture of it."""
        picture = self._pictures.get(frame_id)
        return None if picture is None else KeptFrame(picture.frame_id, picture.time_s)

    def nearest(self, time_s: float) -> KeptFrame | None:
        """The kept frame nearest to a time; of two as near, the earlier."""
        with self._lock:
            near = min(self._pictures.values(), key=lambda one: abs(one.time_s - time_s), default=None)
        return None if near is None else KeptFrame(near.frame_id, near.time_s)

    def forget(self, start_s: float, end_s: float) -> int:
        """Erases the pictures of a span, both ends included; how many. Called by the thread that puts."""
        with self._lock:
            gone = [one for one in self._pictures.values() if start_s <= one.time_s <= end_s]
            before = [one.frame_id for one in self._pictures.values() if one.time_s < start_s]
            after = [one.frame_id for one in self._pictures.values() if one.time_s > end_s]
            self._pictures = {
                one.frame_id: one for one in self._pictures.values() if not start_s <= one.time_s <= end_s
            }
            self._num_bytes -= sum(len(one.jpeg) for one in gone)
            # Frames of the span whose pictures had been thinned out have their ids between those that stay.
            last = min(after) - 1 if after else max((one.frame_id for one in gone), default=-1)
            first = max(before, default=-1) + 1
            if first <= last:
                self._forgotten = _joined([*self._forgotten, (first, last)])
        return len(gone)

    def _was_forgotten(self, frame_id: int) -> bool:
        return any(first <= frame_id <= last for first, last in self._forgotten)

    def _is_full(self, picture: _Picture) -> bool:
        is_crowded = len(self._pictures) >= self._config.max_frames
        return is_crowded or self._num_bytes + len(picture.jpeg) > self._config.max_bytes


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order, those that touch as one; at most _MAX_FORGOTTEN."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    while len(joined) > _MAX_FORGOTTEN:
        place = min(range(1, len(joined)), key=lambda at: joined[at][0] - joined[at - 1][1])
        joined[place - 1 : place + 1] = [(joined[place - 1][0], joined[place][1])]
    return tuple(joined)


def small_jpeg(image: np.ndarray, max_side_px: int, quality: int) -> bytes:
    """image: uint8 [H, W, 3] RGB. A JPEG with no side longer than max_side_px."""
    from PIL import Image

    height_px, width_px = image.shape[:2]
    stride = max(1, max(height_px, width_px) // (max_side_px * 2))  # cheap first step: never below twice the size
    picture = Image.fromarray(np.ascontiguousarray(image[::stride, ::stride]))
    picture.thumbnail((max_side_px, max_side_px))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _thinned(pictures: dict[int, _Picture], config: FrameStoreConfig, cited: frozenset[int]) -> dict[int, _Picture]:
    """At most three quarters of the limits: first what is not cited goes, wherever pictures stand closest in time."""
    kept = list(pictures.values())
    num_bytes = sum(len(picture.jpeg) for picture in kept)
    max_kept, max_bytes = config.max_frames * 3 // 4, config.max_bytes * 3 // 4
    for is_cited_spared in (True, False):
        for picture in _by_crowding(kept, cited if is_cited_spared else frozenset()):
            if len(kept) <= max_kept and num_bytes <= max_bytes:
                break
            kept.remove(picture)
            num_bytes -= len(picture.jpeg)
    return {picture.frame_id: picture for picture in kept}


def _by_crowding(pictures: list[_Picture], spared: frozenset[int]) -> list[_Picture]:
    """Every second picture of those that may go, the most crowded first; then the rest. Never first or last."""
    gaps_s = {
        middle.frame_id: after.time_s - before.time_s
        for before, middle, after in zip(pictures, pictures[1:], pictures[2:], strict=False)
    }
    free = [picture for picture in pictures if picture.frame_id in gaps_s and picture.frame_id not in spared]
    odd, even = free[1::2], free[0::2]
    return [p for half in (odd, even) for p in sorted(half, key=lambda picture: gaps_s[picture.frame_id])]
