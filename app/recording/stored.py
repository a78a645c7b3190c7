"""A recording as it lies on the disk, for who asks about it: while it is being made, afterwards, after a restart.

Comes in: a folder, and a question in people's words. Goes out: the memory as it was saved last, and the question with
its times as the language model reads them. Read-only. Belongs to the thread that opened it.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from app.errors import NothingSeenError
from app.language.lmm import Evidence
from app.recording.asked import AskedByClock, Understood
from app.recording.clock_log import ClockLog
from app.recording.fingerprint import own_fingerprint
from app.recording.folder import RecordingFolder
from app.recording.opening import open_memory, open_reader

if TYPE_CHECKING:
    from memory import Snapshot
    from memory.archive import ArchiveReader, FrameRow

__all__ = ["StoredRecording", "Understood"]


class StoredRecording(AskedByClock):
    """Raises UnknownRecordingError, RecordingError or NothingSeenError at opening. close() lets go of the files."""

    def __init__(
        self,
        folder: RecordingFolder,
        *,
        now_s: Callable[[], float],
        fingerprint: str | None = None,
        limits: tuple[str, str] = ("--from", "--to"),
    ) -> None:
        """now_s: the wall clock, epoch seconds. fingerprint: of the encoder that the language model knows. limits: as
        for AskedByClock."""
        folder.require()
        clock = ClockLog.load(folder.clock)
        opened = open_memory(folder, fingerprint or own_fingerprint())
        if opened is None or not clock.pieces:
            raise NothingSeenError(f"{folder.name} has only just begun to record: ask again in a few seconds.")
        self.folder, self.memory, self.saved_at_s = folder, opened.memory, opened.saved_at_s
        self.snapshot = opened.memory.snapshot()
        super().__init__(clock, self.snapshot.t_now_s, self.snapshot.gaps, now_s=now_s, limits=limits)

    @cached_property
    def reader(self) -> "ArchiveReader":
        return open_reader(self.folder)

    def close(self) -> None:
        if "reader" in self.__dict__:
            self.reader.close()

    def refined_snapshot(self, spans: Iterable[tuple[float, float]]) -> "Snapshot":
        """With what the archive tells of these spans, second by second, in place of what the memory has merged."""
        from app.recording.refining import refined

        spans = tuple(spans)
        return refined(self.snapshot, spans, self.reader) if spans else self.snapshot

    def picture_of(self, evidence: Evidence) -> "FrameRow | None":
        """The kept picture of that frame, or the nearest one within the evidence's span."""
        exact = self.reader.get(evidence.frame_id)
        middle_s = (evidence.start_s + evidence.end_s) / 2
        return exact or self.reader.nearest(middle_s, evidence.start_s - 1.0, evidence.end_s + 1.0)
