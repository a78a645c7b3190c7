"""A memory to take along: state, frames, keys, events and pins in one file that can be opened without the stream.

Comes in: a state and an `ArchiveReader`, or a bundle file. Goes out: a ZIP file of numbers, text and JPEGs, never code,
and back again a saved memory, single frames, or an archive folder that can be searched. A bundle is a copy of its own:
what is forgotten later is still in it. Belongs to the thread that opened it.
"""

import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from memory.archive import (
    Archive,
    ArchiveConfig,
    ArchiveDamagedError,
    ArchiveReader,
    FrameRefusedError,
    FrameRow,
    StoredFrame,
)
from memory.storage.atomic import replacing
from memory.storage.errors import DamagedMemoryError, ForeignMemoryError, SaveFailedError
from memory.storage.packing import open_zip, read_array, read_json, read_part, write_array, write_json
from memory.storage.saving import About, SavedMemory, State, read_memory, write_memory

__all__ = ["Bundle", "BundleReport", "write_bundle"]

FORMAT, VERSION = "afterglow-bundle", 1
_CONTENTS = "bundle.json"
_CHUNK = 2048  # frames whose vectors lie in one part


@dataclass(frozen=True)
class _Contents:
    key_dim: int
    evidence_dim: int
    num_frames: int


@dataclass(frozen=True, kw_only=True)
class BundleReport:
    """What a bundle took along."""

    num_frames: int
    num_damaged: int  # frames of the archive that the disk has spoilt; they are left out


def write_bundle(
    path: Path, state: State, about: About, reader: ArchiveReader, *, clock: Callable[[], float] = time.time
) -> BundleReport:
    """Writes the memory and all frames of the archive up to its time.

    Raises SaveFailedError or ForeignMemoryError.
    """
    identity = reader.identity
    if identity.fingerprint != about.fingerprint:
        message = f"the archive is of the encoder '{identity.fingerprint}', the memory of '{about.fingerprint}'"
        raise ForeignMemoryError(f"{message}: bundle a memory with its own archive")
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        write_memory(archive, state, about, clock())
        report = _write_frames(archive, reader, about.t_now_s)
        contents = _Contents(identity.layout.key_dim, identity.layout.evidence_dim, report.num_frames)
        told: dict[str, Any] = {"format": FORMAT, "version": VERSION, **asdict(contents)}
        told["events"] = [asdict(event) for event in reader.events()]
        told["pins"] = [asdict(pin) for pin in reader.pins()]
        write_json(archive, _CONTENTS, told)
    return report


def _write_frames(archive: zipfile.ZipFile, reader: ArchiveReader, end_s: float) -> BundleReport:
    rows = reader.between(-np.inf, end_s)
    num_written, num_damaged = 0, 0
    for start in range(0, len(rows), _CHUNK):
        frames, num_bad = _readable(reader, rows[start : start + _CHUNK])
        num_damaged += num_bad
        if not frames:
            continue
        part = f"frames/{num_written:08d}"
        ids = np.array([frame.frame_id for frame in frames], np.int64)
        times_s = np.array([(frame.time_s, frame.wall_time_s) for frame in frames], np.float64)
        vectors = np.stack([np.concatenate((frame.key, frame.evidence)) for frame in frames]).astype(np.float16)
        write_array(archive, f"{part}.ids.npy", ids)
        write_array(archive, f"{part}.times.npy", times_s)
        write_array(archive, f"{part}.vectors.npy", vectors, is_packed=True)
        for frame in frames:
            archive.writestr(_jpeg_name(frame.frame_id), frame.jpeg, zipfile.ZIP_STORED)
        num_written += len(frames)
    return BundleReport(num_frames=num_written, num_damaged=num_damaged)


def _readable(reader: ArchiveReader, rows: list[FrameRow]) -> tuple[list[StoredFrame], int]:
    """The frames that are still there, and how many are spoilt."""
    frames, num_bad = [], 0
    for row in rows:
        try:
            frame = reader.get(row.frame_id)
        except ArchiveDamagedError:
            num_bad += 1
        else:
            frames += [] if frame is None else [frame]
    return frames, num_bad


