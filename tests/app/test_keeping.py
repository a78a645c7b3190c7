"""What a session keeps on disk, over restarts, clocks that were set, and disks that are full."""

import contextlib
import errno
import stat
import threading
import time
from pathlib import Path

import pytest

from app.errors import RecordingBusyError, RecordingError
from app.keeping import KeepConfig, Keeper
from app.recording.clock_log import ClockLog
from app.recording.fingerprint import own_fingerprint
from app.recording.opening import open_memory, open_reader
from memory import Snapshot
from memory.archive import Disk
from tests.app.recording.parts import NOON_S, WAIT_S, GridEncoder, frames_at, keep_config, record, recorder, wait_for
from tests.fakes import FakeEncoder, FakeSource


def saved_snapshot(keep: KeepConfig) -> Snapshot:
    opened = open_memory(keep.folder, own_fingerprint())
    assert opened is not None
    return opened.memory.snapshot()


def test_a_recording_holds_pictures_memory_and_the_clock(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    session = record(keep, frames_at(NOON_S, 20, fps=2.0))
    with contextlib.closing(open_reader(keep.folder)) as reader:
        rows = reader.between(0, 1e9)
        first = reader.get(rows[0].frame_id)
    assert [row.time_s for row in rows] == [float(i) for i in range(10)], "a picture a second"
    assert [row.frame_id for row in rows] == list(range(0, 20, 2))
    assert rows[3].wall_time_s == NOON_S + 3.0
    assert first is not None and first.jpeg.startswith(b"\xff\xd8") and first.evidence[0] == 1.0
    assert saved_snapshot(keep).t_now_s == 9.5
    assert ClockLog.load(keep.folder.clock).wall_s(9.5) == NOON_S + 9.5
    assert session.status().keeping is not None and session.status().keeping.num_pictures == 10
    assert session.status().keeping.problem is None


def test_nobody_else_can_read_a_recording(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 3))
    for path in keep.folder.path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE(keep.folder.path.stat().st_mode) == 0o700


def test_times_and_numbers_go_on_after_a_restart_and_the_gap_is_told(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 10))
    record(keep, frames_at(NOON_S + 3600.0, 5, start=10))
    snapshot = saved_snapshot(keep)
    assert snapshot.t_now_s == 3604.0 and snapshot.frames_seen == 15
    (gap,) = snapshot.gaps
    assert (gap.kind, gap.start_s, gap.end_s) == ("disconnected", 9.0, 3600.0)
    with contextlib.closing(open_reader(keep.folder)) as reader:
        rows = reader.between(0, 1e9)
        (event,) = reader.events()
    assert [row.frame_id for row in rows] == list(range(15))
    assert (event.kind, event.start_s, event.end_s) == ("disconnected", 9.0, 3600.0)
    assert [piece.wall_offset_s for piece in ClockLog.load(keep.folder.clock).pieces] == [NOON_S]


def test_status_and_pictures_of_a_resumed_session_are_those_of_the_whole_recording(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 3))
    session = recorder(keep, source=FakeSource(frames_at(NOON_S + 60.0, 3, start=200)))
    with session:
        assert session.wait_until_ended(WAIT_S)
        assert session.status().newest_time_s == session.status().remembered_time_s == 62.0
        old, new = session.frame_jpeg(1), session.frame_jpeg(3)
        assert old is not None and new is not None and old != new
        with contextlib.closing(open_reader(keep.folder)) as reader:
            kept = reader.get(1)
        assert kept is not None and old == kept.jpeg


def test_a_clock_that_was_set_back_between_two_runs_does_not_turn_time_back(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 10))
    record(keep, frames_at(NOON_S - 7200.0, 5))
    assert saved_snapshot(keep).t_now_s == 13.0
    clock = ClockLog.load(keep.folder.clock)
    assert clock.wall_s(5.0) == NOON_S + 5.0 and clock.wall_s(13.0) == NOON_S - 7200.0 + 4.0


