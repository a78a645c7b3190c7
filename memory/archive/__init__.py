"""The archive on disk: JPEG, key and evidence of each kept frame, within bytes and age."""

from memory.archive.archive import Archive
from memory.archive.config import ArchiveConfig
from memory.archive.disk import Disk
from memory.archive.errors import (
    ArchiveBusyError,
    ArchiveClosedError,
    ArchiveDamagedError,
    ArchiveError,
    ArchiveFolderError,
    ForeignArchiveError,
    ForgetUnfinishedError,
    FrameRefusedError,
    PinLimitError,
)
from memory.archive.reader import ArchiveReader
from memory.archive.records import (
    GAP_KINDS,
    ArchiveStats,
    Event,
    FrameRow,
    Hit,
    PinnedInterval,
    Receipt,
    Recovery,
    StoredFrame,
)

__all__ = [
    "GAP_KINDS",
    "Archive",
    "ArchiveBusyError",
    "ArchiveClosedError",
    "ArchiveConfig",
    "ArchiveDamagedError",
    "ArchiveError",
    "ArchiveFolderError",
    "ArchiveReader",
    "ArchiveStats",
    "Disk",
    "Event",
    "ForeignArchiveError",
    "ForgetUnfinishedError",
    "FrameRefusedError",
    "FrameRow",
    "Hit",
    "PinLimitError",
    "PinnedInterval",
    "Receipt",
    "Recovery",
    "StoredFrame",
]