class Bundle:
    """Reads a bundle file. Raises NothingSavedError, ForeignMemoryError or DamagedMemoryError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_zip(path) as archive:
            told = read_json(archive, _CONTENTS)
        if (told.get("format"), told.get("version")) != (FORMAT, VERSION):
            message = f"{path} is {told.get('format')} version {told.get('version')}, not {FORMAT} version {VERSION}"
            raise ForeignMemoryError(f"{message}: open it with the Afterglow that made it")
        try:
            self._contents = _Contents(*(int(told[name]) for name in ("key_dim", "evidence_dim", "num_frames")))
            self._events = [
                (str(e["kind"]), float(e["start_s"]), float(e["end_s"]), str(e["text"])) for e in told["events"]
            ]
            self._pins = [(float(p["start_s"]), float(p["end_s"]), str(p["label"])) for p in told["pins"]]
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedMemoryError(f"{path} lacks what every bundle tells ({error}): use another copy") from error

    @property
    def num_frames(self) -> int:
        return self._contents.num_frames

    def memory(self, fingerprint: str | None = None) -> SavedMemory:
        """The saved memory; fingerprint None: of any encoder."""
        with open_zip(self.path) as archive:
            return read_memory(archive, self.path, fingerprint)

    @cached_property
    def rows(self) -> list[FrameRow]:
        """The frames of the bundle, in order of time."""
        found = []
        with open_zip(self.path) as archive:
            for part in self._parts(archive):
                ids, times_s = read_array(archive, f"{part}.ids.npy"), read_array(archive, f"{part}.times.npy")
                for frame_id, (time_s, wall_s) in zip(ids.tolist(), times_s.tolist(), strict=True):
                    found.append(FrameRow(frame_id=frame_id, time_s=time_s, wall_time_s=wall_s))
        return found

    def jpeg(self, frame_id: int) -> bytes | None:
        """One frame's picture; None: it is not in the bundle."""
        with open_zip(self.path) as archive:
            is_there = _jpeg_name(frame_id) in archive.namelist()
            return read_part(archive, _jpeg_name(frame_id)) if is_there else None

    def unpack_archive(self, folder: Path) -> None:
        """Makes an archive of the bundle's frames in a new folder, so that it can be read and searched as any other.

        Raises ArchiveFolderError, ForeignMemoryError, DamagedMemoryError or SaveFailedError.
        """
        fingerprint = self.memory().about.fingerprint
        contents = self._contents
        config = ArchiveConfig(
            fingerprint=fingerprint,
            key_dim=contents.key_dim,
            evidence_dim=contents.evidence_dim,
            max_bytes=2**50,  # all of it: a bundle brings its own bounds
            max_age_s=float("inf"),
        )
        target = Archive(folder, config)
        try:
            if target.stats().num_frames:
                raise ForeignMemoryError(f"{folder} holds an archive already: unpack the bundle into a new folder")
            with open_zip(self.path) as archive:
                for part in self._parts(archive):
                    self._unpack_part(archive, part, target)
            for event in self._events:
                target.mark(*event)
            for pin in self._pins:
                target.pin(*pin)
        finally:
            target.close()

    def _unpack_part(self, archive: zipfile.ZipFile, part: str, target: Archive) -> None:
        ids, times_s = read_array(archive, f"{part}.ids.npy"), read_array(archive, f"{part}.times.npy")
        vectors = read_array(archive, f"{part}.vectors.npy")
        if vectors.shape != (len(ids), self._contents.key_dim + self._contents.evidence_dim):
            raise DamagedMemoryError(
                f"{self.path} holds vectors {vectors.shape} for {len(ids)} frames: use another copy"
            )
        for frame_id, (time_s, wall_s), row in zip(ids.tolist(), times_s.tolist(), vectors, strict=True):
            key, evidence = np.split(row, [self._contents.key_dim])
            jpeg = read_part(archive, _jpeg_name(frame_id))
            try:
                is_kept = target.put(frame_id, time_s, wall_s, jpeg, key, evidence)
            except FrameRefusedError as error:
                raise DamagedMemoryError(
                    f"{self.path} holds a frame that is none ({error}): use another copy"
                ) from error
            if not is_kept:
                raise SaveFailedError(f"{self.path} cannot be unpacked: {target.stats().problem}")

    def _parts(self, archive: zipfile.ZipFile) -> Iterator[str]:
        yield from sorted(name[: -len(".ids.npy")] for name in archive.namelist() if name.endswith(".ids.npy"))


def _jpeg_name(frame_id: int) -> str:
    return f"frames/{frame_id}.jpg"
