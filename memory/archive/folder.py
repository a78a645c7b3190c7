"""The folder of an archive: who may enter, who writes, and what its files are called.

One writer holds the lock file; the lock is the operating system's own, so that a killed process leaves nothing behind.
Only the user can read: folder 0700, files 0600.
"""

import errno
import os
from pathlib import Path

from memory.archive.errors import ArchiveBusyError, ArchiveFolderError

__all__ = ["INDEX_NAME", "FolderLock", "make_private_file", "prepare_folder", "sync_folder"]

INDEX_NAME = "index.sqlite"
_LOCK_NAME = "lock"


def prepare_folder(folder: Path) -> None:
    """Makes the folder, readable by the user alone. Raises ArchiveFolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()} - {_LOCK_NAME}
        if names and INDEX_NAME not in names:
            raise ArchiveFolderError(
                f"{folder} holds other files and no archive: choose an empty folder for the archive"
            )
        folder.chmod(0o700)
    except OSError as error:
        raise _cannot_write(folder, error) from error


class FolderLock:
    """Held by the one writer of a folder until release() or the end of the process."""

    def __init__(self, folder: Path) -> None:
        try:
            self._handle: int | None = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        try:
            _lock(self._handle)
        except OSError as error:
            self.release()
            message = (
                f"another process is recording into {folder}: stop it, choose another folder, or only read this one"
            )
            raise ArchiveBusyError(message) from error

    def release(self) -> None:
        """May be called twice."""
        if self._handle is not None:
            os.close(self._handle)  # closing frees the lock
        self._handle = None


def make_private_file(path: Path) -> None:
    """Makes an empty file that the user alone can read, unless it is there."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error


def sync_folder(folder: Path) -> None:
    """Puts the names of new files on the disk; systems that cannot open a folder keep them with the files."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _cannot_write(folder: Path, error: OSError) -> ArchiveFolderError:
    reason = "it is read-only" if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else error.strerror
    return ArchiveFolderError(f"cannot keep an archive in {folder} ({reason}): choose a folder that can be written")
