"""Replacing a file as a whole: whoever reads sees the old one or the new one, also after a kill or a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from memory.archive.folder import sync_folder
from memory.storage.errors import SaveFailedError

__all__ = ["replacing", "unfinished_path"]


def unfinished_path(path: Path) -> Path:
    """Where a save is written until it is whole. One that a kill left behind is overwritten by the next."""
    return path.with_name(f".{path.name}.unfinished")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, readable by the user alone, which takes the place of `path` when the block ends well.

    Raises SaveFailedError; then, and after any other error, `path` is as before.
    """
    unfinished = unfinished_path(path)
    try:
        handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        message = f"{path} cannot be saved ({error.strerror}): what was saved before still stands"
        raise SaveFailedError(f"{message}; make room or choose another folder") from error
