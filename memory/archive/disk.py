"""What the archive asks of the operating system to write. A test hands over another one to fill the disk."""

import os
import shutil
from pathlib import Path

__all__ = ["Disk"]


class Disk:
    """The real disk."""

    def append(self, handle: int, offset: int, data: bytes) -> None:
        """Writes all of `data` at `offset`. Raises OSError, with any part of it written."""
        os.lseek(handle, offset, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]

    def sync(self, handle: int) -> None:
        """Returns when the file is on the disk."""
        os.fsync(handle)

    def free_bytes(self, folder: Path) -> int:
        """What this user can still write."""
        return shutil.disk_usage(folder).free
