"""A disk that is really full: a recorder of a real camera goes on without what it cannot write, and catches up."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.recording import video
from app.recording.opening import open_reader
from app.recording.video import video_segments
from tests.app.recording.parts import keep_config, recorder, wait_for
from tests.app.recording.test_video import pictures_in
from tests.rtsp_server import RtspServer
from vision.sources import open_source

DISK_BYTES = 96 * 2**20
_PATIENCE_S = 90.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk; full disks of fakes are tested elsewhere")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """To the last byte."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    return filler


@pytest.mark.timeout(400)
def test_a_disk_that_is_full_in_mid_segment_costs_pictures_and_video_alone(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(video, "_RETRY_S", 0.3)
    keep = keep_config(small_disk, picture_period_s=0.05, save_period_s=0.3)
    with RtspServer(size=(320, 240), fps=25) as camera:
        with recorder(keep, source=open_source(camera.url)) as session:

            def problem() -> str | None:
                kept = session.status().keeping
                return None if kept is None else kept.problem

            wait_for(lambda: session.status().frames_encoded > 10, _PATIENCE_S)
            wait_for(lambda: any(one.num_bytes > 20_000 for one in video_segments(keep.folder.video)), _PATIENCE_S)
            first_path = video_segments(keep.folder.video)[0].path
            filler = fill(small_disk)
            wait_for(lambda: "Pictures: the disk is full" in (problem() or ""), _PATIENCE_S)
            wait_for(lambda: "Video cannot be recorded" in (problem() or ""), _PATIENCE_S)
            encoded = session.status().frames_encoded
            wait_for(lambda: session.status().frames_encoded > encoded + 10, _PATIENCE_S)
            assert session.status().state == "running"
            filler.unlink()
            wait_for(lambda: problem() is None, _PATIENCE_S)
            num_segments = len(video_segments(keep.folder.video))
            wait_for(lambda: session.status().frames_encoded > encoded + 30, _PATIENCE_S)
        num_encoded = session.status().frames_encoded
    with contextlib.closing(open_reader(keep.folder)) as reader:
        rows = reader.between(0.0, 1e9)
        assert 10 < len(rows) < num_encoded, "some pictures were lost, most of them not"
        assert all(reader.get(row.frame_id) is not None for row in rows)
    told = [one for one in caplog.messages if one.startswith("Video cannot be recorded")]
    assert len(told) == 1, "the log is not filled by a disk that stays full"
    segments = video_segments(keep.folder.video)
    assert segments[0].path == first_path, "what was written before the disk was full is still there"
    assert len(segments) >= num_segments >= 1
    assert all(pictures_in(one.path) > 0 for one in segments)
