"""Opening what lies in a recording's folder, with one sentence for whatever is wrong with it.

Comes in: a folder and the encoder's fingerprint. Goes out: the archive to write, a reader, or the saved memory. Each
belongs to the thread that opened it. Heavy libraries are imported when a function is called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import RecordingBusyError, RecordingError
from app.recording.folder import RecordingFolder

if TYPE_CHECKING:
    from memory import StreamMemory
    from memory.archive import Archive, ArchiveReader, Disk
    from memory.storage import About

__all__ = ["OpenedMemory", "open_archive", "open_memory", "open_reader"]

_MAX_SEGMENT_BYTES = 32 * 2**20


@dataclass(frozen=True, kw_only=True)
class OpenedMemory:
    memory: "StreamMemory"
    about: "About"
    saved_at_s: float  # epoch seconds


def open_memory(folder: RecordingFolder, fingerprint: str) -> OpenedMemory | None:
    """The memory as it was saved last; None: it was never saved. Raises RecordingError."""
    with _told_plainly():
        from memory import StreamMemory
        from memory.storage import NothingSavedError, load_memory

        try:
            saved = load_memory(folder.memory, fingerprint)
        except NothingSavedError:
            return None
        memory = StreamMemory.from_state(saved.arrays, saved.document)
        return OpenedMemory(memory=memory, about=saved.about, saved_at_s=saved.saved_at_s)


def open_archive(
    folder: RecordingFolder,
    *,
    fingerprint: str,
    key_dim: int,
    evidence_dim: int,
    max_bytes: int,
    max_age_s: float,
    min_free_bytes: int,
    disk: "Disk | None" = None,
) -> "Archive":
    """For the one who writes. Raises RecordingError."""
    with _told_plainly():
        from memory.archive import Archive, ArchiveConfig

        config = ArchiveConfig(
            fingerprint=fingerprint,
            key_dim=key_dim,
            evidence_dim=evidence_dim,
            max_bytes=max_bytes,
            max_age_s=max_age_s,
            min_free_bytes=min_free_bytes,
            segment_bytes=min(_MAX_SEGMENT_BYTES, max_bytes // 8),
        )
        return Archive(folder.archive, config, disk=disk)


def open_reader(folder: RecordingFolder) -> "ArchiveReader":
    """For who looks, also while somebody records. Raises RecordingError."""
    with _told_plainly():
        from memory.archive import ArchiveReader

        return ArchiveReader(folder.archive)


@contextmanager
def _told_plainly() -> Iterator[None]:
    """The memory's own errors hold a sentence already."""
    from memory import StreamMemoryError
    from memory.archive import ArchiveBusyError, ArchiveError
    from memory.storage import StorageError

    try:
        yield
    except ArchiveBusyError as error:
        raise RecordingBusyError(_sentence(error)) from error
    except (ArchiveError, StorageError, StreamMemoryError) as error:
        raise RecordingError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
