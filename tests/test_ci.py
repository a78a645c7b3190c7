""".ci/run with stand-ins for Debian's tools: what it installs, what it says, and what it runs in the end."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests import needed

ROOT = Path(__file__).resolve().parent.parent
PYTHON = 'echo "python3 $* with AFTERGLOW_CI=$AFTERGLOW_CI"'
ALL_THERE = "echo installed"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The only programs that the script finds, beside the shell's own and a few of the system's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "mktemp", "cat", "rm", "env", "sh"):
        (folder / name).symlink_to(
            next(path for path in (Path("/bin") / name, Path("/usr/bin") / name) if path.exists())
        )
    return folder


def run(tools: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """programs: the lines of each stand-in, by name with _ for -."""
    for name, lines in {"python3": PYTHON, **programs}.items():
        path = tools / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": str(tools), "TMPDIR": str(tools.parent)}
    return subprocess.run(
        ["/bin/sh", str(ROOT / ".ci" / "run")], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_what_is_there_is_not_installed_again(tools: Path) -> None:
    said = run(tools, dpkg_query=ALL_THERE, apt_get="exit 1", id="echo 0")
    assert said.stdout == "python3 launch.py test with AFTERGLOW_CI=1\n" and said.returncode == 0


def test_what_is_missing_is_installed_first(tools: Path) -> None:
    log = tools.parent / "apt.log"
    missing = 'case "$*" in *chromium*|*python3-gi*) exit 1;; *) echo installed;; esac'
    said = run(tools, dpkg_query=missing, apt_get=f'echo "$*" >> {log}', id="echo 0")
    update, install = log.read_text(encoding="utf-8").splitlines()
    assert update.endswith(" update")
    assert install.endswith(" install --yes --no-install-recommends chromium python3-gi")
    assert said.stdout.splitlines() == [
        "Installing chromium python3-gi",
        "python3 launch.py test with AFTERGLOW_CI=1",
    ]


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        ({"dpkg_query": "exit 1", "apt_get": "echo no such host; exit 100", "id": "echo 0"}, "no such host"),
        ({"dpkg_query": "exit 1", "apt_get": "exit 0", "id": "echo 1000", "sudo": "exit 1"}, "run this as root"),
        ({}, "run this on Debian"),
    ],
)
def test_what_cannot_be_installed_is_said_and_no_test_runs(
    tools: Path, programs: dict[str, str], sentence: str
) -> None:
    said = run(tools, **programs)
    assert said.returncode != 0
    assert sentence in said.stderr and "launch.py" not in said.stdout


def test_a_test_without_its_browser_is_skipped_at_home_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("AFTERGLOW_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Chromium is not on this machine"):
        needed.chromium()
    monkeypatch.setenv("AFTERGLOW_CI", "1")
    with pytest.raises(pytest.fail.Exception, match=".ci/run should have installed it"):
        needed.chromium()
