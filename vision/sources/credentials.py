"""User and password of a camera from the environment or from a file, so that no address has to hold them.

In: AFTERGLOW_SOURCE_USER with AFTERGLOW_SOURCE_PASSWORD, or AFTERGLOW_SOURCE_CREDENTIALS with the path of a file of two
lines: user, password. Out: `Credentials`, whose repr shows neither. Any thread.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

from vision.errors import SourceOpenError

__all__ = ["Credentials", "credentials_from_environment", "credentials_from_file"]

_MAX_FILE_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Credentials:
    user: str = field(repr=False)
    password: str = field(repr=False)


def credentials_from_environment(
    environ: Mapping[str, str] | None = None, prefix: str = "AFTERGLOW_SOURCE"
) -> Credentials | None:
    """What the variables PREFIX_USER and PREFIX_PASSWORD, or PREFIX_CREDENTIALS (a file), say; None if none is set.

    Raises SourceOpenError (kind unauthorized) if only a part is there, or the file cannot be used.
    """
    environ = os.environ if environ is None else environ
    user, password = environ.get(f"{prefix}_USER"), environ.get(f"{prefix}_PASSWORD")
    path = environ.get(f"{prefix}_CREDENTIALS")
    if path:
        if user or password:
            raise SourceOpenError(
                f"Set either {prefix}_CREDENTIALS or {prefix}_USER and {prefix}_PASSWORD, not both.", "unauthorized"
            )
        return credentials_from_file(path)
    if not user and not password:
        return None
    if not user:
        raise SourceOpenError(f"{prefix}_PASSWORD is set but {prefix}_USER is not: set both.", "unauthorized")
    return _credentials(user, password or "", prefix)


def credentials_from_file(path: str) -> Credentials:
    """Two lines, user and password. Raises SourceOpenError (kind unauthorized) if others may read the file."""
    text: str | None = None
    mode = 0
    # What goes wrong here may carry the file's contents, so that no error of ours is chained to it.
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        text = file.read(_MAX_FILE_BYTES + 1).decode("utf-8-sig")
    if text is None:
        raise SourceOpenError(f"The file {path} with the user and the password could not be read.", "unauthorized")
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SourceOpenError(
            f"Other users of this machine may read the password in {path}: run chmod 600 on it.", "unauthorized"
        )
    lines = text.splitlines()
    if len(text) > _MAX_FILE_BYTES or len(lines) != 2 or not lines[0]:
        raise SourceOpenError(f"The file {path} must hold two lines: the user, then the password.", "unauthorized")
    return _credentials(lines[0], lines[1], path)


def _credentials(user: str, password: str, origin: str) -> Credentials:
    if any(ord(character) < 32 or ord(character) == 127 for character in user + password):
        raise SourceOpenError(
            f"The user or the password from {origin} contains a control character. Remove it.", "unauthorized"
        )
    return Credentials(user=user, password=password)
