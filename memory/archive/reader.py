"""Reading an archive: frames by id and by time, searches by content, events and pins, also while it is being written.

Comes in: the folder. Goes out: frames, rows and hits. A reader belongs to the thread that opened it; open one for each
thread or process that reads. It holds neither files nor transactions between calls, so that erasing never waits for it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memory.archive.checks import unit_key
from memory.archive.content_search import ContentSearch
from memory.archive.errors import ArchiveClosedError, ArchiveDamagedError
from memory.archive.folder import INDEX_NAME
from memory.archive.records import ArchiveStats, Event, FrameRow, Hit, PinnedInterval, StoredFrame
from memory.archive.schema import Identity, open_for_reading, read_identity
from memory.archive.segments import segment_numbers, segment_paths
from memory.archive.shelf import frames_of, read_place

__all__ = ["ArchiveReader"]

_ROW = "SELECT frame_id, time_s, wall_time_s FROM frames"
_TRIES = 10  # a frame may move to another segment between the look into the index and the look into the file


class ArchiveReader:
    """Raises at opening: ArchiveFolderError, ForeignArchiveError, ArchiveDamagedError."""

    def __init__(self, folder: Path, *, max_index_frames: int = 65_536) -> None:
        if max_index_frames < 2:
            raise ValueError(f"max_index_frames must be >= 2, got {max_index_frames}")
        self.folder = folder
        self._max_index_frames = max_index_frames
        self._open_connection: sqlite3.Connection | None = open_for_reading(folder)
        self.identity: Identity = read_identity(self._open_connection)

    def get(self, frame_id: int) -> StoredFrame | None:
        """The frame as it was put; None: it is not kept (`why_missing` tells why). Raises ArchiveDamagedError."""
        for _ in range(_TRIES):
            places = frames_of(self._connection, "frame_id = ?", (frame_id,))
            if not places:
                return None
            try:
                data = read_place(self.folder, places[0], self.identity.layout)
            except FileNotFoundError:
                continue
            if data is not None:
                return self._stored(frame_id, *data)
        # A moment stops being forgotten only after its rows have gone: asked in this order, nothing slips between.
        is_going = self._is_being_forgotten(places[0].time_s)
        if is_going or not frames_of(self._connection, "frame_id = ?", (frame_id,)):
            return None
        raise ArchiveDamagedError(f"frame {frame_id} in {self.folder} is damaged on the disk: it cannot be shown")

    def between(self, start_s: float, end_s: float) -> list[FrameRow]:
        """The kept frames of an interval, both ends included, in order of time."""
        rows = self._connection.execute(f"{_ROW} WHERE time_s BETWEEN ? AND ? ORDER BY position", (start_s, end_s))
        return [_row(row) for row in rows.fetchall()]

    def nearest(self, time_s: float, start_s: float = -np.inf, end_s: float = np.inf) -> FrameRow | None:
        """The kept frame nearest to a time, within an interval; of two as near, the earlier."""
        before = f"{_ROW} WHERE time_s <= ? AND time_s >= ? ORDER BY time_s DESC, position DESC LIMIT 1"
        after = f"{_ROW} WHERE time_s >= ? AND time_s <= ? ORDER BY time_s, position LIMIT 1"
        rows = [
            *self._connection.execute(before, (min(time_s, end_s), start_s)).fetchall(),
            *self._connection.execute(after, (max(time_s, start_s), end_s)).fetchall(),
        ]
        return min((_row(row) for row in rows), key=lambda row: (abs(row.time_s - time_s), row.time_s), default=None)

    def search(
        self,
        *,
        key: npt.ArrayLike | None = None,
        channels: Sequence[int] = (),
        start_s: float = -np.inf,
        end_s: float = np.inf,
        k: int = 8,
    ) -> list[Hit]:
        """The k best frames of an interval by content, the best first; ties: the earlier first.

        key: [key_dim]; score: cosine. channels: those of the evidence that should be seen; score: mean of e / (e + 1);
        frames that show none of them are left out. Both: the mean of both. Raises ValueError when neither is given.
        """
        return self.search_intervals([(start_s, end_s)], key=key, channels=channels, k=k)[:k]

    def search_intervals(
        self,
        intervals: Sequence[tuple[float, float]],
        *,
        key: npt.ArrayLike | None = None,
        channels: Sequence[int] = (),
        k: int = 8,
    ) -> list[Hit]:
        """As search(), with the best k of each interval: all hits together, the best first."""
        layout = self.identity.layout
        if key is None and not channels:
            raise ValueError("a search by content needs a key or channels")
        wrong = [channel for channel in channels if not 0 <= channel < layout.evidence_dim]
        if wrong:
            raise ValueError(f"channels must be in 0..{layout.evidence_dim - 1}, got {wrong}")
        if k < 1:
            raise ValueError(f"k must be >= 1, got {k}")
        wanted = None if key is None else unit_key(key, layout.key_dim)
        return self._content.search(intervals, wanted, tuple(channels), k)

    def prepare(self) -> None:
        """Loads the index of contents, as the first search would: some seconds for the frames of a day."""
        self._content.refresh()

    def keys(self, frame_ids: Sequence[int]) -> dict[int, npt.NDArray[np.float32]]:
        """The keys [key_dim] of the frames that are kept."""
        return self._content.keys(frame_ids)

    def events(self, start_s: float = -np.inf, end_s: float = np.inf) -> list[Event]:
        """The events that touch an interval, in order of time."""
        rows = self._connection.execute(
            "SELECT kind, start_s, end_s, text FROM events WHERE start_s <= ? AND end_s >= ? ORDER BY start_s, event",
            (end_s, start_s),
        )
        return [Event(kind=kind, start_s=start, end_s=end, text=text) for kind, start, end, text in rows.fetchall()]

    def pins(self) -> list[PinnedInterval]:
        rows = self._connection.execute(
            "SELECT start_s, end_s, label FROM pins ORDER BY start_s, end_s, label"
        ).fetchall()
        return [PinnedInterval(start_s=start, end_s=end, label=label) for start, end, label in rows]

    def why_missing(self, time_s: float) -> str:
        """A sentence for a frame of that time which get() does not find."""
        kinds = {event.kind for event in self.events(time_s, time_s)}
        if "forgotten" in kinds or self._is_being_forgotten(time_s):
            return "That moment was erased on request."
        if "lost" in kinds:
            return "That moment could not be kept, because the disk could not take it."
        if "damaged" in kinds:
            return "That moment was lost when the program ended unexpectedly."
        if "evicted" in kinds:
            return "That moment is older than what the archive has room for."
        return "No picture of that moment was kept."

    def first_s(self) -> float | None:
        """Time of the oldest kept frame; None: nothing is kept."""
        found: float | None = self._connection.execute("SELECT MIN(time_s) FROM frames").fetchone()[0]
        return found

    def stats(self) -> ArchiveStats:
        """Sizes; what only the writer knows (dropped, problem, recovery) is left at its default."""
        row = self._connection.execute(
            "SELECT COUNT(*), MIN(time_s), MAX(time_s), MAX(frame_id) FROM frames"
        ).fetchone()
        paths = [path for segment in segment_numbers(self.folder) for path in segment_paths(self.folder, segment)]
        paths += [self.folder / INDEX_NAME, self.folder / f"{INDEX_NAME}-wal"]
        return ArchiveStats(
            num_frames=row[0], num_bytes=sum(map(_size, paths)), first_s=row[1], last_s=row[2], last_frame_id=row[3]
        )

    @property
    def index_bytes(self) -> int:
        """RAM that the index of contents takes; 0 before the first search."""
        return self._content.num_bytes if "_content" in self.__dict__ else 0

    def close(self) -> None:
        """May be called twice."""
        if self._open_connection is not None:
            self._open_connection.close()
        self._open_connection = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open_connection is None:
            raise ArchiveClosedError(f"the reader of {self.folder} was closed: open another")
        return self._open_connection

    @cached_property
    def _content(self) -> ContentSearch:
        connection: Callable[[], sqlite3.Connection] = lambda: self._connection  # noqa: E731
        return ContentSearch(connection, self.folder, self.identity.layout, self._max_index_frames)

    def _stored(self, frame_id: int, jpeg: bytes, vectors: bytes) -> StoredFrame | None:
        row = self._connection.execute(f"{_ROW} WHERE frame_id = ?", (frame_id,)).fetchone()
        if row is None:  # erased just now
            return None
        numbers = np.frombuffer(vectors, "<f2").astype(np.float32)
        key, evidence = np.split(numbers, [self.identity.layout.key_dim])
        return StoredFrame(frame_id=row[0], time_s=row[1], wall_time_s=row[2], jpeg=jpeg, key=key, evidence=evidence)

    def _is_being_forgotten(self, time_s: float) -> bool:
        query = "SELECT 1 FROM unfinished_forgets WHERE ? BETWEEN start_s AND end_s"
        return self._connection.execute(query, (time_s,)).fetchone() is not None


def _row(row: tuple[int, float, float]) -> FrameRow:
    return FrameRow(frame_id=row[0], time_s=row[1], wall_time_s=row[2])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a segment may leave between two looks
        return 0
