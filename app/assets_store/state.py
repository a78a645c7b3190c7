"""What is in the cache folder and whether it is whole: a manifest holds size, time and SHA-256 of every converted file.

In: the cache folder. Out: AssetState values. Cheap by default (sizes and times); `full` reads and hashes every file.
The manifest is written by the process that holds the folder's lock; anyone may read.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from app.assets_store.catalogue import CONVERSION_FORMAT, OPTIONAL_PACKAGES, PACKAGES, Package, cache_dir

MANIFEST_NAME = "manifest.json"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """What a converted file was when it was made."""

    num_bytes: int
    modified_ns: int
    sha256: str
    wheel_sha256: str
    format: int = CONVERSION_FORMAT


@dataclass(frozen=True, kw_only=True)
class AssetState:
    """One file that the product needs: "present", "missing", "damaged" or "outdated" (made from another version)."""

    name: str
    path: Path
    status: str
    num_bytes: int

    @property
    def is_usable(self) -> bool:
        return self.status == "present"


def are_assets_ready(folder: Path | None = None, *, with_optional: bool = False) -> bool:
    """Whether nothing needs to be fetched; takes a few file look-ups."""
    packages = PACKAGES + OPTIONAL_PACKAGES if with_optional else PACKAGES
    return all(state.is_usable for state in check_assets(folder, packages=packages))


def check_assets(
    folder: Path | None = None, *, full: bool = False, packages: Iterable[Package] = PACKAGES
) -> list[AssetState]:
    """The state of every converted file; `full` also finds damage that left size and time as they were."""
    folder = folder if folder is not None else cache_dir()
    records = read_manifest(folder)
    return [
        file_state(folder / name, records.get(name), package, full) for package in packages for name in package.files
    ]


def file_state(path: Path, record: FileRecord | None, package: Package, full: bool) -> AssetState:
    try:
        found = path.stat()
    except OSError:
        return AssetState(name=path.name, path=path, status="missing", num_bytes=0)
    status = "present"
    if record is None or found.st_size != record.num_bytes:
        status = "damaged"
    elif record.format != CONVERSION_FORMAT or record.wheel_sha256 != package.sha256:
        status = "outdated"
    elif (full or found.st_mtime_ns != record.modified_ns) and file_sha256(path) != record.sha256:
        status = "damaged"
    return AssetState(name=path.name, path=path, status=status, num_bytes=found.st_size)


def read_manifest(folder: Path) -> dict[str, FileRecord]:
    """Empty when there is none or it cannot be understood: the files are then made anew."""
    try:
        content = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        return {name: FileRecord(**fields) for name, fields in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_manifest(folder: Path, records: dict[str, FileRecord]) -> None:
    part = folder / (MANIFEST_NAME + ".part")
    part.write_text(json.dumps({name: asdict(record) for name, record in records.items()}, indent=1), encoding="utf-8")
    os.replace(part, folder / MANIFEST_NAME)


def record_file(path: Path, package: Package) -> FileRecord:
    found = path.stat()
    return FileRecord(
        num_bytes=found.st_size,
        modified_ns=found.st_mtime_ns,
        sha256=file_sha256(path),
        wheel_sha256=package.sha256,
    )


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
