"""The token that lets other machines in, in a file that its owner alone can read.

Comes in: a path. Goes out: the token; it is shown by whoever made it, once, and never again. No thread.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from app.install.errors import EXIT_BAD_ARGUMENTS, SetupError

__all__ = ["AccessToken", "default_token_file", "open_token"]

MIN_CHARS, MAX_CHARS = 20, 512
_MAX_FILE_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """Its text is in no repr, so that no log gets it."""

    text: str = field(repr=False)
    path: Path
    is_new: bool = False  # made just now: its owner has not seen it yet

    def matches(self, given: str) -> bool:
        """In the same time for every text that is given, whatever its length."""
        ours, theirs = (hashlib.sha256(one.encode("utf-8", "replace")).digest() for one in (self.text, given))
        return hmac.compare_digest(ours, theirs)


def default_token_file() -> Path:
    """AFTERGLOW_TOKEN_FILE, or the place that the system keeps for a user's settings."""
    named = os.environ.get("AFTERGLOW_TOKEN_FILE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "afterglow" / "token"


def open_token(path: Path, *, is_renewed: bool = False) -> AccessToken:
    """The token of that file, which is made if there is none. is_renewed: the old one ends here.

    Raises SetupError, with no token in it, if others may read the file or it holds none.
    """
    if not is_renewed:
        with contextlib.suppress(FileNotFoundError):
            return AccessToken(text=_read(path), path=path)
    text = secrets.token_urlsafe(32)
    _write(path, text)
    return AccessToken(text=text, path=path, is_new=True)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES + 1) if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SetupError(
            f"The token in {path} cannot be read ({error.strerror}): name another file with --token-file.",
            EXIT_BAD_ARGUMENTS,
        ) from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SetupError(
            f"Other users of this machine may read the token in {path}: run chmod 600 on it, and --new-token for a "
            "token that nobody has read.",
            EXIT_BAD_ARGUMENTS,
        )
    text = data.decode("ascii", "replace").strip()
    is_plain = all(33 <= ord(character) <= 126 for character in text)
    if not (is_plain and MIN_CHARS <= len(text) <= MAX_CHARS):
        raise SetupError(
            f"{path} must hold one token: {MIN_CHARS} to {MAX_CHARS} letters, digits and signs on one line. "
            "The option --new-token makes one.",
            EXIT_BAD_ARGUMENTS,
        )
    return text


def _write(path: Path, text: str) -> None:
    """Replaces the file as a whole; it is private from its first byte on."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SetupError(
            f"The token cannot be kept in {path} ({error.strerror}): name another file with --token-file.",
            EXIT_BAD_ARGUMENTS,
        ) from error