def test_a_clock_that_is_set_during_a_run_is_followed(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    before, after = frames_at(NOON_S, 10)[:5], frames_at(NOON_S + 3600.0, 10)[5:]
    record(keep, [*before, *after])
    assert saved_snapshot(keep).t_now_s == 9.0
    clock = ClockLog.load(keep.folder.clock)
    assert (clock.wall_s(4.0), clock.wall_s(6.0)) == (NOON_S + 4.0, NOON_S + 3606.0)
    assert clock.stream_s(NOON_S + 3606.0) == 6.0 and clock.stream_s(NOON_S + 1800.0) == 5.0


def test_answers_are_filed_with_what_they_speak_of(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    source = FakeSource([*frames_at(NOON_S, 6)[:3], gate := threading.Event(), *frames_at(NOON_S, 6)[3:]])
    with recorder(keep, source=source) as session:
        wait_for(lambda: session.status().frames_encoded == 3)
        session.ask("what is there?").result(WAIT_S)
        gate.set()
        assert session.wait_until_ended(WAIT_S)
    (note,) = saved_snapshot(keep).notes
    assert (note.kind, note.text) == ("answer", "what is there? - I see a cat.")
    with contextlib.closing(open_reader(keep.folder)) as reader:
        assert [(event.kind, event.text) for event in reader.events()] == [("answer", note.text)]


class FullDisk(Disk):
    """Takes nothing while `is_full`."""

    is_full = False

    def append(self, handle: int, offset: int, data: bytes) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(handle, offset, data)


def test_a_full_disk_is_told_and_the_stream_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    keep = keep_config(tmp_path, save_period_s=0.05)
    keeper = Keeper(keep, disk=disk)
    monkeypatch.setattr("app.session.Keeper", lambda config, clock: keeper)
    gates = [threading.Event() for _ in range(2)]
    frames = frames_at(NOON_S, 12)
    with recorder(keep, [*frames[:4], gates[0], *frames[4:8], gates[1], *frames[8:]]) as session:
        wait_for(lambda: session.status().frames_encoded == 4)
        disk.is_full = True
        gates[0].set()
        wait_for(lambda: session.status().frames_encoded == 8)
        status = session.status()
        assert status.state == "running" and status.keeping is not None
        assert "disk is full" in (status.keeping.problem or "")
        disk.is_full = False
        gates[1].set()
        assert session.wait_until_ended(WAIT_S)
        assert session.status().keeping.problem is None  # type: ignore[union-attr]
    assert saved_snapshot(keep).frames_seen == 12, "the memory lost nothing"
    with contextlib.closing(open_reader(keep.folder)) as reader:
        assert [row.frame_id for row in reader.between(0, 1e9)] == [0, 1, 2, 3, 8, 9, 10, 11]
        assert [event.kind for event in reader.events()] == ["lost"]


def test_a_memory_that_cannot_be_saved_is_told(tmp_path: Path) -> None:
    keep = keep_config(tmp_path, save_period_s=0.05)
    keep.folder.make()
    blocked = keep.folder.path / ".memory.unfinished"
    blocked.mkdir()
    gate = threading.Event()
    frames = frames_at(NOON_S, 6)
    with recorder(keep, [*frames[:3], gate, *frames[3:]]) as session:
        wait_for(lambda: session.status().frames_encoded == 3)
        time.sleep(0.06)
        gate.set()
        assert session.wait_until_ended(WAIT_S)
        keeping = session.status().keeping
        assert keeping is not None and keeping.problem is not None and "memory cannot be" in keeping.problem
    with contextlib.closing(open_reader(keep.folder)) as reader:
        assert len(reader.between(0, 1e9)) == 6, "the pictures are kept all the same"


def test_two_recorders_cannot_write_into_one_folder(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    first = recorder(keep, source=FakeSource(frames_at(NOON_S, 2), is_live=True, never_ends=True))
    with first, pytest.raises(RecordingBusyError, match="recording into"):
        recorder(keep, frames_at(NOON_S, 2)).start()


def test_a_recording_of_another_encoder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 3))
    with pytest.raises(RecordingError, match="made with the encoder"):
        recorder(keep, frames_at(NOON_S, 3), encoder=FakeEncoder).start()
    assert saved_snapshot(keep).frames_seen == 3


def test_pictures_whose_memory_was_lost_are_told_as_a_gap(tmp_path: Path) -> None:
    """After a kill the pictures are ahead of the memory, which is saved now and then."""
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 5))
    early = keep.folder.memory.read_bytes()
    record(keep, frames_at(NOON_S + 5.0, 20))
    keep.folder.memory.write_bytes(early)
    record(keep, frames_at(NOON_S + 100.0, 2))
    gaps = [(gap.kind, gap.start_s, gap.end_s) for gap in saved_snapshot(keep).gaps]
    assert gaps == [("dropped", 4.0, 24.0), ("disconnected", 24.0, 100.0)]


def test_a_recording_without_a_saved_memory_goes_on_after_its_pictures(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    record(keep, frames_at(NOON_S, 5))
    keep.folder.memory.unlink()
    record(keep, frames_at(NOON_S + 50.0, 2))
    assert saved_snapshot(keep).t_now_s == 51.0
    with contextlib.closing(open_reader(keep.folder)) as reader:
        assert [row.frame_id for row in reader.between(0, 1e9)] == list(range(7))


@pytest.mark.parametrize("field", ["max_bytes", "max_age_s", "picture_quality", "save_period_s"])
def test_impossible_limits_are_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        keep_config(tmp_path, **{field: -1})


def test_the_layout_of_the_real_encoder_is_known_without_loading_it() -> None:
    from app.recording.fingerprint import fingerprint_of

    assert own_fingerprint() == fingerprint_of(GridEncoder().layout)
