import errno
import os
import sqlite3

import pytest

from memory.archive import (
    ArchiveBusyError,
    ArchiveDamagedError,
    ArchiveFolderError,
    ArchiveReader,
    ForeignArchiveError,
    Recovery,
)
from tests.memory.archive.making import SmallDisk, fill, jpeg_of, key_of, make_archive, put


def crash(archive):
    """Lets go of everything as a killed process does: nothing sealed, nothing synced, no checkpoint."""
    archive._shelf.close()
    archive._connection.close()
    archive._lock.release()


def newest(folder, kind):
    return sorted(folder.glob(f"segment-*.{kind}"))[-1]


def test_a_full_disk_costs_frames_and_the_archive_says_so_and_recovers(tmp_path):
    disk = SmallDisk()
    archive = make_archive(tmp_path / "a", disk)
    fill(archive, 5)
    disk.room_bytes = 1500  # one frame, and a part of the next
    assert put(archive, 5)
    assert [put(archive, frame_id) for frame_id in (6, 7, 8)] == [False] * 3
    stats = archive.stats()
    assert stats.problem == "the disk is full: new frames are not kept until there is room"
    assert (stats.num_frames, stats.num_dropped) == (6, 3)
    assert archive.get(5).jpeg == jpeg_of(5)  # reading goes on
    assert newest(tmp_path / "a", "frames").stat().st_size == 6000  # no torn frames pile up
    disk.room_bytes = float("inf")
    assert put(archive, 9)
    assert (archive.stats().problem, archive.stats().num_frames) == (None, 7)
    reader = ArchiveReader(tmp_path / "a")
    gap = reader.events()[0]
    assert (gap.kind, gap.start_s, gap.end_s) == ("lost", 6.0, 9.0)
    assert "could not be kept" in reader.why_missing(7.0)
    reader.close()
    archive.close()
    again = make_archive(tmp_path / "a")
    assert again.recovery == Recovery()
    assert [again.get(frame_id).jpeg for frame_id in (4, 5, 9)] == [jpeg_of(4), jpeg_of(5), jpeg_of(9)]
    again.close()


def test_room_is_left_for_others(tmp_path):
    class Nearly(SmallDisk):
        def free_bytes(self, folder):
            return 999_999

    archive = make_archive(tmp_path / "a", Nearly(), min_free_bytes=1_000_000)
    assert not put(archive, 1)
    assert "disk is full" in archive.stats().problem
    archive.close()


def test_an_index_that_cannot_grow_takes_the_frame_back(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 5)
    pages = archive._connection.execute("PRAGMA page_count").fetchone()[0]
    archive._connection.execute(f"PRAGMA max_page_count = {pages}")
    stored = [put(archive, frame_id) for frame_id in range(5, 400)]
    assert not all(stored)
    assert "disk is full" in archive.stats().problem
    num_kept = archive.stats().num_frames
    assert sum(path.stat().st_size for path in (tmp_path / "a").glob("*.frames")) == num_kept * 1000
    archive._connection.execute("PRAGMA max_page_count = 1000000")
    assert put(archive, 400)
    assert archive.stats().num_frames == num_kept + 1
    assert archive.get(400).jpeg == jpeg_of(400)
    archive.close()


def test_close_on_a_full_disk_does_not_fail(tmp_path):
    class Broken(SmallDisk):
        def sync(self, handle):
            raise OSError(errno.ENOSPC, "No space left on device")

    archive = make_archive(tmp_path / "a", Broken())
    fill(archive, 3)
    archive.close()
    again = make_archive(tmp_path / "a")
    assert again.stats().num_frames == 3
    again.close()


def test_a_torn_last_segment_is_truncated_and_reported(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 5)
    crash(archive)
    with newest(folder, "frames").open("ab") as file:
        file.write(jpeg_of(5)[:700])  # killed before the row was committed
    again = make_archive(folder)
    assert again.recovery == Recovery(truncated_bytes=700)
    assert again.stats().num_frames == 5
    assert newest(folder, "frames").stat().st_size == 5000
    fill(again, 5, first=5)
    assert [again.get(frame_id).jpeg for frame_id in range(10)] == [jpeg_of(frame_id) for frame_id in range(10)]
    again.close()


