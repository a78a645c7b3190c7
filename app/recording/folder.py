"""Where the recording of one camera lies, and who may write it: DATA/NAME/{lock, clock.json, memory, archive/, video/}.

Comes in: a data folder and a name. Goes out: paths, and a lock that one recorder holds until it ends, however it ends.
Readable by the user alone. Any thread.
"""

import errno
import os
import re
import time
from pathlib import Path

from app.errors import RecordingBusyError, RecordingError, UnknownRecordingError

__all__ = ["NAME_RULE", "RecordingFolder", "RecordingLock", "default_data_folder", "is_name", "recordings_in"]

NAME_RULE = "1 to 32 small letters, digits, - and _, beginning with a letter or digit"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LOCK_TRIES, _LOCK_PAUSE_S = 10, 0.05  # whoever only looks whether somebody records holds the lock for a moment


def is_name(text: str) -> bool:
    """True if a camera may be called so."""
    return _NAME.fullmatch(text) is not None


def default_data_folder() -> Path:
    """AFTERGLOW_DATA, or the place that the system keeps for a user's data."""
    named = os.environ.get("AFTERGLOW_DATA")
    if named:
        return Path(named)
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base) / "afterglow" / "recordings"


class RecordingFolder:
    """The paths of one camera. Making one touches nothing."""

    def __init__(self, data: Path, name: str) -> None:
        if not is_name(name):
            raise UnknownRecordingError(f"{name[:40]!r} is no name of a camera: use {NAME_RULE}.")
        self.name, self.path = name, data / name
        self.lock, self.clock = self.path / "lock", self.path / "clock.json"
        self.memory, self.archive, self.video = self.path / "memory", self.path / "archive", self.path / "video"

    def make(self) -> None:
        """Raises RecordingError."""
        try:
            for path in (self.path, self.video):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(
                f"Nothing can be kept in {self.path} ({error.strerror}): name another folder with --data."
            ) from error

    @property
    def is_there(self) -> bool:
        """True if something was recorded here."""
        return self.clock.is_file()

    def require(self) -> None:
        """Raises UnknownRecordingError if nothing was recorded under this name."""
        if not self.is_there:
            others = ", ".join(one.name for one in recordings_in(self.path.parent)) or "none"
            raise UnknownRecordingError(
                f"Nothing was recorded as {self.name!r} in {self.path.parent}; there is: {others}. Start it with "
                f"python3 launch.py record --name {self.name} --source ..., or name another folder with --data."
            )

    def is_recording(self) -> bool:
        """True while a recorder writes here."""
        if not self.lock.is_file():
            return False
        try:
            lock = RecordingLock(self, tries=1)
        except RecordingBusyError:
            return True
        lock.release()
        return False


def recordings_in(data: Path) -> list[RecordingFolder]:
    """The recordings of a data folder, by name."""
    if not data.is_dir():
        return []
    folders = [RecordingFolder(data, path.name) for path in sorted(data.iterdir()) if is_name(path.name)]
    return [folder for folder in folders if folder.is_there]


class RecordingLock:
    """The operating system's own lock, so that a killed recorder leaves nothing behind. Raises RecordingBusyError."""

    def __init__(self, folder: RecordingFolder, tries: int = _LOCK_TRIES) -> None:
        try:
            self._handle: int | None = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise RecordingError(f"{folder.path} cannot be written ({error.strerror}): name another folder.") from error
        while not _try_lock(self._handle):
            tries -= 1
            if tries <= 0:
                self.release()
                raise RecordingBusyError(
                    f"Somebody records {folder.name!r} in {folder.path.parent} already: stop that recorder first, or "
                    "choose another --name or --data."
                )
            time.sleep(_LOCK_PAUSE_S)

    def release(self) -> None:
        """May be called twice."""
        if self._handle is not None:
            os.close(self._handle)  # closing frees the lock
        self._handle = None


def _try_lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True
