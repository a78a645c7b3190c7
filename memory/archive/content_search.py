"""Search by content over what is on disk: keeps a ContentIndex up to date, and scores its candidates exactly.

Comes in: the index's connection, the folder, a query. Goes out: hits with exact scores, and keys. Belongs to the thread
of its reader.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.archive.content_index import ContentIndex, evidence_score
from memory.archive.errors import ArchiveDamagedError
from memory.archive.records import Hit
from memory.archive.segments import VectorLayout, read_vectors, segment_paths

__all__ = ["ContentSearch"]

_TRIES = 10  # segments may leave between the look into the index and the look into the files
_CANDIDATES = 4  # times k: the projection may put a frame a few places too low
_MIN_CANDIDATES = 16
_COLUMNS = "position, frame_id, time_s, wall_time_s, segment, row"
_Row = tuple[int, int, float, float, int, int]


class ContentSearch:
    """connection: gives the reader's connection, or raises when the reader was closed."""

    def __init__(
        self, connection: Callable[[], sqlite3.Connection], folder: Path, layout: VectorLayout, max_frames: int
    ) -> None:
        self._connection, self._folder, self._layout, self._max_frames = connection, folder, layout, max_frames
        self._index = self._empty_index()
        self._last_position, self._num_erasures = 0, -1

    @property
    def num_bytes(self) -> int:
        """Of RAM."""
        return self._index.num_bytes

    def search(
        self,
        intervals: Sequence[tuple[float, float]],
        key: NDArray[np.float32] | None,
        channels: tuple[int, ...],
        k: int,
    ) -> list[Hit]:
        """The best k of each interval, all together, the best first; ties: the earlier first."""
        self.refresh()
        num_wanted = max(_MIN_CANDIDATES, _CANDIDATES * k)
        groups = []
        for start_s, end_s in intervals:
            found: list[int] = []
            if key is not None:
                found += self._index.best_by_key(key, start_s, end_s, num_wanted)
            if channels:
                found += self._index.best_by_evidence(channels, start_s, end_s, num_wanted)
            groups.append((start_s, end_s, self._with_neighbours(found)))
        rows, vectors = self._read({position for _, _, positions in groups for position in positions})
        scores = self._scores(vectors, key, channels)
        hits: dict[int, Hit] = {}
        for start_s, end_s, positions in groups:
            here = [
                i for i, row in enumerate(rows) if row[0] in positions and start_s <= row[2] <= end_s and scores[i] > 0
            ]
            for i in sorted(here, key=lambda i: (-scores[i], rows[i][0]))[:k]:
                hits[rows[i][0]] = self._hit(rows[i], float(scores[i]), vectors[i])
        return sorted(hits.values(), key=lambda hit: (-hit.score, hit.time_s, hit.frame_id))

    def keys(self, frame_ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """float32 [key_dim] of each frame that is kept."""
        marks = ", ".join("?" * len(frame_ids))
        rows, vectors = self._vectors_of(f"SELECT {_COLUMNS} FROM frames WHERE frame_id IN ({marks})", frame_ids)
        return {row[1]: self._key(vector) for row, vector in zip(rows, vectors, strict=True)}

    def _scores(
        self, vectors: NDArray[np.float16], key: NDArray[np.float32] | None, channels: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """[n]; 0 and below is no hit."""
        parts = []
        if key is not None:
            parts.append(vectors[:, : self._layout.key_dim].astype(np.float32) @ key)
        if channels:
            columns = [self._layout.key_dim + channel for channel in channels]
            parts.append(evidence_score(vectors[:, columns].astype(np.float32)))
        scores: NDArray[np.float32] = np.mean(parts, axis=0) if parts else np.zeros(len(vectors), np.float32)
        return scores

    def _with_neighbours(self, positions: Iterable[int]) -> set[int]:
        """With those on either side that a thinned index passed over."""
        reach = self._index.stride - 1
        return {near for position in positions for near in range(position - reach, position + reach + 1)}

    def _read(self, positions: set[int]) -> tuple[list[_Row], NDArray[np.float16]]:
        ordered = sorted(positions)
        marks = ", ".join("?" * len(ordered))
        return self._vectors_of(f"SELECT {_COLUMNS} FROM frames WHERE position IN ({marks})", ordered)

    def refresh(self) -> None:
        """Takes in what was put since, and lets go of what was erased."""
        connection = self._connection()
        query = "SELECT value FROM meta WHERE name = 'erasures'"
        num_erasures = int(connection.execute(query).fetchone()[0])
        if num_erasures != self._num_erasures and len(self._index):
            kept = connection.execute("SELECT position FROM frames ORDER BY position").fetchall()
            self._index.keep_only(np.array(kept, np.int64).reshape(-1))
        self._num_erasures = num_erasures  # read before the positions: what is erased meanwhile is seen next time
        while True:
            stride = self._index.stride
            condition = f"position > ? AND position % {stride} = 0 ORDER BY position LIMIT 4096"
            rows, vectors = self._vectors_of(f"SELECT {_COLUMNS} FROM frames WHERE {condition}", (self._last_position,))
            if not rows:
                return
            positions = np.array([row[0] for row in rows], np.int64)
            self._index.add(positions, np.array([row[2] for row in rows]), vectors)
            self._last_position = rows[-1][0]

    def _vectors_of(self, query: str, values: Sequence[float]) -> tuple[list[_Row], NDArray[np.float16]]:
        """The rows of a query and their vectors [n, key_dim + evidence_dim]."""
        for _ in range(_TRIES):
            rows: list[_Row] = self._connection().execute(query, values).fetchall()
            try:
                return rows, self._read_segments(rows)
            except (FileNotFoundError, EOFError) as error:
                failure = error
        raise ArchiveDamagedError(f"vectors in {self._folder} cannot be read ({failure}): reopen the archive to record")

    def _read_segments(self, rows: list[_Row]) -> NDArray[np.float16]:
        vectors = np.empty((len(rows), self._layout.dim), np.float16)
        segments = np.array([row[4] for row in rows])
        for segment in np.unique(segments):
            where = np.flatnonzero(segments == segment)
            path = segment_paths(self._folder, int(segment))[1]
            vectors[where] = read_vectors(path, [rows[i][5] for i in where], self._layout)
        return vectors

    def _hit(self, row: _Row, score: float, vector: NDArray[np.float16]) -> Hit:
        return Hit(frame_id=row[1], time_s=row[2], wall_time_s=row[3], score=score, key=self._key(vector))

    def _key(self, vector: NDArray[np.float16]) -> NDArray[np.float32]:
        key: NDArray[np.float32] = vector[: self._layout.key_dim].astype(np.float32)
        return key

    def _empty_index(self) -> ContentIndex:
        return ContentIndex(self._layout.key_dim, self._layout.evidence_dim, self._max_frames)
