"""A lock between processes: two starts at once must not write into the same folder. Standard library only.

The lock is the operating system's own, so that a killed process leaves nothing behind.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_PERIOD_S = 0.5


@contextmanager
def folder_lock(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock file `path`; `on_wait` is called once when another process has it. Waits until it is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        is_waiting = False
        while not _try_lock(handle):
            if not is_waiting:
                is_waiting = True
                on_wait()
            time.sleep(POLL_PERIOD_S)
        yield
    finally:
        os.close(handle)  # closing frees the lock


def _try_lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
