"""The errors of saving and loading, as a tree. A message says what happened and what to try.

NothingSavedError          there is no saved memory, or no bundle, of that name
ForeignMemoryError         made with another encoder, by another version, or something else altogether
DamagedMemoryError         cut off or changed since it was written
SaveFailedError            the disk is full or read-only; what was saved before still stands
All of them are StorageError.
"""

__all__ = ["DamagedMemoryError", "ForeignMemoryError", "NothingSavedError", "SaveFailedError", "StorageError"]


class StorageError(Exception):
    """Anything that goes wrong with a file of a memory."""


class NothingSavedError(StorageError):
    """There is no such file."""


class ForeignMemoryError(StorageError):
    """The file is not for this encoder, or not of this version."""


class DamagedMemoryError(StorageError):
    """The file is not as it was written."""


class SaveFailedError(StorageError):
    """Nothing was changed: the file of before still stands."""
