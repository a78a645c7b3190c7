"""Small archives with known content, for the tests of the archive, of retrieval and of storage."""

import errno
from pathlib import Path

import numpy as np

from memory.archive import Archive, ArchiveConfig, Disk

KEY_DIM, EVIDENCE_DIM = 16, 5


def make_config(**changes) -> ArchiveConfig:
    defaults = {
        "fingerprint": "encoder-1",
        "key_dim": KEY_DIM,
        "evidence_dim": EVIDENCE_DIM,
        "max_bytes": 2**20,
        "segment_bytes": 16 * 1024,
        "min_free_bytes": 0,
        "sync_period_s": 1e9,
    }
    return ArchiveConfig(**{**defaults, **changes})


def make_archive(folder: Path, disk: Disk | None = None, **changes) -> Archive:
    return Archive(folder, make_config(**changes), disk=disk)


def jpeg_of(frame_id: int, num_bytes: int = 1000) -> bytes:
    """Not a picture, but bytes that only this frame has."""
    body = np.random.default_rng(frame_id).integers(0, 256, num_bytes - 2, np.uint8).tobytes()
    return b"\xff\xd8" + body


def key_of(frame_id: int, dim: int = KEY_DIM) -> np.ndarray:
    """float32 [dim] of length 1, another direction for each frame."""
    key = np.random.default_rng(1000 + frame_id).standard_normal(dim)
    return (key / np.linalg.norm(key)).astype(np.float32)


def evidence_of(frame_id: int) -> np.ndarray:
    """Channel frame_id % EVIDENCE_DIM shows, the more the later."""
    evidence = np.zeros(EVIDENCE_DIM, np.float32)
    evidence[frame_id % EVIDENCE_DIM] = 0.5 + frame_id / 100
    return evidence


def put(archive: Archive, frame_id: int, time_s: float | None = None, num_bytes: int = 1000) -> bool:
    """One frame whose every byte follows from its id; by default one a second."""
    time_s = float(frame_id) if time_s is None else time_s
    jpeg = jpeg_of(frame_id, num_bytes)
    return archive.put(frame_id, time_s, 1.7e9 + time_s, jpeg, key_of(frame_id), evidence_of(frame_id))


def fill(archive: Archive, num_frames: int, first: int = 0) -> None:
    for frame_id in range(first, first + num_frames):
        assert put(archive, frame_id)


def bytes_on_disk(folder: Path) -> bytes:
    """Everything in every file of a folder."""
    return b"\0|\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


class SmallDisk(Disk):
    """A disk that takes `room_bytes` more, and then part of a write before it says that it is full."""

    def __init__(self, room_bytes: float = float("inf")) -> None:
        self.room_bytes = room_bytes

    def append(self, handle: int, offset: int, data: bytes) -> None:
        taken = int(min(len(data), self.room_bytes))
        super().append(handle, offset, data[:taken])
        self.room_bytes -= taken
        if taken < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
