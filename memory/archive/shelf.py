"""Frames on disk and their rows in the index, kept in step: a row is committed after its bytes, and leaves before them.

Belongs to the archive's writer and its thread. What is to be kept or erased is decided elsewhere (`archive.py`,
`erasing.py`); how, here.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from memory.archive.disk import Disk
from memory.archive.folder import sync_folder
from memory.archive.schema import transaction
from memory.archive.segments import SegmentWriter, VectorLayout, read_bytes, segment_paths

__all__ = ["Place", "Shelf", "checksum", "frames_of", "pieces", "read_place"]


class Place(NamedTuple):
    """Where one frame lies."""

    position: int
    time_s: float
    segment: int
    offset: int
    num_bytes: int
    row: int
    crc: int


def frames_of(connection: sqlite3.Connection, where: str, values: Sequence[float]) -> list[Place]:
    """The places of the frames that a condition holds for, in order of arrival."""
    columns = ", ".join(Place._fields)
    rows = connection.execute(f"SELECT {columns} FROM frames WHERE {where} ORDER BY position", values)
    return [Place(*row) for row in rows]


def checksum(jpeg: bytes, vectors: bytes) -> int:
    return zlib.crc32(vectors, zlib.crc32(jpeg))


class Shelf:
    """All segments of one archive. Raises OSError or sqlite3.Error with nothing half done."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, layout: VectorLayout, disk: Disk) -> None:
        self.connection, self.folder, self.layout = connection, folder, layout
        self.num_bytes = 0  # of all segment files
        self._disk = disk
        self._current: SegmentWriter | None = None
        self._doomed: list[Path] = []  # files that the system would not remove yet
        for (segment,) in connection.execute("SELECT segment FROM segments").fetchall():
            self.num_bytes += sum(path.stat().st_size for path in segment_paths(folder, segment) if path.exists())

    @property
    def current_bytes(self) -> int:
        return 0 if self._current is None else self._current.num_bytes

    def append(self, frame_id: int, time_s: float, wall_time_s: float, jpeg: bytes, vectors: bytes) -> None:
        """Files one frame; readers see it when this returns."""
        if self._current is None:
            self._current = self._new_segment()
        writer = self._current
        offset, row = writer.append(jpeg, vectors)
        place = (writer.segment, offset, len(jpeg), row, checksum(jpeg, vectors))
        try:
            with transaction(self.connection):
                self.connection.execute(
                    "INSERT INTO frames (frame_id, time_s, wall_time_s, segment, offset, num_bytes, row, crc)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (frame_id, time_s, wall_time_s, *place),
                )
        except BaseException:
            writer.undo(offset, row)
            raise
        self.num_bytes += len(jpeg) + len(vectors)

    def seal(self) -> None:
        """Ends the segment that is being written: its bytes are on the disk before the index says so."""
        writer = self._current
        if writer is None:
            return
        writer.sync()
        sync_folder(self.folder)
        self._seal_row(writer.segment)
        writer.close()
        self._current = None

    def sync(self) -> None:
        """Puts everything on the disk, segments before index; waits for no reader."""
        if self._current is not None:
            self._current.sync()
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def scrub(self) -> bool:
        """sync(), and nothing erased is left in the index's log. False: a reader still needs it, or has a file open."""
        self.sync()
        busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._doomed = [path for path in self._doomed if not _removed(path)]
        return not busy and not self._doomed

    def close(self) -> None:
        """Without sealing: for an end that seal() could not make."""
        if self._current is not None:
            self._current.close()
        self._current = None

    def drop_segment(self, segment: int, kept: Sequence[Place] = ()) -> None:
        """Removes a sealed segment and its frames, except those in `kept`, which move into a segment of their own."""
        moved = self._copied(kept) if kept else []
        with transaction(self.connection):
            self.connection.executemany(
                "UPDATE frames SET segment = ?, offset = ?, row = ? WHERE position = ?",
                [(place.segment, place.offset, place.row, place.position) for place in moved],
            )
            self.connection.execute("DELETE FROM frames WHERE segment = ?", (segment,))
            self.connection.execute("DELETE FROM segments WHERE segment = ?", (segment,))
            self.count_erasure()
        for path in segment_paths(self.folder, segment):
            self.num_bytes -= path.stat().st_size if path.exists() else 0
            if not _removed(path):
                self._doomed.append(path)

    def empty_frames(self, segment: int) -> None:
        """Gives back the room of a sealed segment's pictures; drop_segment() must follow."""
        frames, _ = segment_paths(self.folder, segment)
        if frames.exists():
            self.num_bytes -= frames.stat().st_size
            os.truncate(frames, 0)

    def count_erasure(self) -> None:
        """Within a transaction: tells readers that frames which they know of have gone."""
        self.connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'erasures'")

    def _copied(self, places: Sequence[Place]) -> list[Place]:
        writer = self._new_segment()
        try:
            with contextlib.closing(writer):
                moved = [place._replace(**_copy(self.folder, place, self.layout, writer)) for place in places]
                writer.sync()
            sync_folder(self.folder)
            self._seal_row(writer.segment)
        except BaseException:
            self._remove_row(writer.segment)
            for path in segment_paths(self.folder, writer.segment):
                path.unlink()
            raise
        self.num_bytes += writer.num_bytes
        return moved

    def _new_segment(self) -> SegmentWriter:
        with transaction(self.connection):
            segment = self.connection.execute("INSERT INTO segments (is_sealed) VALUES (0)").lastrowid
        assert segment is not None
        try:
            return SegmentWriter(self.folder, segment, self.layout, self._disk)
        except OSError:
            self._remove_row(segment)
            raise

    def _remove_row(self, segment: int) -> None:
        """Of a segment without frames. Where even that fails, the next opening does it."""
        with contextlib.suppress(sqlite3.Error), transaction(self.connection):
            self.connection.execute("DELETE FROM segments WHERE segment = ?", (segment,))

    def _seal_row(self, segment: int) -> None:
        with transaction(self.connection):
            self.connection.execute("UPDATE segments SET is_sealed = 1 WHERE segment = ?", (segment,))


def read_place(folder: Path, place: Place, layout: VectorLayout) -> tuple[bytes, bytes] | None:
    """(jpeg, vectors) of one frame; None where they are not what was written. Raises FileNotFoundError."""
    frames, vectors = segment_paths(folder, place.segment)
    jpeg = read_bytes(frames, place.offset, place.num_bytes)
    row = read_bytes(vectors, place.row * layout.row_bytes, layout.row_bytes)
    return (jpeg, row) if checksum(jpeg, row) == place.crc else None


def pieces(places: Sequence[Place]) -> Iterator[tuple[int, list[Place]]]:
    """The places by segment."""
    for segment in sorted({place.segment for place in places}):
        yield segment, [place for place in places if place.segment == segment]


def _copy(folder: Path, place: Place, layout: VectorLayout, writer: SegmentWriter) -> dict[str, int]:
    """Byte by byte: a frame that was spoilt stays spoilt, and its checksum says so."""
    frames, vectors = segment_paths(folder, place.segment)
    jpeg = read_bytes(frames, place.offset, place.num_bytes)
    offset, row = writer.append(jpeg, read_bytes(vectors, place.row * layout.row_bytes, layout.row_bytes))
    return {"segment": writer.segment, "offset": offset, "row": row}


def _removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # a reader has it open, on systems that mind
        return False
    return True
