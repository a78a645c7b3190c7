import numpy as np
import pytest

from memory import archive as public
from memory.archive import ArchiveClosedError, ArchiveReader, FrameRefusedError
from tests.memory.archive.making import (
    EVIDENCE_DIM,
    KEY_DIM,
    evidence_of,
    fill,
    jpeg_of,
    key_of,
    make_archive,
    put,
)


def test_every_error_is_of_the_documented_tree():
    names = [name for name in public.__all__ if name.endswith("Error")]
    assert len(names) == 9
    assert all(issubclass(getattr(public, name), public.ArchiveError) for name in names)
    assert issubclass(FrameRefusedError, ValueError)


def test_a_frame_comes_back_as_it_was_put(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 3)
    frame = archive.get(1)
    assert (frame.frame_id, frame.time_s, frame.wall_time_s) == (1, 1.0, 1.7e9 + 1)
    assert frame.jpeg == jpeg_of(1)
    np.testing.assert_array_equal(frame.key, key_of(1).astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(frame.evidence, evidence_of(1).astype(np.float16).astype(np.float32))
    assert archive.get(99) is None
    archive.close()


def test_an_archive_goes_on_after_it_was_closed(tmp_path):
    with_first = make_archive(tmp_path / "a")
    fill(with_first, 5)
    with_first.close()
    with_first.close()
    again = make_archive(tmp_path / "a")
    fill(again, 5, first=5)
    stats = again.stats()
    assert (stats.num_frames, stats.first_s, stats.last_s, stats.last_frame_id) == (10, 0.0, 9.0, 9)
    assert again.recovery == public.Recovery()
    assert [again.get(frame_id).jpeg for frame_id in range(10)] == [jpeg_of(frame_id) for frame_id in range(10)]
    again.close()


def test_stats_count_the_bytes_of_all_files(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 40)
    files = sum(p.stat().st_size for p in (tmp_path / "a").iterdir() if not p.name.endswith("-shm"))
    assert archive.stats().num_bytes == files
    reader = ArchiveReader(tmp_path / "a")
    assert reader.stats().num_bytes == files
    archive.close()
    reader.close()


@pytest.mark.parametrize(
    "change",
    [
        {"time_s": float("nan")},
        {"time_s": 3.0},
        {"frame_id": 1.5},
        {"frame_id": 2**63},
        {"wall_time_s": float("inf")},
        {"jpeg": b""},
        {"jpeg": b"GIF89a"},
        {"jpeg": "text"},
        {"key": np.zeros(KEY_DIM + 1)},
        {"key": np.full(KEY_DIM, np.nan)},
        {"key": ["a"] * KEY_DIM},
        {"evidence": np.zeros(EVIDENCE_DIM - 1)},
        {"evidence": np.full(EVIDENCE_DIM, 1e6)},
        {"frame_id": 4},
    ],
    ids=str,
)
def test_what_is_no_frame_is_refused_and_changes_nothing(tmp_path, change):
    archive = make_archive(tmp_path / "a")
    fill(archive, 5)
    before = archive.stats()
    frame = {"frame_id": 9, "time_s": 9.0, "wall_time_s": 1.0, "jpeg": jpeg_of(9), "key": key_of(9)}
    with pytest.raises(FrameRefusedError):
        archive.put(**{**frame, "evidence": evidence_of(9), **change})
    after = archive.stats()
    assert (after.num_frames, after.last_s, after.problem) == (before.num_frames, before.last_s, None)
    assert put(archive, 9)
    archive.close()


def test_two_frames_may_have_the_same_time(tmp_path):
    archive = make_archive(tmp_path / "a")
    assert put(archive, 1, time_s=2.0) and put(archive, 2, time_s=2.0)
    assert archive.stats().num_frames == 2
    archive.close()


def test_a_key_of_zeros_is_kept_and_never_found(tmp_path):
    archive = make_archive(tmp_path / "a")
    archive.put(1, 1.0, 1.0, jpeg_of(1), np.zeros(KEY_DIM), evidence_of(1))
    assert archive.get(1).key.tolist() == [0.0] * KEY_DIM
    assert archive.search(key_of(1)) == []
    archive.close()


def test_after_close_every_call_says_so(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 1)
    archive.close()
    calls = [
        lambda: put(archive, 2),
        lambda: archive.get(0),
        lambda: archive.search(key_of(0)),
        lambda: archive.forget(0, 1),
        lambda: archive.pin(0, 1, ""),
        lambda: archive.evict(),
        archive.stats,
        archive.sync,
    ]
    for call in calls:
        with pytest.raises(ArchiveClosedError):
            call()


def test_events_come_back_in_order_and_are_bounded(tmp_path):
    archive = make_archive(tmp_path / "a", max_events=3)
    for i in range(5):
        archive.mark("disconnected", 10.0 - i, 10.0 - i)
    archive.mark("caption", 1.0, 20.0, "a dog")
    reader = ArchiveReader(tmp_path / "a")
    assert [(e.kind, e.start_s, e.text) for e in reader.events()] == [
        ("caption", 1.0, "a dog"),
        ("disconnected", 6.0, ""),
        ("disconnected", 7.0, ""),
    ]
    assert [e.kind for e in reader.events(15.0, 30.0)] == ["caption"]
    for wrong in (("two words", 0.0, 1.0), ("dark", 2.0, 1.0), ("dark", 0.0, float("nan"))):
        with pytest.raises(FrameRefusedError):
            archive.mark(*wrong)
    archive.close()
    reader.close()


def test_only_the_user_can_read_folder_and_files(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir(mode=0o755)
    archive = make_archive(folder)
    fill(archive, 3)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    archive.close()
