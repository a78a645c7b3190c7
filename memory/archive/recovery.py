"""Setting an archive right after an end without close(): kill -9, a power cut, files that somebody removed.

Comes in: the index and the folder, from the writer when it opens. Goes out: an index that tells the truth, segments
that end where it says, and a Recovery. Every segment is sealed afterwards.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from memory.archive.records import Recovery
from memory.archive.schema import transaction
from memory.archive.segments import VectorLayout, segment_numbers, segment_paths
from memory.archive.shelf import Place, frames_of, read_place

__all__ = ["recover"]


def recover(connection: sqlite3.Connection, folder: Path, layout: VectorLayout) -> Recovery:
    """Raises OSError when the folder cannot be written."""
    segments = dict(connection.execute("SELECT segment, is_sealed FROM segments").fetchall())
    num_orphans = sum(_remove(folder, segment) for segment in segment_numbers(folder) - set(segments))
    lost: list[Place] = []
    empty: list[int] = []
    truncated_bytes = 0
    for segment, is_sealed in segments.items():
        bad = _beyond_the_end(connection, folder, segment, layout)
        num_frames = connection.execute("SELECT COUNT(*) FROM frames WHERE segment = ?", (segment,)).fetchone()[0]
        if not is_sealed:  # a sealed one was on the disk before the index said so: there the lengths tell enough
            good = [place for place in frames_of(connection, "segment = ?", (segment,)) if place not in bad]
            bad += [place for place in good if read_place(folder, place, layout) is None]
            good = [place for place in good if place not in bad]
            truncated_bytes += _truncate(folder, segment, good, layout) if good else 0
        lost += bad
        if num_frames == len(bad):
            empty.append(segment)
    with transaction(connection):
        _forget_rows(connection, lost, empty)
        connection.execute("UPDATE segments SET is_sealed = 1")
    for segment in empty:
        truncated_bytes += sum(path.stat().st_size for path in segment_paths(folder, segment) if path.exists())
        _remove(folder, segment)
    return Recovery(truncated_bytes=truncated_bytes, num_lost=len(lost), num_orphans=num_orphans)


def _beyond_the_end(connection: sqlite3.Connection, folder: Path, segment: int, layout: VectorLayout) -> list[Place]:
    """The frames that lie beyond the ends of the files."""
    sizes = [path.stat().st_size if path.exists() else 0 for path in segment_paths(folder, segment)]
    beyond = "segment = ? AND (offset + num_bytes > ? OR row >= ?)"
    return frames_of(connection, beyond, (segment, sizes[0], sizes[1] // layout.row_bytes))


def _truncate(folder: Path, segment: int, places: list[Place], layout: VectorLayout) -> int:
    """Cuts both files after the last frame of the index and puts them on the disk; returns how much was cut."""
    ends = (
        max(place.offset + place.num_bytes for place in places),
        (max(place.row for place in places) + 1) * layout.row_bytes,
    )
    num_cut = 0
    for path, end in zip(segment_paths(folder, segment), ends, strict=True):
        with path.open("r+b") as file:
            num_cut += file.seek(0, os.SEEK_END) - end
            file.truncate(end)
            os.fsync(file.fileno())
    return num_cut


def _forget_rows(connection: sqlite3.Connection, lost: list[Place], empty: Iterable[int]) -> None:
    connection.executemany("DELETE FROM frames WHERE position = ?", [(place.position,) for place in lost])
    connection.executemany("DELETE FROM segments WHERE segment = ?", [(segment,) for segment in empty])
    if lost:
        span = (min(place.time_s for place in lost), max(place.time_s for place in lost))
        connection.execute("INSERT INTO events (kind, start_s, end_s, text) VALUES ('damaged', ?, ?, '')", span)
        connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'erasures'")


def _remove(folder: Path, segment: int) -> int:
    """How many files there were."""
    paths = [path for path in segment_paths(folder, segment) if path.exists()]
    for path in paths:
        path.unlink()
    return len(paths)
