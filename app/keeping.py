"""What a recorder keeps on disk of one stream: its memory, pictures, its gaps, and the answers that were given.

Comes in: frames and what was made of them, gaps and answers, from the perceive thread, which opens, feeds and closes a
`Keeper`. Goes out: a memory that goes on where it stood, and files that `query` reads meanwhile. A disk that is full
costs what cannot be written, never the stream: `Keeper.problem` says so.
"""

import contextlib
import logging
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.answer import Answer, AnswerResult
from app.encoder import Encoded, Layout
from app.errors import RecordingError
from app.frame_store import KeptFrame, small_jpeg
from app.recording.clock_log import ClockLog
from app.recording.fingerprint import fingerprint_of
from app.recording.folder import RecordingFolder
from app.recording.forgetting import forget_pictures
from app.recording.keep_status import KeepStatus, KeptErasure
from app.recording.opening import open_archive, open_memory, open_reader
from app.recording.video import VideoLimits, VideoRecorder, forget_video
from vision import Frame
from vision.sources import Source, set_packet_tap

if TYPE_CHECKING:  # the memory brings torch with it
    from memory import StreamMemory
    from memory.archive import Archive, Disk
    from memory.storage import ResumePoint

__all__ = ["KeepConfig", "Keeper"]

_log = logging.getLogger(__name__)
_FIRST_SAVE_S = 5.0
_TELL_S = 5.0
_EARLY = 0.9  # of the pictures' period: a camera's frames come a little early or late
_MAX_ANSWERS_WAITING = 64
_CUT_S = 2.0  # how long a running recording may take to end its file of video


