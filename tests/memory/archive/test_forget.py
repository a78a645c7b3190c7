import sqlite3

import numpy as np
import pytest

from memory.archive import ArchiveReader, ForgetUnfinishedError
from tests.memory.archive.making import SmallDisk, bytes_on_disk, fill, jpeg_of, key_of, make_archive, put


def traces_of(frame_id):
    """Bytes that only this frame has: its picture, parts of it, its key."""
    jpeg = jpeg_of(frame_id)
    return [jpeg, jpeg[2:66], jpeg[-64:], key_of(frame_id).astype(np.float16).tobytes()]


def test_nothing_of_a_forgotten_moment_is_left_on_the_disk(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 40)
    archive.mark("caption", 12.0, 13.0, "a red umbrella by the door")
    archive.mark("answer", 30.0, 31.0, "a bicycle leaned there")
    archive.pin(12.0, 12.5, "umbrella-pin")
    before = bytes_on_disk(folder)
    assert all(trace in before for frame_id in range(40) for trace in traces_of(frame_id))

    receipt = archive.forget(10.0, 28.0)

    assert (receipt.num_frames, receipt.num_texts, receipt.num_pins, receipt.is_complete) == (19, 1, 1, True)
    assert receipt.num_bytes > 19 * 1000
    after = bytes_on_disk(folder)
    for frame_id in range(10, 29):
        assert not any(trace in after for trace in traces_of(frame_id))
        assert archive.get(frame_id) is None
    assert b"umbrella" not in after and b"bicycle" in after
    for frame_id in (*range(10), *range(29, 40)):
        assert archive.get(frame_id).jpeg == jpeg_of(frame_id)
    archive.close()
    assert b"umbrella" not in bytes_on_disk(folder)


def test_searches_no_longer_find_what_was_forgotten(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 30)
    reader = ArchiveReader(tmp_path / "a")
    assert reader.search(key=key_of(15), k=1)[0].frame_id == 15
    archive.forget(15.0, 15.0)
    for found in (reader.search(key=key_of(15), k=30), reader.search(channels=[0], k=30)):
        assert found and 15 not in [hit.frame_id for hit in found]
    assert reader.nearest(15.0).frame_id == 14
    assert reader.why_missing(15.0) == "That moment was erased on request."
    assert [(e.kind, e.start_s, e.end_s) for e in reader.events()] == [("forgotten", 15.0, 15.0)]
    reader.close()
    archive.close()


def test_whole_segments_give_their_room_back(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 100)
    before = archive.stats().num_bytes
    archive.forget(0.0, 89.0)
    assert archive.stats().num_bytes < before * 0.5
    archive.close()


def test_pins_lose_only_what_was_forgotten(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 10)
    archive.pin(2.0, 8.0, "party")
    archive.forget(4.0, 5.0)
    reader = ArchiveReader(tmp_path / "a")
    assert [(pin.start_s, pin.end_s) for pin in reader.pins()] == [(2.0, 4.0), (5.0, 8.0)]
    reader.close()
    archive.close()


def test_the_future_is_not_forgotten_in_advance(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 10)
    assert archive.forget(5.0, 1e6).end_s == 9.0
    assert put(archive, 10)
    archive.close()
    again = make_archive(tmp_path / "a")
    assert again.get(10) is not None
    again.close()


def test_forgetting_where_nothing_is_tells_zero(tmp_path):
    archive = make_archive(tmp_path / "a")
    receipt = archive.forget(0.0, 5.0)
    assert (receipt.num_frames, receipt.num_bytes, receipt.is_complete) == (0, 0, True)
    archive.close()


def test_a_reader_that_holds_old_pages_delays_completion_until_it_lets_go(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 5)
    archive.mark("caption", 1.0, 1.0, "a red umbrella")
    slow = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
    slow.execute("BEGIN")
    slow.execute("SELECT COUNT(*) FROM frames").fetchone()
    archive._connection.execute("PRAGMA busy_timeout = 1")  # as two seconds would, only sooner
    receipt = archive.forget(1.0, 1.0)
    assert not receipt.is_complete
    assert archive.get(1) is None
    slow.execute("ROLLBACK")
    slow.close()
    archive.sync()
    assert b"umbrella" not in bytes_on_disk(folder)
    archive.close()


def test_forgetting_that_was_cut_off_is_finished_at_the_next_opening(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 20)
    archive.close()
    index = sqlite3.connect(folder / "index.sqlite")
    with index:
        index.execute("INSERT INTO unfinished_forgets VALUES (5.0, 6.0)")
    index.close()
    reader = ArchiveReader(folder)
    assert reader.why_missing(5.5) == "That moment was erased on request."
    reader.close()
    again = make_archive(folder)
    assert again.get(5) is None and again.get(6) is None and again.get(7) is not None
    assert not any(trace in bytes_on_disk(folder) for trace in traces_of(5))
    again.close()


def test_when_the_index_cannot_be_written_forgetting_says_so_and_is_finished_later(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 60)
    archive.sync()
    really_drop = archive._shelf.drop_segment

    def fail(segment, kept=()):
        raise sqlite3.OperationalError("database or disk is full")

    archive._shelf.drop_segment = fail
    with pytest.raises(ForgetUnfinishedError, match="make room on the disk"):
        archive.forget(0.0, 40.0)
    assert archive.get(3) is None  # emptied, though its row is still there
    assert not any(trace in bytes_on_disk(folder) for trace in traces_of(3))
    archive._shelf.drop_segment = really_drop
    archive.sync()
    assert archive.stats().first_s == 41.0
    files = sum(path.stat().st_size for path in folder.iterdir() if not path.name.endswith("-shm"))
    assert archive.stats().num_bytes == files
    archive.close()


def test_half_forgotten_segments_are_no_damage_at_the_next_opening(tmp_path):
    folder = tmp_path / "a"
    archive = make_archive(folder)
    fill(archive, 60)
    archive.close()
    index = sqlite3.connect(folder / "index.sqlite")
    with index:
        index.execute("INSERT INTO unfinished_forgets VALUES (0.0, 40.0)")
    index.close()
    sorted(folder.glob("*.frames"))[0].write_bytes(b"")
    again = make_archive(folder)
    assert again.recovery.num_lost == 0
    assert again.stats().first_s == 41.0 and again.get(50).jpeg == jpeg_of(50)
    again.close()


def test_forgetting_works_on_a_full_disk(tmp_path):
    disk = SmallDisk()
    archive = make_archive(tmp_path / "a", disk)
    fill(archive, 20)
    disk.room_bytes = 0
    assert archive.forget(3.0, 4.0).is_complete
    assert not any(trace in bytes_on_disk(tmp_path / "a") for trace in traces_of(3))
    archive.close()
