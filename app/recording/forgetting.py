"""Erasing an interval of a recording from all that is kept of it: memory, pictures, keys, texts, video.

Comes in: the folder of a recorder that does not run, and stream times. Goes out: a receipt. If it is interrupted, the
same request goes on; nothing is told as erased before it is. The thread that calls it, which holds the recorder's lock.
"""

import contextlib
from dataclasses import dataclass

from app.errors import RecordingError
from app.recording.folder import RecordingFolder, RecordingLock
from app.recording.opening import open_archive, open_memory, open_reader
from app.recording.video import forget_video

__all__ = ["ForgetReceipt", "forget", "forget_pictures"]


@dataclass(frozen=True, kw_only=True)
class ForgetReceipt:
    """What was erased. Video is erased in whole files, from video_start_s to video_end_s; None: there was none."""

    start_s: float
    end_s: float
    num_pictures: int
    num_texts: int
    num_slots: int
    num_video_files: int
    video_start_s: float | None
    video_end_s: float | None


def forget(folder: RecordingFolder, start_s: float, end_s: float, fingerprint: str) -> ForgetReceipt:
    """Both ends included. Raises RecordingBusyError while somebody records, UnknownRecordingError, RecordingError."""
    from memory.storage import StorageError, save_memory

    folder.require()
    lock = RecordingLock(folder)
    try:
        opened = open_memory(folder, fingerprint)
        num_slots = 0
        if opened is not None:
            num_slots = opened.memory.forget(start_s, end_s).num_slots
            try:
                save_memory(folder.memory, opened.memory.export_state(), opened.about)
            except StorageError as error:
                raise RecordingError(f"Nothing was forgotten: {error}.") from error
        pictures = forget_pictures(folder, start_s, end_s, fingerprint)
        erased = forget_video(folder.video, start_s, end_s)
    finally:
        lock.release()
    return ForgetReceipt(
        start_s=start_s,
        end_s=end_s,
        num_pictures=pictures[0],
        num_texts=pictures[1],
        num_slots=num_slots,
        num_video_files=len(erased),
        video_start_s=erased[0][0] if erased else None,
        video_end_s=erased[-1][1] if erased else None,
    )


def forget_pictures(folder: RecordingFolder, start_s: float, end_s: float, fingerprint: str) -> tuple[int, int]:
    """How many pictures and texts. Nobody else may write there. Raises RecordingError."""
    with contextlib.closing(open_reader(folder)) as reader:
        layout = reader.identity.layout
    archive = open_archive(
        folder,
        fingerprint=fingerprint,
        key_dim=layout.key_dim,
        evidence_dim=layout.evidence_dim,
        max_bytes=2**50,  # nothing but the interval goes
        max_age_s=float("inf"),
        min_free_bytes=0,
    )
    try:
        receipt = archive.forget(start_s, end_s)
        archive.sync()
    except OSError as error:
        raise RecordingError(f"Not all pictures could be erased ({error.strerror}): ask for it again.") from error
    finally:
        archive.close()
    return receipt.num_frames, receipt.num_texts
