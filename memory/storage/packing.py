"""Arrays and JSON documents in a ZIP file: numbers and text, never code, each part with its own checksum.

Comes in: numpy arrays of plain numbers, JSON-able dicts. Goes out: the same. Reading trusts nothing: sizes are checked
before anything is allocated. Pure but for the file.
"""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from memory.storage.errors import DamagedMemoryError, ForeignMemoryError, NothingSavedError

__all__ = ["MAX_PART_BYTES", "open_zip", "read_array", "read_json", "read_part", "write_array", "write_json"]

MAX_PART_BYTES = 2**30
_KINDS = "biuf"  # bool, whole numbers, floats


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """For reading. Raises NothingSavedError, ForeignMemoryError or DamagedMemoryError, for what the block reads too."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise NothingSavedError(f"there is no {path}: save a memory first, or name another file") from error
    except IsADirectoryError as error:
        raise ForeignMemoryError(f"{path} is a folder: name the file that was saved") from error
    except (zipfile.BadZipFile, EOFError, KeyError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DamagedMemoryError(f"{path} is damaged or no saved memory ({error}): use an older copy") from error


def write_json(archive: zipfile.ZipFile, name: str, document: dict[str, Any]) -> None:
    """Raises ValueError for what JSON cannot hold, NaN and infinity included."""
    archive.writestr(name, json.dumps(document, allow_nan=False), zipfile.ZIP_DEFLATED)


def read_json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        document = json.loads(read_part(archive, name).decode("utf-8"))
    except ValueError as error:
        raise DamagedMemoryError(f"{name} is not readable ({error}): use an older copy") from error
    if not isinstance(document, dict):
        raise DamagedMemoryError(f"{name} is not what it should be: use an older copy")
    return document


def write_array(archive: zipfile.ZipFile, name: str, array: NDArray[Any], *, is_packed: bool = False) -> None:
    """is_packed: for arrays of many zeros. Raises ValueError for anything but plain numbers."""
    if array.dtype.kind not in _KINDS:
        raise ValueError(f"{name} must hold plain numbers, got {array.dtype}")
    buffer = io.BytesIO()
    npy.write_array(buffer, np.ascontiguousarray(array).reshape(array.shape), version=(1, 0), allow_pickle=False)
    method = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name), buffer.getvalue(), method, compresslevel=1)


def read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """A writable array of its own."""
    data = read_part(archive, name)
    file = io.BytesIO(data)
    try:
        if npy.read_magic(file) != (1, 0):
            raise ValueError("not version 1.0")
        shape, is_fortran, dtype = npy.read_array_header_1_0(file)
    except ValueError as error:
        raise DamagedMemoryError(f"{name} is no array ({error}): use an older copy") from error
    start = file.tell()
    if is_fortran or dtype.kind not in _KINDS or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise DamagedMemoryError(f"{name} does not hold the numbers that it announces: use an older copy")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).copy()


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part as a whole, its checksum checked. Raises KeyError when there is none of that name."""
    num_bytes = archive.getinfo(name).file_size
    if num_bytes > MAX_PART_BYTES:
        raise DamagedMemoryError(f"{name} is larger than {MAX_PART_BYTES} bytes: this is no saved memory")
    return archive.read(name)
