import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.archive import ArchiveReader, FrameRefusedError, PinLimitError
from tests.memory.archive.making import fill, jpeg_of, make_archive, make_config, put

SMALL = {"segment_bytes": 16 * 1024, "max_bytes": 256 * 1024}


def test_the_oldest_frames_leave_when_the_bytes_are_spent(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    for frame_id in range(300):
        assert put(archive, frame_id)
        assert archive.stats().num_bytes <= SMALL["max_bytes"]
    stats = archive.stats()
    assert stats.num_bytes > SMALL["max_bytes"] // 2  # the room is used
    assert stats.last_s == 299.0 and stats.num_frames == 300 - stats.first_s
    assert archive.get(0) is None
    reader = ArchiveReader(tmp_path / "a")
    assert [(e.kind, e.start_s, e.end_s) for e in reader.events()] == [("evicted", 0.0, stats.first_s - 1)]
    assert "older than" in reader.why_missing(3.0)
    reader.close()
    archive.close()


def test_frames_leave_when_they_are_too_old(tmp_path):
    archive = make_archive(tmp_path / "a", max_age_s=50.0, segment_s=5.0)
    for frame_id in range(200):
        put(archive, frame_id)
        assert archive.stats().first_s >= frame_id - 50.0 - 5.0
    assert archive.stats().first_s <= 199 - 50
    assert archive.evict(now_s=1000.0) > 0
    assert archive.stats().num_frames <= 6  # the segment that is being written
    archive.close()


def test_pinned_frames_stay_when_all_others_leave(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    fill(archive, 20)
    archive.pin(5.0, 7.0, "the dog")
    fill(archive, 300, first=20)
    assert [archive.get(i).jpeg for i in (5, 6, 7)] == [jpeg_of(i) for i in (5, 6, 7)]
    assert archive.get(4) is None and archive.get(8) is None
    assert archive.stats().num_bytes <= SMALL["max_bytes"]
    assert archive.unpin(0.0, 10.0) == 1
    fill(archive, 30, first=320)
    assert archive.get(6) is None
    archive.close()


def test_pins_survive_a_restart_and_can_be_read(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    fill(archive, 10)
    archive.pin(2.0, 3.0, "keys")
    archive.close()
    reader = ArchiveReader(tmp_path / "a")
    assert [(pin.start_s, pin.end_s, pin.label) for pin in reader.pins()] == [(2.0, 3.0, "keys")]
    reader.close()


def test_pins_cannot_take_more_than_half(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    fill(archive, 140)
    with pytest.raises(PinLimitError, match="unpin some"):
        archive.pin(0.0, 139.0, "everything")
    reader = ArchiveReader(tmp_path / "a")
    assert reader.pins() == []
    with pytest.raises(FrameRefusedError):
        archive.pin(2.0, 1.0, "backwards")
    reader.close()
    archive.close()


def test_when_pins_fill_the_archive_new_frames_are_dropped_and_it_says_so(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    archive.pin(0.0, 1e6, "all that comes")
    stored = [put(archive, frame_id) for frame_id in range(300)]
    assert not all(stored) and stored[0]
    assert "unpin some" in archive.stats().problem
    assert archive.stats().num_bytes <= SMALL["max_bytes"]
    archive.unpin(0.0, 1e6)
    assert put(archive, 300)
    assert archive.stats().problem is None
    archive.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(200, 9000), st.floats(0, 40), st.sampled_from(["put", "put", "pin", "reopen", "forget"])),
        min_size=5,
        max_size=60,
    )
)
def test_whatever_happens_limits_hold_and_what_is_listed_can_be_read(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("archive") / "a"
    limits = {"segment_bytes": 16 * 1024, "max_bytes": 256 * 1024, "max_age_s": 300.0, "segment_s": 20.0}
    archive, now_s, pinned, forgotten = make_archive(folder, **limits), 0.0, [], []
    for number, (num_bytes, pause_s, step) in enumerate(steps):
        now_s += pause_s
        if step == "pin" and len(pinned) < 3:
            archive.pin(now_s - 1, now_s, "")
            pinned.append(now_s)
        elif step == "forget":
            archive.forget(now_s - 3, now_s)
            forgotten.append((now_s - 3, now_s))
            now_s += 1e-3
        elif step == "reopen":
            archive.close()
            archive = make_archive(folder, **limits)
        put(archive, number, time_s=now_s, num_bytes=num_bytes)
        assert archive.stats().num_bytes <= limits["max_bytes"]
    reader = ArchiveReader(folder)
    rows = reader.between(-1e9, 1e9)
    assert [row.time_s for row in rows] == sorted(row.time_s for row in rows)
    assert all(reader.get(row.frame_id).jpeg[:2] == b"\xff\xd8" for row in rows)
    assert not any(start <= row.time_s <= end for row in rows for start, end in forgotten)
    reader.close()
    archive.close()


@pytest.mark.parametrize(
    "change",
    [
        {"key_dim": 0},
        {"max_bytes": 10},
        {"segment_bytes": 1},
        {"max_age_s": 0.0},
        {"fingerprint": " "},
        {"max_events": 0},
    ],
    ids=str,
)
def test_impossible_limits_are_refused_by_name(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        make_config(**change)
