"""A recording that is asked, exported from and forgotten, from its files alone."""

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import pytest

from app.errors import NothingSeenError, QuestionError, RecordingBusyError, UnknownRecordingError
from app.language.lmm import Evidence
from app.recording.clock_words import ClockTelling
from app.recording.exporting import export_moment, export_pictures
from app.recording.fingerprint import own_fingerprint
from app.recording.folder import RecordingFolder, RecordingLock
from app.recording.forgetting import forget
from app.recording.stored import StoredRecording
from app.recording.stored_session import StoredSession
from app.recording.video import VideoLimits, VideoRecorder, video_segments
from tests.app.recording.parts import NOON_S, WAIT_S, frames_at, keep_config, record
from tests.fakes import FakeClock, FakeLMM

LENGTH_S = 120
LIMITS = VideoLimits(max_bytes=2**30, max_age_s=1e6, min_free_bytes=0, segment_s=20.0)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")  # noon UTC is 13:00 there
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: a minute from 12:00 UTC on, then 10 s an hour later. Video of the first minute."""
    data = tmp_path_factory.mktemp("data")
    keep = keep_config(data)
    record(keep, frames_at(NOON_S, 60))
    record(keep, frames_at(NOON_S + 3600.0, 10, start=60))
    _record_video(keep.folder.video)
    return data


def _record_video(folder: Path) -> None:
    """A minute of 5 frames/s, a key picture every 2 s; the second of the picture is its grey."""
    clip = folder / "clip.tmp"
    with av.open(str(clip), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5, options={"bf": "0", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size = 10
        for i in range(300):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * (i // 5), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clock = FakeClock()
    recorder = VideoRecorder(folder, LIMITS, lambda: clock.now_s - 100.0, clock=clock)
    with av.open(str(clip)) as container:
        recorder.begin(container.streams.video[0])
        for packet in container.demux(video=0):
            recorder.packet(packet)
            clock.advance(0.2)
        recorder.end()
    clip.unlink()


def opened(data: Path, now_s: float = NOON_S + 3620.0) -> "contextlib.closing[StoredRecording]":
    return contextlib.closing(StoredRecording(RecordingFolder(data, "front"), now_s=lambda: now_s))


def copied(made: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_times_of_the_clock_become_times_of_the_stream(made: Path) -> None:
    with opened(made) as recording:
        understood = recording.understood("Was there a dog between 13:00:10 and 13:00:30?")
        assert understood.question == "Was there a dog between 0:10 and 0:30?"
        assert understood.spans == ((10.0, 30.0),)
        assert understood.note == "'between 13:00:10 and 13:00:30' was taken as 13:00:10 to 13:00:30."
        assert recording.understood("Was there a dog an hour ago?").question == "Was there a dog at 0:20?"
        assert recording.understood("How many dogs are there?").note is None


@pytest.mark.parametrize("part_s", [0.0, 0.2, 0.8])
def test_an_asked_second_comes_back_as_the_same_second(tmp_path: Path, part_s: float) -> None:
    record(keep_config(tmp_path), frames_at(NOON_S + part_s, 30))
    with opened(tmp_path, now_s=NOON_S + 40.0) as recording:
        understood = recording.understood("Was there a dog between 13:00:10 and 13:00:20?").question
        assert recording.telling().whole(understood) == "Was there a dog between 13:00:10 and 13:00:20?"


def test_from_and_to_are_put_into_the_question(made: Path) -> None:
    with opened(made) as recording:
        understood = recording.understood("Was there a dog?", "13:00:10", "13:00:30")
        assert understood.question == "Was there a dog between 0:10 and 0:30?"
        assert recording.understood("Was there a dog?", "14:00").spans == ((3600.0, 3609.0),)
        with pytest.raises(QuestionError, match="not in both"):
            recording.understood("Was there a dog at 13:00:10?", "13:00")
        with pytest.raises(QuestionError, match="lies after --to"):
            recording.understood("Was there a dog?", "14:00", "13:00")


def test_what_could_not_be_seen_is_told(made: Path) -> None:
    with opened(made) as recording:
        note = recording.understood("Was there a dog since 13:00:30?").note
        assert note is not None and "Nothing could be seen from 13:00:59 to 14:00:00." in note


def test_a_time_that_was_not_recorded_gets_a_sentence(made: Path) -> None:
    with opened(made) as recording:
        for question in ("What happened yesterday?", "What was there at 11:00?"):
            with pytest.raises(NothingSeenError, match="the recording goes from 13:00:00 to 14:00:09"):
                recording.understood(question)


def test_an_old_recording_tells_how_old_it_is(made: Path) -> None:
    with opened(made, now_s=NOON_S + 86_400.0) as recording:
        note = recording.understood("What is there?").note
        assert note is not None and "The newest picture is of yesterday 14:00:09" in note


def test_an_unknown_name_tells_which_there_are(made: Path) -> None:
    with pytest.raises(UnknownRecordingError, match="there is: front"):
        StoredRecording(RecordingFolder(made, "back"), now_s=time.time)
    with pytest.raises(UnknownRecordingError, match="no name"):
        RecordingFolder(made, "../front")


def test_questions_are_answered_from_the_files(made: Path) -> None:
    lmm = FakeLMM(["first at 0:1", "2, last at 1:00:05."], evidence=(Evidence(start_s=12, end_s=13, frame_id=12),))
    with opened(made) as recording, StoredSession(recording, lmm=lambda: lmm) as session:
        result = session.ask("When?").result(WAIT_S)
        assert recording.telling().whole(result.text) == "first at 13:00:12, last at 14:00:05."
        picture = recording.picture_of(result.evidence[0])
    assert picture is not None and picture.frame_id == 12
    assert lmm.snapshots[0].t_now_s == 3609.0 and result.frames.seen == 70


def test_a_time_that_comes_in_two_pieces_is_told_whole() -> None:
    telling = ClockTelling(lambda time_s: f"<{time_s:g}>")
    pieces = [telling.feed(piece) for piece in ("at ", "1:", "0", "2:03 and 0:1", "2", ", 7")] + [telling.finish()]
    assert "".join(pieces) == "at <3723> and <12>, 7"
    assert telling.whole("2 dogs at 12:345 or 1:99") == "2 dogs at 12:345 or 1:99"


def test_a_moment_is_exported_with_its_clip(made: Path, tmp_path: Path) -> None:
    with opened(made) as recording:
        exported = export_moment(recording, 25.2, tmp_path / "out")
    picture, clip, about = exported.files
    assert picture.name == "front-2026-11-23T130025.jpg" and picture.read_bytes().startswith(b"\xff\xd8")
    told = json.loads(about.read_text())
    assert told["frame_id"] == 25 and told["time"] == "2026-11-23T13:00:25.000+01:00"
    with av.open(str(clip)) as container:
        greys = [frame.to_ndarray(format="rgb24").mean() / 2 for frame in container.decode(video=0)]
        seconds = float(container.duration or 0) / 1e6
    assert abs(greys[0] - 20) < 1.5 and abs(greys[-1] - 30) < 1.5, "across two files, in order"
    assert 9.5 <= seconds <= 11.0
    start = datetime.fromisoformat(told["clip"]["start"])
    assert start.timestamp() == pytest.approx(NOON_S + 20.0, abs=0.01)


def test_a_moment_without_video_is_exported_without_a_clip(made: Path, tmp_path: Path) -> None:
    with opened(made) as recording:
        exported = export_moment(recording, 3605.0, tmp_path)
    assert len(exported.files) == 2 and exported.note is not None and "no clip" in exported.note


def test_all_pictures_of_an_interval_are_exported(made: Path, tmp_path: Path) -> None:
    with opened(made) as recording:
        exported = export_pictures(recording, 10.0, 14.0, tmp_path)
        assert [path.name for path in exported.files[:2]] == ["front-00000010.jpg", "front-00000011.jpg"]
        assert len(json.loads(exported.files[-1].read_text())) == 5
        with pytest.raises(NothingSeenError):
            export_pictures(recording, 1000.0, 1001.0, tmp_path)


def test_an_interval_is_erased_from_everything(made: Path, tmp_path: Path) -> None:
    data = copied(made, tmp_path)
    folder = RecordingFolder(data, "front")
    with opened(data) as recording:
        jpegs = [recording.reader.get(i).jpeg for i in range(10, 21)]  # type: ignore[union-attr]
    receipt = forget(folder, 10.0, 20.0, own_fingerprint())
    assert receipt.num_pictures == 11 and receipt.num_slots > 0 and receipt.num_video_files == 2
    assert (receipt.video_start_s, round(receipt.video_end_s or 0)) == (0.0, 40)
    on_disk = b"".join(path.read_bytes() for path in folder.path.rglob("*") if path.is_file())
    assert not any(jpeg in on_disk for jpeg in jpegs)
    assert [segment.start_s for segment in video_segments(folder.video)] == [40.0]
    with opened(data) as recording:
        assert [row.frame_id for row in recording.reader.between(5.0, 25.0)] == [5, 6, 7, 8, 9, 21, 22, 23, 24, 25]
        assert ("forgotten", 10.0, 20.0) in [(gap.kind, gap.start_s, gap.end_s) for gap in recording.snapshot.gaps]
        times_s = recording.snapshot.temporal.times_s
        assert not ((times_s[:, 0] <= 20.0) & (times_s[:, 1] >= 10.0)).any()
        with pytest.raises(NothingSeenError, match="erased on request"):
            export_pictures(recording, 12.0, 18.0, tmp_path)
    record(keep_config(data), frames_at(NOON_S + 7200.0, 3, start=70))  # and recording goes on


def test_nothing_is_erased_while_somebody_records(made: Path, tmp_path: Path) -> None:
    folder = RecordingFolder(copied(made, tmp_path), "front")
    lock = RecordingLock(folder)
    assert folder.is_recording()
    with pytest.raises(RecordingBusyError, match="stop that recorder first"):
        forget(folder, 10.0, 20.0, own_fingerprint())
    lock.release()
    assert not folder.is_recording()
