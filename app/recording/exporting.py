"""Taking a moment out of a recording: its picture, the clip around it, and a JSON that tells what both are.

Comes in: a stored recording and a stream time. Goes out: files in a folder of the person's choice. The thread that
opened the recording.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av

from app.errors import NothingSeenError, RecordingError
from app.recording.clock_words import iso_time
from app.recording.packets import SegmentWriter, kept_packet
from app.recording.stored import StoredRecording
from app.recording.video import VideoSegment, open_private, video_segments

__all__ = ["AROUND_S", "Exported", "export_moment", "export_pictures", "write_clip"]

AROUND_S = 5.0  # of a clip, to either side


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written; `note` says what there was not."""

    files: tuple[Path, ...]
    note: str | None = None


def export_moment(recording: StoredRecording, time_s: float, folder: Path, frame_id: int | None = None) -> Exported:
    """The kept picture nearest to a moment (or the one of that number), the clip around it, and a JSON.

    Raises NothingSeenError when no picture of it is kept, RecordingError when the folder cannot be written.
    """
    reader = recording.reader
    row = reader.get(frame_id) if frame_id is not None else reader.nearest(time_s)
    frame = None if row is None else reader.get(row.frame_id)
    if frame is None:
        raise NothingSeenError(reader.why_missing(time_s))
    stem = f"{recording.folder.name}-{iso_time(recording.clock.wall_s(frame.time_s))[:19].replace(':', '')}"
    clip = folder / f"{stem}.mp4"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        picture = folder / f"{stem}.jpg"
        picture.write_bytes(frame.jpeg)
        span = write_clip(recording.folder.video, frame.time_s - AROUND_S, frame.time_s + AROUND_S, clip)
        told = {**_told(recording, frame.frame_id, frame.time_s), "picture": picture.name}
        if span is not None:
            times = [iso_time(recording.clock.wall_s(one)) for one in span]
            told["clip"] = {"file": clip.name, "start": times[0], "end": times[1]}
        about = folder / f"{stem}.json"
        about.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"Nothing can be written into {folder} ({error.strerror}): name another one.") from error
    if span is None:
        return Exported(files=(picture, about), note="No video of that moment is kept, so there is no clip.")
    return Exported(files=(picture, clip, about))


def export_pictures(recording: StoredRecording, start_s: float, end_s: float, folder: Path) -> Exported:
    """All kept pictures of an interval and one JSON. Raises as export_moment() does."""
    rows = recording.reader.between(start_s, end_s)
    if not rows:
        raise NothingSeenError(recording.reader.why_missing(start_s))
    files, told = [], []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for row in rows:
            frame = recording.reader.get(row.frame_id)
            if frame is None:  # it left just now, being too old
                continue
            path = folder / f"{recording.folder.name}-{frame.frame_id:08d}.jpg"
            path.write_bytes(frame.jpeg)
            files.append(path)
            told.append({**_told(recording, frame.frame_id, frame.time_s), "picture": path.name})
        about = folder / f"{recording.folder.name}-pictures.json"
        about.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"Nothing can be written into {folder} ({error.strerror}): name another one.") from error
    return Exported(files=(*files, about))


def write_clip(video: Path, start_s: float, end_s: float, path: Path) -> tuple[float, float] | None:
    """What the recording's files hold from the last key picture before start_s to end_s, in stream time, as they were
    recorded. Returns what was written; None: nothing is kept of it. Replaces `path`. Raises OSError, RecordingError."""
    segments = video_segments(video)
    later_s = [*(segment.start_s for segment in segments[1:]), float("inf")]
    touched = [one for one, next_s in zip(segments, later_s, strict=False) if one.start_s < end_s and next_s > start_s]
    path.unlink(missing_ok=True)
    clip = _Clip(path, start_s, end_s)
    try:
        for segment in touched:
            clip.add(segment)
    except (av.FFmpegError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise RecordingError(f"The video of that moment cannot be copied ({type(error).__name__}).") from error
    finally:
        clip.close()
    return clip.span


class _Clip:
    """One file made of pieces of several. It ends where the codec changes."""

    def __init__(self, path: Path, start_s: float, end_s: float) -> None:
        self._path, self._start_s, self._end_s = path, start_s, end_s
        self._writer: SegmentWriter | None = None
        self._sources: list[Any] = []  # open until the end: the first one's stream is the template
        self._shape: tuple[str, int, int] | None = None
        self.span: tuple[float, float] | None = None

    def add(self, segment: VideoSegment) -> None:
        try:
            container = av.open(str(segment.path))
        except (av.FFmpegError, OSError):
            return  # being begun just now: nothing of it is on the disk yet
        self._sources.append(container)
        stream = container.streams.video[0]
        context = stream.codec_context
        shape = (context.name, context.width, context.height)
        if self._shape is not None and shape != self._shape:
            return
        self._shape = shape
        waiting: list[tuple[float, Any]] = []  # from the last key picture on, before the start
        for packet in container.demux(stream):
            if packet.dts is None:
                continue
            time_s = segment.start_s + float(packet.dts * packet.time_base)
            if time_s > self._end_s:
                break
            if packet.is_keyframe and time_s <= self._start_s:
                waiting = []
            shift = round(segment.start_s / packet.time_base)  # so that the times of all files go on
            kept = kept_packet(packet, time_s)
            waiting.append((time_s, replace(kept, dts=packet.dts + shift, pts=(packet.pts or packet.dts) + shift)))
        if not waiting or waiting[-1][0] < self._start_s:
            return
        if self._writer is None:
            self._writer = SegmentWriter(open_private(self._path), stream)
        for time_s, packet in waiting:
            self._writer.write(packet)
            self.span = (time_s if self.span is None else self.span[0], time_s)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        for container in self._sources:
            container.close()


def _told(recording: StoredRecording, frame_id: int, time_s: float) -> dict[str, Any]:
    time = iso_time(recording.clock.wall_s(time_s))
    return {"name": recording.folder.name, "frame_id": frame_id, "time_s": round(time_s, 3), "time": time}
