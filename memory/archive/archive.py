"""The archive's writer: one frame after the other onto the disk, within bytes and age, in a folder of its own.

Comes in: JPEG bytes, a key, evidence, ids and times, from the one thread that opened it. Goes out: what is kept, to
this thread, and through `ArchiveReader` to any other thread or process at the same time. A kill -9 costs at
most the frame that was being put; a full disk costs frames, not the archive: it says so and goes on when there is room.
"""

import contextlib
import errno
import sqlite3
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memory.archive import erasing
from memory.archive.checks import check_frame, check_interval, check_mark, packed_vectors
from memory.archive.config import ArchiveConfig
from memory.archive.disk import Disk
from memory.archive.errors import ArchiveClosedError, ForgetUnfinishedError, FrameRefusedError, PinLimitError
from memory.archive.folder import INDEX_NAME, FolderLock, prepare_folder
from memory.archive.reader import ArchiveReader
from memory.archive.records import ArchiveStats, Hit, Receipt, Recovery, StoredFrame
from memory.archive.recovery import recover
from memory.archive.schema import open_for_writing, transaction
from memory.archive.segments import VectorLayout
from memory.archive.shelf import Shelf

__all__ = ["Archive"]

_MAX_PINS = 1000
_MAX_LOG_BYTES = 4 * 2**20


