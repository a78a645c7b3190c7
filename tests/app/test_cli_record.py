"""`record` as a command and as a process: names and locks, progress, SIGTERM, kill -9 and what is left after it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from app.cli import main
from app.config import AssistantConfig
from app.recording.folder import RecordingFolder, RecordingLock
from app.recording.stored import StoredRecording
from app.recording.video import video_segments
from app.session import Session
from tests.app.recording.parts import NOON_S, GridEncoder, frames_at, wait_for
from tests.fakes import FakeLMM, FakeSource
from tests.rtsp_server import RtspServer
from vision import SourceOpenError

ROOT = Path(__file__).resolve().parents[2]
END_TIMEOUT_S = 20.0

# A recorder of a real camera with a fake encoder, whose memory is saved often.
PROGRAM = """
import sys
from dataclasses import replace
from app.cli import main
from app.cli.ending import end_process
from app.session import Session
from tests.app.recording.parts import GridEncoder
from tests.fakes import FakeLMM

def session(config):
    keep = replace(config.keep, save_period_s=0.2, picture_period_s=0.2, min_free_bytes=0)
    config = replace(config, keep=keep, perceive=replace(config.perceive, fps=10.0))
    return Session(config, encoder=GridEncoder, lmm=FakeLMM)

end_process(main(sys.argv[1:], make_session=session))
"""


@contextlib.contextmanager
def recorder(data: Path, source: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, "record", "--data", str(data), "--name", "front", "--source", source]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=END_TIMEOUT_S)


def stored(data: Path) -> "contextlib.closing[StoredRecording]":
    return contextlib.closing(StoredRecording(RecordingFolder(data, "front"), now_s=time.time))


def num_remembered(data: Path) -> int:
    """Frames of the memory that was saved last; 0 while there is none."""
    folder = RecordingFolder(data, "front")
    if not folder.is_there or not folder.memory.is_file():
        return 0
    with stored(data) as recording:
        return recording.snapshot.frames_seen


def terminate_when(condition: Callable[[], bool]) -> None:
    """Asks this process to end, as a service manager does, while a recorder runs in it."""
    wait_for(condition, END_TIMEOUT_S)
    os.kill(os.getpid(), signal.SIGTERM)


def num_shown(path: Path) -> int:
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            with contextlib.suppress(av.error.InvalidDataError):
                count += len(packet.decode())
    return count


def test_a_killed_recorder_leaves_a_recording_that_goes_on(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "front")
    with RtspServer(fps=20) as camera:
        with recorder(tmp_path, camera.url) as process:
            wait_for(lambda: num_remembered(tmp_path) >= 10, END_TIMEOUT_S)
            with stored(tmp_path) as recording:  # asked while it runs
                assert recording.folder.is_recording()
                assert recording.reader.stats().num_frames > 0
            process.send_signal(signal.SIGKILL)
            process.wait(END_TIMEOUT_S)
        assert not folder.is_recording()
        killed_s = time.time()
        with stored(tmp_path) as recording:
            num_frames, last_s = recording.snapshot.frames_seen, recording.last_s
            num_pictures = recording.reader.stats().num_frames
            assert num_pictures > 0
        (segment,) = video_segments(folder.video)
        assert num_shown(segment.path) > 10
        # The second run is in this process, where SIGTERM ends it as well.
        terminated = threading.Thread(
            target=terminate_when, args=(lambda: num_remembered(tmp_path) >= num_frames + 10,)
        )
        terminated.start()
        words = ["--source", camera.url, "--name", "front", "--data", str(tmp_path)]
        assert Recorded(words, {}, save_period_s=0.2, picture_period_s=0.2).exit_code == 0
        terminated.join(END_TIMEOUT_S)
    with stored(tmp_path) as recording:
        gap = recording.snapshot.gaps[-1]
        assert gap.kind == "disconnected" and last_s <= gap.start_s < gap.end_s < recording.last_s
        assert abs(recording.clock.wall_s(gap.end_s) - killed_s) < 20.0
        rows = recording.reader.between(0.0, 1e9)
        assert len(rows) > num_pictures
        assert all(a.frame_id < b.frame_id and a.time_s <= b.time_s for a, b in zip(rows, rows[1:], strict=False))
        assert len(recording.clock.pieces) == 1
    segments = video_segments(folder.video)
    assert len(segments) == 2 and segments[1].start_s == pytest.approx(gap.end_s, abs=1.0)


class Recorded:
    """Runs `record` in this process, on scripted sources by name."""

    def __init__(self, words: list[str], sources: dict[str, Any], **kept: Any) -> None:
        """A camera without a scripted source opens its real one. kept: changes of the KeepConfig."""
        self.configs: list[AssistantConfig] = []
        self._sources, self._kept = sources, kept
        self.exit_code = main(["record", *words], make_session=self._make)

    def _make(self, config: AssistantConfig) -> Session:
        assert config.keep is not None
        self.configs.append(config)
        keep = replace(config.keep, min_free_bytes=0, **self._kept)
        perceive = replace(config.perceive, fps=10.0 if self._kept else config.perceive.fps)
        source = self._sources.get(keep.name)
        return Session(replace(config, keep=keep, perceive=perceive), source=source, encoder=GridEncoder, lmm=FakeLMM)


def test_a_finite_source_is_recorded_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--source", "rtsp://admin:s3cret@camera.local/x", "--name", "front", "--data", str(tmp_path)]
    recorded = Recorded([*words, "--max-gb", "2", "--max-days", "1"], {"front": FakeSource(frames_at(NOON_S, 5))})
    assert recorded.exit_code == 0
    keep = recorded.configs[0].keep
    assert keep is not None and (keep.max_bytes, keep.max_age_s) == (2_000_000_000, 86_400.0)
    assert recorded.configs[0].perceive.fps == 1.0
    captured = capsys.readouterr()
    assert captured.out == "" and "front: the source is over" in captured.err
    assert "s3cret" not in captured.err
    with stored(tmp_path) as recording:
        assert recording.snapshot.t_now_s == 4.0


class PluggedInLater(Recorded):
    """Gives a good source for "back" the second time."""

    def _make(self, config: AssistantConfig) -> Session:
        session = super()._make(config)
        if config.keep is not None and config.keep.name == "back":
            self._sources["back"] = FakeSource(frames_at(NOON_S, 3))
        return session


def test_several_cameras_are_recorded_and_one_that_fails_does_not_end_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.record._AGAIN_S", 0.2)
    camera_file = tmp_path / "cameras.yaml"
    camera_file.write_text(
        "data: kept\ncameras:\n  - {name: front, source: webcam:0}\n  - {name: back, source: webcam:1}\n"
    )
    broken = FakeSource(open_error=SourceOpenError("There is no camera.", "device"))

    sources = {"front": FakeSource(frames_at(NOON_S, 5)), "back": broken}
    recorded = PluggedInLater(["--config", str(camera_file)], sources)
    assert recorded.exit_code == 0
    told = capsys.readouterr().err
    assert "back: There is no camera. It is tried again in 0.2 s." in told
    assert "front: the source is over" in told and "back: the source is over" in told
    assert {one.name for one in (tmp_path / "kept").iterdir()} == {"front", "back"}


def test_when_no_camera_can_be_recorded_the_reason_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = FakeSource(open_error=SourceOpenError("There is no camera.", "device"))
    recorded = Recorded(["--source", "webcam:7", "--name", "front", "--data", str(tmp_path)], {"front": source})
    assert recorded.exit_code == 3
    assert capsys.readouterr().err == "There is no camera.\n"
    assert not RecordingFolder(tmp_path, "front").is_recording()


def test_a_second_recorder_of_one_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RecordingFolder(tmp_path, "front")
    folder.make()
    lock = RecordingLock(folder)
    assert Recorded(["--source", "webcam:0", "--name", "front", "--data", str(tmp_path)], {}).exit_code == 6
    assert "Somebody records 'front'" in capsys.readouterr().err
    lock.release()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--source", "webcam:0"],
        ["--name", "front"],
        ["--config", "x.yaml", "--name", "front"],
        ["--source", "webcam:0", "--name", "front", "--max-gb", "-1"],
        ["--source", "webcam:0", "--name", "../front"],
    ],
)
def test_wrong_words_are_refused(words: list[str]) -> None:
    assert Recorded(words, {}).exit_code == 2


def test_a_wrong_file_of_cameras_is_told_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cameras.yaml"
    config.write_text("cameras:\n  - name: a\n")
    assert Recorded(["--config", str(config)], {}).exit_code == 2
    assert capsys.readouterr().err == f"{config}:2: This camera has no source.\n"


def test_the_unit_holds_the_same_command_and_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--source", "rtsp://camera.local/100%", "--name", "front", "--data", str(tmp_path), "--print-unit"]
    assert Recorded(words, {}).exit_code == 0
    unit = capsys.readouterr().out
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    assert line.startswith(f"ExecStart=/usr/bin/env python3 {ROOT / 'launch.py'} record --data {tmp_path}")
    assert '--source "rtsp://camera.local/100%%" --name front' in line
    assert "TimeoutStopSec=20" in unit
    assert Recorded([*words, "--ca-file", "/etc/own.pem", "--no-tls-check", "--hardware", "vaapi"], {}).exit_code == 0
    assert "--ca-file /etc/own.pem --no-tls-check --hardware vaapi" in capsys.readouterr().out
    words[1] = "rtsp://admin:s3cret@camera.local/x"
    assert Recorded(words, {}).exit_code == 2
    captured = capsys.readouterr()
    assert "--credentials-file" in captured.err and "s3cret" not in captured.out + captured.err