@dataclass(frozen=True, kw_only=True)
class KeepConfig:
    """Where a recording lies and how much of it is kept."""

    data: Path
    name: str
    max_bytes: int = 20 * 2**30  # of pictures and video together
    max_age_s: float = 7 * 86_400.0
    keeps_video: bool = True
    min_free_bytes: int = 2**30  # left on the disk for others: below it nothing is added until there is room again
    picture_period_s: float = 1.0
    picture_side_px: int = 640
    picture_quality: int = 80
    save_period_s: float = 60.0  # what a kill costs of the memory, at most; pictures lose nothing

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_bytes", 2**20, 2**50),
            ("max_age_s", 60.0, 1e9),
            ("min_free_bytes", 0, 2**50),
            ("picture_period_s", 0.05, 3600.0),
            ("picture_side_px", 16, 4096),
            ("picture_quality", 1, 95),
            ("save_period_s", 0.05, 3600.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be in {low}..{high}, got {getattr(self, name)}")

    @property
    def folder(self) -> RecordingFolder:
        return RecordingFolder(self.data, self.name)

    @property
    def archive_bytes(self) -> int:
        """The pictures' share: about as long a time as the video beside them."""
        return self.max_bytes // 5 if self.keeps_video else self.max_bytes

    @property
    def video_bytes(self) -> int:
        return self.max_bytes - self.archive_bytes if self.keeps_video else 0


class Keeper:
    """Belongs to the perceive thread; `watch`, `status`, `stream_now` and the offsets may be used from any thread."""

    def __init__(
        self,
        config: KeepConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
        disk: "Disk | None" = None,
    ) -> None:
        self.config, self.folder = config, config.folder
        self.time_offset_s, self.first_frame_id = 0.0, 0  # from the source's times and numbers to the recording's
        self.status = KeepStatus()
        self._clock, self._disk = clock, disk
        self._clock_log = ClockLog()
        self._memory: StreamMemory | None = None
        self._archive: Archive | None = None
        self._resume: Callable[[float], ResumePoint] | None = None  # None: nothing was recorded before
        self._saved_t_s: float | None = None  # how far the memory reached that was loaded
        self._is_placed = False
        self._last_picture_s, self._last_frame_id = -math.inf, -1
        self._lead_s: float | None = None  # our clock less stream time, at its least: what waiting adds falls out
        self._next_save_s = self._next_tell_s = 0.0
        self._is_picture_kept = True
        self._told_news: tuple[object, ...] = ()
        self._answers: deque[Answer] = deque()
        self._problems: dict[str, str] = {}
        self._fingerprint, self._num_concepts = "", 0
        self._video: VideoRecorder | None = None

    def open(self, layout: Layout, new_memory: "Callable[[], StreamMemory]") -> "StreamMemory":
        """The memory as it was saved, or a new one. Raises RecordingError, with a sentence."""
        config = self.config
        self._fingerprint, self._num_concepts = fingerprint_of(layout), layout.num_concepts
        self.folder.make()
        self._clock_log = ClockLog.load(self.folder.clock)
        saved = open_memory(self.folder, self._fingerprint)
        self._memory = new_memory() if saved is None else saved.memory
        self._archive = open_archive(
            self.folder,
            fingerprint=self._fingerprint,
            key_dim=layout.key_dim,
            evidence_dim=layout.num_concepts,
            max_bytes=config.archive_bytes,
            max_age_s=config.max_age_s,
            min_free_bytes=config.min_free_bytes,
            disk=self._disk,
        )
        self._prepare_resume(None if saved is None else saved.about)
        self._next_save_s = self._clock() + min(_FIRST_SAVE_S, config.save_period_s)
        return self._memory

    def placed(self, frame: Frame) -> Frame:
        """The frame in the recording's own times and numbers, which go on over restarts."""
        if not self._is_placed:
            self._place(frame)
        time_s = frame.time_s + self.time_offset_s
        lead_s = self._clock() - time_s
        self._lead_s = lead_s if self._lead_s is None else min(self._lead_s, lead_s)
        return replace(frame, time_s=time_s, index=frame.index + self.first_frame_id)

    def stream_now(self) -> float | None:
        """The recording's time at this moment; None before the first frame. Any thread."""
        return None if self._lead_s is None else self._clock() - self._lead_s

    def record_video(self, source: Source) -> None:
        """In the capture thread, before the source is opened. One that has no packets to give gives pictures alone."""
        config = self.config
        if not config.keeps_video:
            return
        limits = VideoLimits(
            max_bytes=config.video_bytes, max_age_s=config.max_age_s, min_free_bytes=config.min_free_bytes
        )
        video = VideoRecorder(self.folder.video, limits, self.stream_now, clock=self._clock)
        if set_packet_tap(source, video):
            self._video = video

    def picture(self, frame_id: int) -> bytes | None:
        """The kept picture of that very frame. Any thread. Raises RecordingError."""
        if not self.folder.is_there:
            return None
        with contextlib.closing(open_reader(self.folder)) as reader:
            frame = reader.get(frame_id)
        return None if frame is None else frame.jpeg

    def find_picture(self, frame_id: int) -> KeptFrame | None:
        """Of that very frame. Any thread. Raises RecordingError."""
        if not self.folder.is_there:
            return None
        with contextlib.closing(open_reader(self.folder)) as reader:
            frame = reader.get(frame_id)
        return None if frame is None else KeptFrame(frame.frame_id, frame.time_s)

    def pictures_between(self, start_s: float, end_s: float) -> list[KeptFrame]:
        """The kept frames of a span, in order of time. Any thread. Raises RecordingError."""
        if not self.folder.is_there:
            return []
        with contextlib.closing(open_reader(self.folder)) as reader:
            return [KeptFrame(row.frame_id, row.time_s) for row in reader.between(start_s, end_s)]

    def clock_log(self) -> ClockLog:
        """As it stands now. Any thread."""
        return ClockLog(self._clock_log.pieces)

    def mark_gap(self, start_s: float, end_s: float, kind: str = "disconnected") -> None:
        """Files a gap, in the recording's times, with the pictures. One that comes after close() is left out: the next
        start files it as a part of the time in which nothing was recorded."""
        if self._archive is not None:
            archive = self._archive
            self._try("archive", lambda: archive.mark(kind, start_s, end_s))

    def keep(self, frame: Frame, encoded: Encoded) -> None:
        """A frame, placed and remembered."""
        self._last_frame_id = frame.index
        if self._clock_log.note(frame.time_s, frame.wall_time_s):
            self._try("clock", lambda: self._clock_log.save(self.folder.clock))
        if frame.time_s - self._last_picture_s >= _EARLY * self.config.picture_period_s:
            self._keep_picture(frame, encoded)
        self._file_answers()
        if self._clock() >= self._next_save_s:
            self.save()
        if self._clock() >= self._next_tell_s or self._news() != self._told_news:
            self._tell()

    def watch(self, answer: Answer) -> None:
        """Files the answer when it is there. Any thread."""
        if len(self._answers) < _MAX_ANSWERS_WAITING:
            self._answers.append(answer)

    def pin(self, start_s: float, end_s: float, label: str) -> None:
        """The pictures of a span are kept whatever their age. As an errand of the perceive thread; without effect after
        close(), when nothing is evicted any more. Raises PinLimitError."""
        if self._archive is not None:
            self._archive.pin(start_s, end_s, label)
            self.save()

    def unpin(self, start_s: float, end_s: float) -> None:
        if self._archive is not None:
            self._archive.unpin(start_s, end_s)
            self.save()

    def forget(self, start_s: float, end_s: float) -> KeptErasure:
        """Erases a span from the pictures, the video and the saved memory, which must have forgotten it before. As an
        errand of the perceive thread, also after close(). Raises RecordingError: ask for it again."""
        from memory.storage import StorageError

        self._answers.clear()  # those that were not filed yet may speak of it
        if self._video is not None:
            self._video.cut(_CUT_S)
        try:
            spans = forget_video(self.folder.video, start_s, end_s)
            num_pictures, num_texts = self._forget_pictures(start_s, end_s)
            self._save()
        except (OSError, sqlite3.OperationalError, StorageError) as error:
            raise RecordingError(f"Not all could be erased from the disk ({error}): ask for it again.") from error
        return KeptErasure(
            num_pictures=num_pictures,
            num_texts=num_texts,
            num_video_files=len(spans),
            video_start_s=spans[0][0] if spans else None,
            video_end_s=spans[-1][1] if spans else None,
        )

    def _forget_pictures(self, start_s: float, end_s: float) -> tuple[int, int]:
        if self._archive is None:
            return forget_pictures(self.folder, start_s, end_s, self._fingerprint)
        receipt = self._archive.forget(start_s, end_s)
        self._archive.sync()
        return receipt.num_frames, receipt.num_texts

    def save(self) -> None:
        """The memory, as a whole; a disk that cannot take it is told as a problem."""
        self._try("memory", self._save)

    def _save(self) -> None:
        from memory.storage import About, save_memory

        assert self._memory is not None
        self._next_save_s = self._clock() + self.config.save_period_s
        if self._last_frame_id < 0:
            return
        about = About(
            fingerprint=self._fingerprint,
            t_now_s=self._memory.snapshot().t_now_s,
            last_frame_id=self._last_frame_id,
            wall_offset_s=self._clock_log.wall_offset_s or 0.0,
        )
        save_memory(self.folder.memory, self._memory.export_state(), about)

    def close(self) -> None:
        """Saves what there is. May be called twice, and before open()."""
        archive = self._archive
        if archive is None:
            return
        try:
            self._file_answers()
            self.save()
            self._tell()
        finally:
            self._archive = None
            archive.close()

    def _prepare_resume(self, about: Any) -> None:
        from memory.storage import About, resume_point

        assert self._archive is not None
        stats, offset_s = self._archive.stats(), self._clock_log.wall_offset_s
        if about is None and stats.last_s is None:
            return
        if about is None:  # killed before the memory was saved for the first time
            about = About(fingerprint=self._fingerprint, t_now_s=0.0, last_frame_id=-1, wall_offset_s=offset_s or 0.0)
        if offset_s is not None:  # noted at once, while the memory is saved now and then
            about = replace(about, wall_offset_s=offset_s)
        self._saved_t_s = about.t_now_s
        self._last_frame_id = about.last_frame_id
        last_s, last_id = stats.last_s, stats.last_frame_id
        self._resume = lambda wall_s: resume_point(about, wall_s, last_s, last_id)

    def _place(self, frame: Frame) -> None:
        """By the first frame: where the recording goes on."""
        self._is_placed = True
        if self._resume is None:
            return
        point = self._resume(frame.wall_time_s - frame.time_s)
        self.time_offset_s, self.first_frame_id = point.time_offset_s, point.first_frame_id
        if not point.is_clock_trusted:
            _log.warning("the clock was set back: how long nothing was recorded is not known")
        first_s = point.time_offset_s + frame.time_s
        if self._saved_t_s is not None and point.last_s > self._saved_t_s:  # pictures are there, their memory is lost
            self._mark_both("dropped", self._saved_t_s, point.last_s)
        self._mark_both("disconnected", point.last_s, first_s)

    def _mark_both(self, kind: str, start_s: float, end_s: float) -> None:
        assert self._memory is not None
        self._memory.mark_gap(kind, start_s, end_s)
        if kind == "disconnected":  # of the pictures nothing was lost
            self.mark_gap(start_s, end_s)

    def _keep_picture(self, frame: Frame, encoded: Encoded) -> None:
        assert self._archive is not None
        archive, config = self._archive, self.config
        evidence = encoded.tokens[:, : self._num_concepts].sum(0)  # [P, D] -> [num_concepts]
        jpeg = small_jpeg(frame.image, config.picture_side_px, config.picture_quality)
        self._is_picture_kept = archive.put(frame.index, frame.time_s, frame.wall_time_s, jpeg, encoded.key, evidence)
        if self._is_picture_kept:
            self._last_picture_s = frame.time_s

    def _file_answers(self) -> None:
        """Those that are complete, in order; one that is still being given waits with those behind it."""
        while self._answers and self._answers[0].is_done:
            answer = self._answers.popleft()
            try:
                result = answer.result(0.0)
            except Exception as error:  # whoever asked was told; there is nothing to file
                _log.debug("a question without an answer is not filed: %s", error)
                continue
            self._file_answer(result)

    def _file_answer(self, result: AnswerResult) -> None:
        assert self._memory is not None and self._archive is not None
        archive = self._archive
        times_s = [time_s for one in result.evidence for time_s in (one.start_s, one.end_s)] or [result.asked_at_s]
        start_s, end_s = min(times_s), max(times_s)
        text = f"{result.question} - {result.text}"[: self._memory.config.max_note_chars]
        self._memory.note("answer", text, start_s, end_s)
        self._try("archive", lambda: archive.mark("answer", start_s, end_s, text))

    def _try(self, part: str, action: Callable[[], None]) -> None:
        """Runs what a full or failing disk may prevent; the next time may work."""
        from memory.storage import StorageError

        try:
            action()
        except (OSError, sqlite3.OperationalError, StorageError) as error:
            self._problems[part] = f"The {part} cannot be written ({error})."
        else:
            self._problems.pop(part, None)

    def _news(self) -> tuple[object, ...]:
        """What is told at once; sizes are told now and then, since counting them costs more with every day."""
        return self._is_picture_kept, *self._problems.values(), None if self._video is None else self._video.problem

    def _tell(self) -> None:
        """Puts the status out, and each new problem into the log."""
        assert self._archive is not None
        self._next_tell_s, self._told_news = self._clock() + _TELL_S, self._news()
        stats = self._archive.stats()
        video = None if self._video is None else self._video.problem
        pictures = None if stats.problem is None else f"Pictures: {stats.problem}."
        problem = " ".join(filter(None, (*self._problems.values(), pictures, video))) or None
        if problem is not None and problem != self.status.problem:
            _log.warning("%s: %s", self.config.name, problem)
        self.status = KeepStatus(num_pictures=stats.num_frames, num_bytes=stats.num_bytes, problem=problem)
