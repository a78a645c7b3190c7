"""The errors of the archive, as a tree. A message says what happened and what to try.

FrameRefusedError          (also a ValueError) a frame, interval or event that the archive cannot take
PinLimitError              (also a ValueError) more would be pinned than may be exempt from eviction
ForgetUnfinishedError      the disk failed while a moment was being erased; sync() and the next opening go on with it
ArchiveClosedError         used after close()
ArchiveBusyError           another process, or another Archive of this one, writes in the folder
ArchiveFolderError         no archive there, a folder of something else, or one that cannot be written
ForeignArchiveError        another format version, another encoder or other sizes of key and evidence
ArchiveDamagedError        the index or a kept frame cannot be read as it was written
All of them are ArchiveError. A full disk is no error: `Archive.put` returns False and `stats().problem` says why.
"""

__all__ = [
    "ArchiveBusyError",
    "ArchiveClosedError",
    "ArchiveDamagedError",
    "ArchiveError",
    "ArchiveFolderError",
    "ForeignArchiveError",
    "ForgetUnfinishedError",
    "FrameRefusedError",
    "PinLimitError",
]


class ArchiveError(Exception):
    """Anything that the archive refuses."""


class FrameRefusedError(ArchiveError, ValueError):
    """What was handed over is not a frame, an interval or a mark; the archive is as it was."""


class PinLimitError(ArchiveError, ValueError):
    """The pinned moments would take more than half of the archive, or there are too many of them."""


class ForgetUnfinishedError(ArchiveError):
    """The moment is erased in part."""


class ArchiveClosedError(ArchiveError):
    """The archive was closed; open it again to go on."""


class ArchiveBusyError(ArchiveError):
    """Somebody else writes in the folder."""


class ArchiveFolderError(ArchiveError):
    """The folder cannot be used as it is."""


class ForeignArchiveError(ArchiveError):
    """The archive was made by another version or with another encoder."""


class ArchiveDamagedError(ArchiveError):
    """What is on disk is not what was written."""
