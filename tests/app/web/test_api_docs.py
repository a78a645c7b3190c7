"""Every example of docs/API.md, run as it stands there against the real application and web server."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.config import AssistantConfig
from app.web.access_token import AccessToken
from app.web.door import Door
from tests.app.recording.parts import GridEncoder, frames_at, keep_config, record
from tests.app.recording.test_stored import _record_video as record_video
from tests.app.web.conftest import Server
from tests.app.web.test_api import events, running
from tests.app.web.test_attacks import Site
from tests.fakes import FakeLMM, FakeSource, make_frames

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "API.md").read_text(encoding="utf-8")
WRITTEN_AT = "http://127.0.0.1:7860"
BLOCKS = re.findall(r"^```(sh|sh token|python|json)\n(.*?)^```$", DOCS, re.M | re.S)
START_S = datetime(2026, 11, 25, 14, 2).timestamp()  # local time, as the examples tell it
TOKEN = "correct-horse-battery-staple-0123456789"


def commands(kind: str) -> list[str]:
    """One shell command each."""
    joined = "".join(text for name, text in BLOCKS if name == kind).replace("\\\n", " ")
    return [" ".join(line.split()) if kind == "python" else line for line in joined.splitlines()]


def examples() -> list[dict[str, Any]]:
    return [json.loads(text) for name, text in BLOCKS if name == "json"]


@pytest.fixture
def server(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    """As the document has it: one camera, and a minute of "front" an hour ago."""
    keep = keep_config(tmp_path)
    record(keep, frames_at(START_S, 60))
    record_video(keep.folder.video)
    server = start_server(
        {"clip": lambda: FakeSource(make_frames(30), is_live=True, never_ends=True)},
        make_encoder=GridEncoder,
        make_lmm=FakeLMM,
        cameras={"door": AssistantConfig(source="clip")},
        data=tmp_path,
        now_s=lambda: START_S + 3600.0,
    )
    running(server)
    return server


def run(command: str, site: Site, folder: Path) -> subprocess.CompletedProcess[str]:
    placed = command.replace(WRITTEN_AT, f"http://{site.host}")
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "TZ": ""}
    return subprocess.run(
        ["sh", "-ec", f"{placed} --fail-with-body"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_document_has_examples() -> None:
    assert len(commands("sh")) >= 10 and len(examples()) == 2 and commands("sh token")
    assert all(line.startswith("curl ") and WRITTEN_AT in line for line in commands("sh") + commands("sh token"))


def test_every_request_is_answered_as_told(server: Server, tmp_path: Path) -> None:
    asked = iter(examples())
    with Site(server.client.app) as site:
        for command in commands("sh"):
            ran = run(command, site, tmp_path)
            assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
            if "/v1/ask" in command:
                answer, told = events(ran.stdout)[-1], next(asked)
                assert _shape(answer) == _shape(told), command
                assert answer["answer"] == told["answer"] and answer.get("understood") == told.get("understood")
            elif "frame.jpg" in command:
                assert (tmp_path / "frame.jpg").read_bytes().startswith(b"\xff\xd8")
            elif "clip.mp4" in command:
                assert b"ftyp" in (tmp_path / "clip.mp4").read_bytes()[:32]
                (tmp_path / "clip.mp4").unlink()
            else:
                assert ran.stdout


def test_the_python_example_runs(server: Server) -> None:
    (program,) = [text for name, text in BLOCKS if name == "python"]
    with Site(server.client.app) as site:
        placed = program.replace(WRITTEN_AT, f"http://{site.host}")
        ran = subprocess.run([sys.executable, "-c", placed], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "I see a cat.\n", ran.stderr


def test_the_token_is_sent_as_told(server: Server, tmp_path: Path) -> None:
    guard: Any = server.client.app
    guard._door = Door(AccessToken(text=TOKEN, path=tmp_path / "token"))
    (tmp_path / ".config" / "afterglow").mkdir(parents=True)
    (tmp_path / ".config" / "afterglow" / "token").write_text(f"{TOKEN}\n")
    with Site(guard) as site:
        for command in commands("sh token"):
            assert json.loads(run(command, site, tmp_path).stdout)["cameras"]["door"]
        assert run(commands("sh")[0], site, tmp_path).returncode != 0
        assert run(f"curl -s {WRITTEN_AT}/healthz", site, tmp_path).stdout == "ok\n"


def _shape(told: Any) -> Any:
    """Names and kinds, without the values."""
    if isinstance(told, dict):
        return {name: _shape(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_shape(value) for value in told[:1]]
    return "number" if isinstance(told, int | float) else type(told).__name__
