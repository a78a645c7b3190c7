"""What lies on the disk, for programs that ask: recordings by name, asked, looked at and cut into clips.

Comes in: names and people's words for times. Goes out: StoredQuestions, pictures, clips, spans. Every method but
`names` and `has` reads the disk and belongs into a thread of its own, in which it opens and closes what it needs.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import NothingSeenError, QuestionError
from app.language.lmm import LMM
from app.recording.asked import AskedByClock
from app.recording.clock_log import ClockLog
from app.recording.clock_words import iso_time
from app.recording.folder import RecordingFolder, is_name, recordings_in
from app.recording.opening import open_reader
from app.recording.stored import StoredRecording
from app.web.stored_question import StoredQuestion

__all__ = ["LIMITS", "MAX_CLIP_S", "Clip", "Recordings", "When"]

LIMITS = ("from", "to")  # what programs call the ends of an interval
MAX_CLIP_S = 120.0
_AROUND_S = 5.0
_SAME_SPAN_S = 1.0  # between two files: no gap


@dataclass(frozen=True, kw_only=True)
class When:
    """A moment, an interval, or a frame that evidence names; all in people's words or ISO times."""

    at: str | None = None
    said_from: str | None = None
    said_to: str | None = None
    frame_id: int | None = None

    @property
    def is_nothing(self) -> bool:
        return all(one is None for one in (self.at, self.said_from, self.said_to, self.frame_id))

    def check(self) -> None:
        """Raises QuestionError for more than one of them."""
        ways = (self.at is not None, self.frame_id is not None, bool(self.said_from or self.said_to))
        if sum(ways) != 1:
            raise QuestionError("Name one moment: at, or frame, or from and to.")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An MP4 in a file of its own, which whoever gets it deletes; and its span on the wall clock, in ISO."""

    path: Path
    start: str
    end: str

    def delete(self) -> None:
        """May be called once, by any thread."""
        self.path.unlink(missing_ok=True)
        self.path.parent.rmdir()


class Recordings:
    """Of one data folder. Methods raise UnknownRecordingError, RecordingError, NothingSeenError or QuestionError."""

    def __init__(
        self, data: Path, lend_lmm: Callable[[], LMM] | None = None, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """lend_lmm: what answers questions; None: the real one, loaded for each."""
        self._data, self._lend_lmm, self._now_s = data, lend_lmm, now_s

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(folder.name for folder in recordings_in(self._data))

    def has(self, name: str) -> bool:
        return is_name(name) and RecordingFolder(self._data, name).is_there

    def question(self, name: str, text: str, said_from: str | None, said_to: str | None) -> StoredQuestion:
        """Placed, not yet answered."""
        folder = RecordingFolder(self._data, name)
        recording = StoredRecording(folder, now_s=self._now_s, limits=LIMITS)
        understood = recording.understood(text, said_from, said_to)
        return StoredQuestion(recording, text, understood, self._lend_lmm)

    def picture(self, name: str, frame_id: int) -> bytes:
        """The kept picture of that frame."""
        folder = self._folder(name)
        with contextlib.closing(open_reader(folder)) as reader:
            frame = reader.get(frame_id)
        if frame is None:
            raise NothingSeenError(f"No picture of frame {frame_id} is kept.")
        return frame.jpeg

    def spans(self, name: str) -> list[dict[str, Any]]:
        """From when to when there is video, in order of time."""
        from app.recording.video import segment_end_s, video_segments

        folder = self._folder(name)
        clock, spans = self._clock(folder), list[list[float]]()
        num_bytes: list[int] = []
        segments = video_segments(folder.video)
        for segment in segments:
            end_s = segment_end_s(segment)
            if spans and segment.start_s - spans[-1][1] <= _SAME_SPAN_S:
                spans[-1][1] = max(end_s, spans[-1][1])
                num_bytes[-1] += segment.num_bytes
            else:
                spans.append([segment.start_s, end_s])
                num_bytes.append(segment.num_bytes)
        return [
            {
                "start": iso_time(clock.wall_s(start_s)),
                "end": iso_time(clock.wall_s(end_s)),
                "start_s": round(start_s, 3),
                "end_s": round(end_s, 3),
                "bytes": count,
            }
            for (start_s, end_s), count in zip(spans, num_bytes, strict=True)
        ]

    def clip(self, name: str, when: When) -> Clip:
        """The video of a moment with 5 s to either side, or of an interval of at most MAX_CLIP_S, as it was recorded:
        from the key picture before."""
        from app.recording.exporting import write_clip

        when.check()
        folder = self._folder(name)
        start_s, end_s = self._span(folder, when)
        if end_s - start_s > MAX_CLIP_S:
            raise QuestionError(f"A clip may have {MAX_CLIP_S:g} s, this would have {end_s - start_s:.0f} s.")
        clock = self._clock(folder)
        path = Path(tempfile.mkdtemp(prefix="afterglow-clip-")) / f"{name}.mp4"
        span = None
        try:
            span = write_clip(folder.video, start_s, end_s, path)
        finally:
            if span is None:
                path.unlink(missing_ok=True)
                path.parent.rmdir()
        if span is None:
            raise NothingSeenError("No video of that moment is kept.")
        start, end = (iso_time(clock.wall_s(one)) for one in span)
        return Clip(path=path, start=start, end=end)

    def _span(self, folder: RecordingFolder, when: When) -> tuple[float, float]:
        with contextlib.closing(open_reader(folder)) as reader:
            if when.frame_id is not None:
                frame = reader.get(when.frame_id)
                if frame is None:
                    raise NothingSeenError(f"No picture of frame {when.frame_id} is kept.")
                return frame.time_s - _AROUND_S, frame.time_s + _AROUND_S
            last_s = reader.stats().last_s
        asked = AskedByClock(self._clock(folder), last_s or 0.0, (), now_s=self._now_s, limits=LIMITS)
        if when.at is not None:
            moment_s = asked.moment(when.at)
            return moment_s - _AROUND_S, moment_s + _AROUND_S
        return asked.span(when.said_from, when.said_to)

    def _folder(self, name: str) -> RecordingFolder:
        folder = RecordingFolder(self._data, name)
        folder.require()
        return folder

    def _clock(self, folder: RecordingFolder) -> ClockLog:
        clock = ClockLog.load(folder.clock)
        if not clock.pieces:
            raise NothingSeenError(f"{folder.name} has only just begun to record: ask again in a few seconds.")
        return clock
