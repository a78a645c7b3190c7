"""Segment files: the JPEG bytes of many frames one after the other, and beside them their vectors, one row a frame.

Comes in: bytes. Goes out: where they lie; bytes by place. A SegmentWriter belongs to the archive's writer; the reading
functions open and close the file at each call, so that they never hold what was erased. Any thread.
"""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.archive.disk import Disk

__all__ = [
    "SegmentWriter",
    "VectorLayout",
    "overwrite",
    "read_bytes",
    "read_vectors",
    "segment_numbers",
    "segment_paths",
]

_NAME = re.compile(r"segment-(\d{8,})\.(?:frames|vectors)")


@dataclass(frozen=True)
class VectorLayout:
    """One row of a vectors file: the key, then the evidence, float16, little-endian."""

    key_dim: int
    evidence_dim: int

    @property
    def dim(self) -> int:
        return self.key_dim + self.evidence_dim

    @property
    def row_bytes(self) -> int:
        return 2 * self.dim


def segment_paths(folder: Path, segment: int) -> tuple[Path, Path]:
    """(frames file, vectors file)."""
    return folder / f"segment-{segment:08d}.frames", folder / f"segment-{segment:08d}.vectors"


def segment_numbers(folder: Path) -> set[int]:
    """The segments that have a file in the folder."""
    return {int(found[1]) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))}


class SegmentWriter:
    """Appends to one new segment. After an OSError the segment is as before the call."""

    def __init__(self, folder: Path, segment: int, layout: VectorLayout, disk: Disk) -> None:
        self.segment = segment
        self.frames_bytes = 0
        self.num_rows = 0
        self._layout, self._disk = layout, disk
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        frames, vectors = segment_paths(folder, segment)
        self._frames = os.open(frames, flags, 0o600)
        try:
            self._vectors = os.open(vectors, flags, 0o600)
        except OSError:
            os.close(self._frames)
            raise

    @property
    def num_bytes(self) -> int:
        return self.frames_bytes + self.num_rows * self._layout.row_bytes

    def append(self, jpeg: bytes, vectors: bytes) -> tuple[int, int]:
        """Returns (offset in the frames file, row in the vectors file)."""
        offset, row = self.frames_bytes, self.num_rows
        try:
            self._disk.append(self._frames, offset, jpeg)
            self._disk.append(self._vectors, row * self._layout.row_bytes, vectors)
        except OSError:
            self._cut(offset, row)
            raise
        self.frames_bytes, self.num_rows = offset + len(jpeg), row + 1
        return offset, row

    def undo(self, offset: int, row: int) -> None:
        """Takes back the newest append."""
        self._cut(offset, row)
        self.frames_bytes, self.num_rows = offset, row

    def sync(self) -> None:
        self._disk.sync(self._frames)
        self._disk.sync(self._vectors)

    def close(self) -> None:
        os.close(self._frames)
        os.close(self._vectors)

    def _cut(self, offset: int, row: int) -> None:
        os.ftruncate(self._frames, offset)
        os.ftruncate(self._vectors, row * self._layout.row_bytes)


def read_bytes(path: Path, offset: int, num_bytes: int) -> bytes:
    """Fewer bytes than asked for where the file is shorter. Raises FileNotFoundError."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(num_bytes)


def overwrite(path: Path, offset: int, num_bytes: int) -> None:
    """Zeros in place of what lay there, if it still does; returns when they are on the disk. Never makes it longer."""
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(min(offset, size))
        file.write(bytes(max(0, min(num_bytes, size - offset))))
        file.flush()
        os.fsync(file.fileno())


def read_vectors(path: Path, rows: Sequence[int], layout: VectorLayout) -> NDArray[np.float16]:
    """Rows of a vectors file, [len(rows), key_dim + evidence_dim]; neighbouring rows are read together.

    Raises FileNotFoundError, and EOFError where the file is too short.
    """
    found = np.empty((len(rows), layout.dim), np.float16)
    with path.open("rb") as file:
        start = 0
        while start < len(rows):
            end = start + 1
            while end < len(rows) and rows[end] == rows[end - 1] + 1:
                end += 1
            file.seek(rows[start] * layout.row_bytes)
            data = file.read((end - start) * layout.row_bytes)
            if len(data) < (end - start) * layout.row_bytes:
                raise EOFError(f"{path.name} ends before row {rows[end - 1]}")
            found[start:end] = np.frombuffer(data, "<f2").reshape(end - start, layout.dim)
            start = end
    return found