class Archive:
    """One writer on one folder; belongs to the thread that opened it. Readers: `ArchiveReader`.

    Raises at opening: ArchiveBusyError, ArchiveFolderError, ForeignArchiveError, ArchiveDamagedError.
    """

    def __init__(
        self,
        folder: Path,
        config: ArchiveConfig,
        *,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.config = folder, config
        self._disk, self._clock = disk or Disk(), clock
        self._layout = VectorLayout(config.key_dim, config.evidence_dim)
        prepare_folder(folder)
        self._lock = FolderLock(folder)
        try:
            self._connection = open_for_writing(folder, config)
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> None:
        self._is_closed = False
        self._problem: str | None = None
        self._num_dropped, self._num_dropped_lately, self._dropped_since_s = 0, 0, 0.0
        try:
            # What was half forgotten is no loss, so it goes first.
            erasing.finish_forgets(Shelf(self._connection, self.folder, self._layout, self._disk))
            self._recovery = recover(self._connection, self.folder, self._layout)
            self._shelf = Shelf(self._connection, self.folder, self._layout, self._disk)
        except BaseException:
            self._connection.close()
            raise
        self._newest_s, self._segment_start_s = self.stats().last_s, 0.0
        self._evictable_end_s = erasing.oldest_sealed_end_s(self._shelf)
        self._synced_at_s = self._clock()

    @property
    def recovery(self) -> Recovery:
        """What the last end without close() had left to set right."""
        return self._recovery

    @cached_property
    def _reader(self) -> ArchiveReader:
        return ArchiveReader(self.folder)

    def put(
        self,
        frame_id: int,
        time_s: float,
        wall_time_s: float,
        jpeg: bytes,
        key: npt.ArrayLike,
        evidence: npt.ArrayLike = (),
    ) -> bool:
        """Keeps one frame. time_s never decreases; key: [key_dim], evidence: [evidence_dim], any real dtype.

        False: it could not be kept, `stats().problem` says why; the next frame may be. Raises FrameRefusedError.
        """
        self._check_open()
        check_frame(frame_id, time_s, wall_time_s, jpeg, self._newest_s)
        vectors = packed_vectors(key, evidence, self._layout)
        try:
            self._make_room(time_s, len(jpeg) + len(vectors))
            if not self._shelf.current_bytes:
                self._segment_start_s = time_s
            self._shelf.append(frame_id, time_s, wall_time_s, jpeg, vectors)
        except sqlite3.IntegrityError as error:
            raise FrameRefusedError(
                f"frame {frame_id} is kept already: ids must differ, also after a restart"
            ) from error
        except (OSError, sqlite3.OperationalError) as error:
            if not self._num_dropped_lately:
                self._dropped_since_s = time_s
            self._num_dropped_lately += 1
            self._num_dropped += 1
            self._problem = _sentence(error)
            return False
        self._newest_s = time_s
        self._keep_house(time_s)
        return True

    def evict(self, now_s: float | None = None) -> int:
        """Drops what is too old or too much at stream time now_s (default: of the newest frame); returns how many."""
        self._check_open()
        time_s = self._newest_s if now_s is None else now_s
        return 0 if time_s is None else self._evict(time_s, num_new_bytes=0)

    def pin(self, start_s: float, end_s: float, label: str) -> None:
        """Exempts the frames of an interval from eviction. Raises FrameRefusedError or PinLimitError."""
        self._check_open()
        check_interval(start_s, end_s)
        with transaction(self._connection):
            self._connection.execute("INSERT INTO pins VALUES (?, ?, ?)", (start_s, end_s, label))
            num_pins = self._connection.execute("SELECT COUNT(*) FROM pins").fetchone()[0]
            if num_pins > _MAX_PINS or erasing.pinned_bytes(self._connection) > self.config.max_pinned_bytes:
                limits = f"{self.config.max_pinned_bytes} bytes (half of max_bytes) and {_MAX_PINS} moments"
                raise PinLimitError(f"pinned moments may take {limits}: unpin some, or raise max_bytes")
        self._evictable_end_s = erasing.oldest_sealed_end_s(self._shelf)

    def unpin(self, start_s: float, end_s: float) -> int:
        """Takes away the pins that lie within an interval; returns how many."""
        self._check_open()
        check_interval(start_s, end_s)
        with transaction(self._connection):
            gone = self._connection.execute("DELETE FROM pins WHERE start_s >= ? AND end_s <= ?", (start_s, end_s))
        self._evictable_end_s = erasing.oldest_sealed_end_s(self._shelf)
        return gone.rowcount

    def mark(self, kind: str, start_s: float, end_s: float, text: str = "") -> None:
        """Files an event: a gap (GAP_KINDS), or a text of any other kind, as "caption", "answer" or "user"."""
        self._check_open()
        check_mark(kind, start_s, end_s, text)
        self._add_event(kind, start_s, end_s, text)

    def forget(self, start_s: float, end_s: float) -> Receipt:
        """Erases an interval, both ends included, from index and files; pinned frames too. Returns what it erased.

        Raises ForgetUnfinishedError when the disk fails in the midst of it.
        """
        self._check_open()
        check_interval(start_s, end_s)
        newest_s = self._newest_s
        known_end_s = end_s if newest_s is None else min(end_s, max(start_s, newest_s))  # not what is yet to come
        try:
            self._shelf.seal()
            receipt = erasing.forget(self._shelf, start_s, known_end_s)
        except (OSError, sqlite3.OperationalError) as error:
            message = f"{start_s} s to {known_end_s} s could not be erased completely ({error}): make room on the disk"
            raise ForgetUnfinishedError(f"{message} and forget it again") from error
        self._evictable_end_s = erasing.oldest_sealed_end_s(self._shelf)
        return receipt

    def get(self, frame_id: int) -> StoredFrame | None:
        """See ArchiveReader.get."""
        self._check_open()
        return self._reader.get(frame_id)

    def search(self, key: npt.ArrayLike, k: int = 8, start_s: float = -np.inf, end_s: float = np.inf) -> list[Hit]:
        """See ArchiveReader.search."""
        self._check_open()
        return self._reader.search(key=key, k=k, start_s=start_s, end_s=end_s)

    def stats(self) -> ArchiveStats:
        self._check_open()
        row = "SELECT COUNT(*), MIN(time_s), MAX(time_s), MAX(frame_id) FROM frames"
        num_frames, first_s, last_s, last_frame_id = self._connection.execute(row).fetchone()
        return ArchiveStats(
            num_frames=num_frames,
            num_bytes=self._num_bytes(),
            first_s=first_s,
            last_s=last_s,
            last_frame_id=last_frame_id,
            num_dropped=self._num_dropped,
            problem=self._problem,
            recovery=self._recovery,
        )

    def sync(self) -> None:
        """Puts everything on the disk, and goes on with what forget() could not complete. put() does it now and then.

        Raises OSError or sqlite3.OperationalError.
        """
        self._check_open()
        self._sync()

    def close(self) -> None:
        """Puts everything on the disk and lets others write. May be called twice. A full disk is no reason to fail."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            with contextlib.suppress(OSError, sqlite3.OperationalError):  # opening sets it right, as after a kill
                self._shelf.seal()
                self._sync()
        finally:
            self._shelf.close()
            if "_reader" in self.__dict__:
                self._reader.close()
            self._connection.close()
            self._lock.release()

    def _make_room(self, time_s: float, num_new_bytes: int) -> None:
        config, shelf = self.config, self._shelf
        is_long = shelf.current_bytes > 0 and time_s - self._segment_start_s >= config.segment_s
        if is_long or shelf.current_bytes + num_new_bytes > config.segment_bytes:
            shelf.seal()
            self._evictable_end_s = erasing.oldest_sealed_end_s(shelf)
        is_old = self._evictable_end_s is not None and self._evictable_end_s < time_s - config.max_age_s
        if is_old or self._num_bytes() + num_new_bytes > config.max_bytes:
            self._evict(time_s, num_new_bytes)
        if self._num_bytes() + num_new_bytes > config.max_bytes:
            raise OSError(errno.EDQUOT, "the pinned moments fill the archive: unpin some, or raise max_bytes")
        if self._disk.free_bytes(self.folder) < config.min_free_bytes + num_new_bytes:
            raise OSError(errno.ENOSPC, "the disk is full")

    def _evict(self, now_s: float, num_new_bytes: int) -> int:
        num_evicted = 0
        while self._evictable_end_s is not None:
            is_old = self._evictable_end_s < now_s - self.config.max_age_s
            if not is_old and self._num_bytes() + num_new_bytes <= self.config.max_bytes:
                break
            num_evicted += erasing.evict_oldest(self._shelf)
            self._shelf.sync()
            self._evictable_end_s = erasing.oldest_sealed_end_s(self._shelf)
        return num_evicted

    def _num_bytes(self) -> int:
        return self._shelf.num_bytes + (self.folder / INDEX_NAME).stat().st_size + self._log_bytes()

    def _log_bytes(self) -> int:
        """Of the index's write-ahead log."""
        log = self.folder / f"{INDEX_NAME}-wal"
        return log.stat().st_size if log.exists() else 0

    def _sync(self) -> None:
        self._synced_at_s = self._clock()
        if self._connection.execute("SELECT COUNT(*) FROM unfinished_forgets").fetchone()[0]:
            erasing.finish_forgets(self._shelf)
        self._shelf.sync()

    def _keep_house(self, time_s: float) -> None:
        """After a frame was kept: tells of those before it that were not, and syncs when it is time."""
        try:
            if self._num_dropped_lately:
                text = f"{self._num_dropped_lately} frames: {self._problem}"
                self._add_event("lost", self._dropped_since_s, time_s, text)
                self._num_dropped_lately = 0
            is_log_long = self._log_bytes() > min(_MAX_LOG_BYTES, self.config.max_bytes // 8)
            if is_log_long or self._clock() - self._synced_at_s >= self.config.sync_period_s:
                self._sync()
            self._problem = None
        except (OSError, sqlite3.OperationalError) as error:
            self._problem = _sentence(error)

    def _add_event(self, kind: str, start_s: float, end_s: float, text: str) -> None:
        with transaction(self._connection):
            added = self._connection.execute(
                "INSERT INTO events (kind, start_s, end_s, text) VALUES (?, ?, ?, ?)", (kind, start_s, end_s, text)
            )
            assert added.lastrowid is not None
            oldest = added.lastrowid - self.config.max_events
            self._connection.execute("DELETE FROM events WHERE event <= ?", (oldest,))

    def _check_open(self) -> None:
        if self._is_closed:
            raise ArchiveClosedError(f"the archive in {self.folder} was closed: open it again")


def _sentence(error: Exception) -> str:
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC or "disk is full" in str(error)
    if is_full:
        return "the disk is full: new frames are not kept until there is room"
    return f"new frames cannot be kept ({error}): the archive tries again with each frame"
