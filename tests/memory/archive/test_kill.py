"""kill -9 at any moment, in processes of their own: nothing acknowledged is lost, and nothing forgotten comes back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from memory.archive import ArchiveBusyError, ArchiveReader
from tests.memory.archive.making import jpeg_of, key_of, make_archive, put

ROOT = Path(__file__).resolve().parents[3]
# (frames to wait for, seconds to wait after them): spread over puts, forgets, evictions and syncs.
MOMENTS = ((3, 0.0), (40, 0.013), (150, 0.037), (400, 0.071))


def start(folder: Path) -> subprocess.Popen:
    """What it tells goes into a file beside the folder."""
    command = [sys.executable, "-m", "tests.memory.archive.child", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with told_by(folder).open("w") as told:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=told, text=True, env=environment)


def told_by(folder: Path) -> Path:
    return folder.with_suffix(".told")


def lines_of(folder: Path, num_lines: int, child: subprocess.Popen) -> list[str]:
    """The whole lines that it told, once there are so many."""
    while True:
        is_over = child.poll() is not None
        lines = told_by(folder).read_text().split("\n")[:-1]
        if len(lines) >= num_lines:
            return lines
        assert not is_over, f"the child ended after {lines[-1:]}"
        time.sleep(0.002)


def run_and_kill(child: subprocess.Popen, folder: Path, num_frames: int, delay_s: float) -> int:
    """Lets it record for a while; returns the last frame that it said was kept."""
    child.stdin.write("\n")
    child.stdin.flush()
    lines_of(folder, 1 + num_frames, child)
    time.sleep(delay_s)  # which instant it is does not matter: any must do
    child.send_signal(signal.SIGKILL)
    child.wait()
    return int(lines_of(folder, 1 + num_frames, child)[-1])


def is_forgotten(frame_id: int, last: int) -> bool:
    """By the child's rule; of the last round it is not known how far it came."""
    return any(mark - 9 <= frame_id <= mark - 7 for mark in range(16, last + 1, 17))


def check_all(folder: Path, last: int) -> None:
    """What any reader must find, be it before the archive was set right or after."""
    reader = ArchiveReader(folder)
    rows = reader.between(-1.0, 1e9)
    ids = [row.frame_id for row in rows]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert ids[-1] in (last, last + 1), "acknowledged frames are lost"
    settled = [frame_id for frame_id in range(ids[0], last - 17) if not is_forgotten(frame_id, last)]
    assert [frame_id for frame_id in ids if frame_id < last - 17] == settled
    for row in rows:
        frame = reader.get(row.frame_id)
        assert frame is None or frame.jpeg == jpeg_of(row.frame_id)
    assert reader.search(key=key_of(last), k=1)[0].frame_id == last
    reader.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_moment_the_archive_opens_reads_and_searches(tmp_path):
    children = {moment: start(tmp_path / str(moment[0])) for moment in MOMENTS}  # they start at the same time
    try:
        for moment, child in children.items():
            folder = tmp_path / str(moment[0])
            assert lines_of(folder, 1, child) == ["ready"]
            with pytest.raises(ArchiveBusyError, match="another process is recording"):
                make_archive(folder, max_bytes=512 * 1024)
            last = run_and_kill(child, folder, *moment)
            check_all(folder, last)  # a reader finds what the killed process left
            archive = make_archive(folder, max_bytes=512 * 1024)
            assert archive.recovery.num_lost == 0
            check_all(folder, last)
            newest = archive.stats().last_frame_id
            assert put(archive, newest + 1)
            archive.close()
            left = b"".join(path.read_bytes() for path in folder.iterdir())
            for frame_id in (frame_id for frame_id in range(last - 17) if is_forgotten(frame_id, last)):
                assert jpeg_of(frame_id) not in left
                assert key_of(frame_id).astype(np.float16).tobytes() not in left
    finally:
        for child in children.values():
            child.kill()
            child.communicate()


def test_a_second_process_is_refused_with_a_sentence(tmp_path):
    archive = make_archive(tmp_path / "a")
    put(archive, 1)
    child = start(tmp_path / "a")
    child.communicate(timeout=60)
    assert told_by(tmp_path / "a").read_text().startswith("refused: another process is recording into")
    assert archive.get(1).jpeg == jpeg_of(1)
    archive.close()
