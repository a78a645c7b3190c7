"""Free disk space, compared with what is needed before anything large is written. Standard library only."""

import shutil
from pathlib import Path

from app.install.errors import EXIT_DISK_FULL, SetupError

GIB = 1024**3


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that holds `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_free_space(folder: Path, need_bytes: int, purpose: str) -> None:
    have_bytes = free_bytes(folder)
    if have_bytes < need_bytes:
        raise SetupError(
            f"Not enough disk space in {folder} for {purpose}: {need_bytes / GIB:.1f} GiB are needed and "
            f"{have_bytes / GIB:.1f} GiB are free; free some space and run the same command again.",
            EXIT_DISK_FULL,
        )
