"""A whole memory in one file: written atomically, loaded only with the encoder that it was made with.

Comes in: the state of a memory, as arrays and a JSON-able document that only the memory understands, and an About. Goes
out: the same. Any thread, one at a time for a file. The memory is not paused: the state is a copy.
"""

import math
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.storage.atomic import replacing
from memory.storage.errors import DamagedMemoryError, ForeignMemoryError
from memory.storage.packing import open_zip, read_array, read_json, write_array, write_json

__all__ = ["About", "SavedMemory", "State", "load_memory", "read_memory", "save_memory", "write_memory"]

State = tuple[dict[str, NDArray[Any]], dict[str, Any]]
FORMAT, VERSION = "afterglow-saved-memory", 1
_ABOUT, _DOCUMENT, _ARRAYS = "about.json", "memory/document.json", "memory/arrays/"
_ARRAY_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,200}")


@dataclass(frozen=True, kw_only=True)
class About:
    """Whose memory it is, and where its stream stood."""

    fingerprint: str  # names the encoder, as in ArchiveConfig
    t_now_s: float  # stream time of the newest frame
    last_frame_id: int  # -1 before the first
    wall_offset_s: float  # epoch seconds at stream time 0: wall time = stream time + wall_offset_s

    def __post_init__(self) -> None:
        for name in ("t_now_s", "wall_offset_s"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedMemory:
    """What a file held: `StreamMemory.from_state(saved.arrays, saved.document)` makes the memory of it."""

    about: About
    saved_at_s: float  # epoch seconds
    arrays: dict[str, NDArray[Any]]
    document: dict[str, Any]


def save_memory(path: Path, state: State, about: About, *, clock: Callable[[], float] = time.time) -> None:
    """Replaces `path` as a whole. Raises SaveFailedError (the old file stands) or ValueError."""
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        write_memory(archive, state, about, clock())


def load_memory(path: Path, fingerprint: str) -> SavedMemory:
    """Raises NothingSavedError, ForeignMemoryError or DamagedMemoryError; each says what to do."""
    with open_zip(path) as archive:
        return read_memory(archive, path, fingerprint)


def write_memory(archive: zipfile.ZipFile, state: State, about: About, saved_at_s: float) -> None:
    """Into an open ZIP file. Raises ValueError for a state that is not arrays of plain numbers and JSON."""
    arrays, document = state
    wrong = [name for name in arrays if not _ARRAY_NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"names of arrays must be letters, digits, '_', '.' and '-', got {wrong[:3]}")
    told = {"format": FORMAT, "version": VERSION, "saved_at_s": saved_at_s, "arrays": sorted(arrays), **asdict(about)}
    write_json(archive, _ABOUT, told)
    write_json(archive, _DOCUMENT, document)
    for name in sorted(arrays):
        write_array(archive, f"{_ARRAYS}{name}.npy", np.asarray(arrays[name]))


def read_memory(archive: zipfile.ZipFile, path: Path, fingerprint: str | None) -> SavedMemory:
    """From an open ZIP file. fingerprint None: of any encoder."""
    told = read_json(archive, _ABOUT)
    if told.get("format") != FORMAT:
        raise ForeignMemoryError(f"{path} is no saved memory of Afterglow: name another file")
    if told.get("version") != VERSION:
        message = f"{path} has version {told.get('version')}, this program reads version {VERSION}"
        raise ForeignMemoryError(f"{message}: open it with the Afterglow that made it")
    try:
        about = About(
            fingerprint=str(told["fingerprint"]),
            t_now_s=float(told["t_now_s"]),
            last_frame_id=int(told["last_frame_id"]),
            wall_offset_s=float(told["wall_offset_s"]),
        )
        saved_at_s, names = float(told["saved_at_s"]), [str(name) for name in told["arrays"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedMemoryError(f"{path} lacks what every saved memory tells ({error}): use an older copy") from error
    if fingerprint is not None and about.fingerprint != fingerprint:
        message = f"{path} was made with the encoder '{about.fingerprint}', not with '{fingerprint}'"
        raise ForeignMemoryError(f"{message}: start anew, or use the encoder that made it")
    arrays = {name: read_array(archive, f"{_ARRAYS}{name}.npy") for name in names}
    return SavedMemory(about=about, saved_at_s=saved_at_s, arrays=arrays, document=read_json(archive, _DOCUMENT))