@pytest.mark.parametrize("kind", ["frames", "vectors"])
def test_frames_that_a_power_cut_spoilt_are_dropped_reported_and_marked(tmp_path, kind):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 5)
    crash(archive)
    path = newest(folder, kind)
    os.truncate(path, path.stat().st_size - 10)  # the index knows the last frame, the disk has not all of it
    again = make_archive(folder)
    assert again.recovery.num_lost == 1
    assert again.get(4) is None and again.get(3).jpeg == jpeg_of(3)
    assert again.search(key_of(3), 1)[0].frame_id == 3
    reader = ArchiveReader(folder)
    assert "ended unexpectedly" in reader.why_missing(4.0)
    reader.close()
    again.close()


def test_segments_that_somebody_removed_are_reported(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 40)
    archive.close()
    sorted(folder.glob("segment-*.frames"))[0].unlink()
    (folder / "segment-00000099.frames").write_bytes(b"left behind")
    again = make_archive(folder)
    assert again.recovery.num_lost > 5 and again.recovery.num_orphans == 1
    assert again.get(0) is None and again.get(39).jpeg == jpeg_of(39)
    assert not list(folder.glob("segment-00000099*"))
    again.close()


def test_a_frame_that_rotted_on_the_disk_is_never_shown(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 5)
    archive.close()
    path = newest(folder, "frames")
    data = bytearray(path.read_bytes())
    data[2500] ^= 1
    path.write_bytes(data)
    reader = ArchiveReader(folder)
    with pytest.raises(ArchiveDamagedError, match="frame 2 .* damaged"):
        reader.get(2)
    assert reader.get(1).jpeg == jpeg_of(1)
    reader.close()


def test_another_version_is_refused_by_writer_and_reader(tmp_path):
    make_archive(tmp_path / "a").close()
    index = sqlite3.connect(tmp_path / "a" / "index.sqlite")
    index.execute("PRAGMA user_version = 2")
    index.close()
    for open_it in (make_archive, ArchiveReader):
        with pytest.raises(ForeignArchiveError, match="has archive version 2, this program reads version 1"):
            open_it(tmp_path / "a")


def test_another_encoder_is_refused_and_the_archive_stays_as_it_is(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 3)
    archive.close()
    for change in ({"fingerprint": "encoder-2"}, {"key_dim": 8}, {"evidence_dim": 0}):
        with pytest.raises(ForeignArchiveError, match="made with the encoder 'encoder-1'"):
            make_archive(tmp_path / "a", **change)
    again = make_archive(tmp_path / "a")
    assert again.stats().num_frames == 3
    again.close()


def test_another_programs_database_and_garbage_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    other = sqlite3.connect(tmp_path / "other" / "index.sqlite")
    other.execute("CREATE TABLE songs (name TEXT)")
    other.close()
    with pytest.raises(ForeignArchiveError, match="another program"):
        make_archive(tmp_path / "other")
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "index.sqlite").write_bytes(b"no database at all" * 500)
    for open_it in (make_archive, ArchiveReader):
        with pytest.raises(ArchiveDamagedError, match="not a readable index"):
            open_it(tmp_path / "garbage")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("dear all")
    before = tmp_path.stat().st_mode
    with pytest.raises(ArchiveFolderError, match="holds other files and no archive"):
        make_archive(tmp_path)
    assert tmp_path.stat().st_mode == before and [p.name for p in tmp_path.iterdir()] == ["letters.txt"]
    with pytest.raises(ArchiveFolderError, match="no archive in"):
        ArchiveReader(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveFolderError, match="cannot keep an archive"):
        make_archive(tmp_path / "file")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder_is_refused_with_a_sentence(tmp_path, monkeypatch, code):
    make_archive(tmp_path / "a").close()
    open_really = os.open

    def refuse(path, flags, *rest, **named):
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(code, os.strerror(code))
        return open_really(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ArchiveFolderError, match="read-only.*choose a folder that can be written"):
        make_archive(tmp_path / "a")


def test_an_archive_in_a_folder_that_cannot_be_written_can_be_read(tmp_path, monkeypatch):
    archive = make_archive(tmp_path / "a")
    fill(archive, 5)
    archive.close()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    reader = ArchiveReader(tmp_path / "a")
    assert reader.get(3).jpeg == jpeg_of(3) and reader.search(key=key_of(2), k=1)[0].frame_id == 2
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names  # reading made no file
    reader.close()


def test_two_archives_of_one_process_cannot_share_a_folder(tmp_path):
    archive = make_archive(tmp_path / "a")
    with pytest.raises(ArchiveBusyError, match="only read this one"):
        make_archive(tmp_path / "a")
    fill(archive, 2)
    archive.close()
    make_archive(tmp_path / "a").close()
