"""`python3 launch.py`, run as a program in a folder whose .venv is a stand-in: nothing is installed or fetched here."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.install.stamp import stamp_fields, venv_python, write_stamp
from app.start import child, command, suite

ROOT = Path(__file__).resolve().parent.parent
STUB_CLI = """
import os, sys
print("cli", sys.argv[1:], os.getcwd(), os.environ.get("PYTHONPATH"))
sys.exit(7)
"""
NO_NETWORK = """
from app.install.errors import EXIT_NOT_FETCHED, SetupError
def fetch_all(*arguments):
    raise SetupError("there is no network", EXIT_NOT_FETCHED)
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Afterglow's starter with a ready .venv (this Python) and a command line that only tells how it was called."""
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "app", root / "app", ignore=shutil.ignore_patterns("__pycache__", "language", "web"))
    (root / "tests").mkdir()
    for name in ("launch.py", "requirements.txt", "tests/requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    (root / "app" / "cli" / "__main__.py").write_text(STUB_CLI, encoding="utf-8")
    python = Path(venv_python(str(root)))
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    write_stamp(str(root), {**stamp_fields(str(root), with_tests=True), "site_packages": ".venv/site-packages"})
    return root


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model is there, and none can be fetched."""
    monkeypatch.setenv("AFTERGLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("AFTERGLOW_TORCH_INDEX", raising=False)
    return tmp_path / "home"


def launch(root: Path, *words: str, cwd: Path | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    """`before`: a statement that runs first in the same Python."""
    path = str(root / "launch.py")
    program = f"import runpy, sys; {before}; sys.argv[0] = {path!r}; runpy.run_path({path!r}, run_name='__main__')"
    start = ["-c", program] if before else [path]
    return subprocess.run(
        [sys.executable, *start, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def models_are_there(root: Path) -> None:
    """The clone's own look at the cache folder is replaced: it says that nothing is missing."""
    state = root / "app" / "assets_store" / "state.py"
    text = state.read_text(encoding="utf-8")
    state.write_text(
        text + "\n\ndef are_assets_ready(folder=None, with_optional=False):\n    return True\n", encoding="utf-8"
    )


def test_version_and_help_need_nothing(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    assert launch(clone, "--version").stdout.startswith("Afterglow 0.")
    said = launch(clone, "--help")
    assert said.returncode == 0
    assert "python3 launch.py ask --source" in said.stdout and "Exit codes" in said.stdout
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("version", ["(3, 10, 13)", "(3, 14, 0)", "(3, 6, 1)"])
def test_an_unsuitable_python_is_told_in_one_sentence(clone: Path, version: str) -> None:
    said = launch(clone, "ask", before=f"sys.version_info = {version}")
    assert said.returncode == 10
    assert said.stderr.startswith("Afterglow needs Python 3.11, 3.12 or 3.13, and this is Python 3.")
    assert said.stderr.count("\n") == 1


def test_it_hands_over_with_the_words_and_the_folder_of_the_user(clone: Path, tmp_path: Path) -> None:
    models_are_there(clone)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('the wrong app')", encoding="utf-8")
    said = launch(clone, "ask", "--source", "a clip.mp4", "--question", "où?", cwd=tmp_path)
    assert said.returncode == 7, said.stderr
    words = ["ask", "--source", "a clip.mp4", "--question", "où?"]
    assert said.stdout == f"cli {words} {tmp_path} {clone}\n"
    assert said.stderr == ""


def test_without_a_command_it_serves_the_page(clone: Path) -> None:
    models_are_there(clone)
    port = free_port()
    assert launch(clone, "--port", str(port)).stdout.startswith(f"cli ['serve', '--port', '{port}']")


def test_a_port_in_use_is_told_before_anything_is_installed(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        said = launch(clone, "--port", str(listener.getsockname()[1]))
    assert said.returncode == 14
    assert "is in use" in said.stderr and said.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_wrong_words_are_told_before_anything_is_installed(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    assert launch(clone, "ask", "--frames", "3").returncode == 2
    assert launch(clone, "frobnicate").returncode == 2
    assert not (clone / ".venv").exists()


def test_help_of_a_command_is_there_before_anything_is_installed(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    said = launch(clone, "ask", "--help")
    assert said.returncode == 0 and "--question" in said.stdout
    assert not (clone / ".venv").exists()


def test_the_doctor_comes_before_anything_is_installed(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    said = launch(clone, "doctor")
    assert said.returncode == 1
    assert "set-up" in said.stdout and said.stderr == ""
    assert not (clone / ".venv").exists()


def test_a_package_that_hides_our_kernels_is_told(clone: Path) -> None:
    (clone / ".venv" / "site-packages" / "kernels-0.17.2.dist-info").mkdir(parents=True)
    said = launch(clone, "ask", "--source", "x", "--question", "x")
    assert said.returncode == 16
    assert "pip uninstall kernels" in said.stderr and said.stderr.count("\n") == 1


def test_models_that_cannot_be_fetched_are_told(clone: Path) -> None:
    fetching = clone / "app" / "assets_store" / "fetching.py"
    fetching.write_text(NO_NETWORK, encoding="utf-8")
    said = launch(clone, "ask", "--source", "x", "--question", "x")
    assert said.returncode == 5
    assert said.stdout == "", "stdout is for answers alone"
    assert said.stderr == "there is no network\n"


def test_an_index_for_torch_is_taken_out_of_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.understand(["--torch-index", "http://x", "ask", "a"]) == ("ask", ["a"], "http://x")
    assert command.understand(["ask", "--torch-index=http://x"]) == ("ask", [], "http://x")
    monkeypatch.setenv("AFTERGLOW_TORCH_INDEX", "http://y")
    assert command.understand([]) == ("serve", [], "http://y")


def test_ctrl_c_while_setting_up_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "prepare", interrupt)
    assert command.run("/nowhere", ["ask"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped: the same command goes on from here."


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_child_that_a_signal_ended_has_its_code() -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert child.run_child([sys.executable, "-c", program], dict(os.environ)) == 128 + signal.SIGTERM


class Steps:
    """Stands in for the tools of `test`: remembers them, fails at one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failing: str = ""):
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.failing = failing
        monkeypatch.setattr(suite, "ensure_environment", self.ensure_environment)
        monkeypatch.setattr(suite, "ensure_models", lambda root, with_optional: None)
        monkeypatch.setattr(suite, "run_child", self.run_child)

    def ensure_environment(self, root: str, torch_index: str, with_tests: bool) -> None:
        assert with_tests

    def run_child(self, command: list[str], environment: dict[str, str], folder: str) -> int:
        self.commands.append(command[2:])
        self.environments.append(environment)
        return 3 if self.failing and self.failing in command else 0


def test_the_suite_runs_every_check_in_order(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    steps = Steps(monkeypatch)
    assert suite.run_suite("/root", ["-k", "ledger"], "") == 0
    assert steps.commands == [
        ["ruff", "format", "--check", "."],
        ["ruff", "check", "."],
        ["mypy"],
        ["pytest", "-k", "ledger"],
    ]
    assert steps.environments[-1]["AFTERGLOW_ASSETS"] == str(home)


def test_the_suite_stops_at_the_first_failure_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, failing="mypy")
    assert suite.run_suite("/root", [], "") == 3
    assert len(steps.commands) == 3


def test_ci_runs_exactly_the_command_of_the_readme() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "launch.py" in line] == ["exec python3 launch.py test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
