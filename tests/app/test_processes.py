"""SIGTERM at the worst moment, with a camera that hangs: the program saves, leaves within ten seconds, and alone."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.recording.parts import wait_for
from tests.app.test_cli_record import PROGRAM, num_remembered, stored
from tests.gstreamer import GstreamerCamera, GstreamerServer, free_port

ROOT = Path(__file__).resolve().parents[2]
DRAIN_S, START_S = 10.0, 60.0

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are looked up as Linux shows them")


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[GstreamerServer]:
    with GstreamerServer(tmp_path, free_port(), {"/camera": GstreamerCamera()}) as started:
        yield started


@contextlib.contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The program, the head of a group of processes of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def terminate(process: subprocess.Popen[str]) -> str:
    """What it still said on its way out; it and all that it started are gone."""
    process.send_signal(signal.SIGTERM)
    asked_s = time.monotonic()
    _, rest = process.communicate(timeout=3 * DRAIN_S)
    assert time.monotonic() - asked_s < DRAIN_S
    assert members_of(process.pid) == []
    assert "Traceback" not in rest
    return rest


def members_of(group: int) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile
                state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state != "Z":
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


def test_a_recorder_whose_camera_hangs_saves_and_leaves(tmp_path: Path, camera: GstreamerServer) -> None:
    words = ["record", "--data", str(tmp_path / "data"), "--name", "front", "--source", camera.url("/camera")]
    with running("-c", PROGRAM, *words) as process:
        wait_for(lambda: num_remembered(tmp_path / "data") >= 10, START_S)
        camera.send(signal.SIGSTOP)
        terminate(process)
        assert process.returncode == 0
    with stored(tmp_path / "data") as recording:
        rows = recording.reader.between(0.0, 1e9)
        assert recording.snapshot.frames_seen >= 10
        assert rows[-1].time_s <= recording.last_s == recording.snapshot.t_now_s
        assert not recording.folder.is_recording()


def test_a_page_whose_camera_hangs_leaves(camera: GstreamerServer) -> None:
    words = ["serve", "--port", "0", "--no-browser", "--source", camera.url("/camera")]
    with running("-P", "-m", "app.cli", *words) as process:
        assert process.stderr is not None
        assert any("Afterglow is at" in line for line in process.stderr)
        camera.send(signal.SIGSTOP)
        terminate(process)
