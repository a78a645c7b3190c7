"""The set-up of .venv, with a pip that only remembers what it was asked: nothing is installed here."""

import errno
import io
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.install import environment, torch_build, venv_folder
from app.install.disk import free_bytes, require_free_space
from app.install.environment import Installer, Wanted
from app.install.errors import (
    EXIT_BAD_ARGUMENTS,
    EXIT_DAMAGED,
    EXIT_DISK_FULL,
    EXIT_NOT_FETCHED,
    EXIT_PORT_IN_USE,
    EXIT_READ_ONLY,
    SetupError,
    explain_os_error,
)
from app.install.lock import folder_lock
from app.install.pip import OutputWatcher, PackageNotOfferedError, Pip, explain_failure, pip_environment, run_watched
from app.install.port import page_address, require_free_port
from app.install.progress import ProgressLine, describe_progress
from app.install.stamp import is_ready, read_stamp, shadowing_package, venv_python


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FakeMachine:
    """Stands in for pip and venv: remembers the calls, fails as told."""

    def __init__(self, root: Path):
        self.root = root
        self.calls: list[list[str]] = []
        self.failures: dict[str, SetupError] = {}
        self.num_environments = 0
        self.version: tuple[int, int] | None = (3, 11)
        self.site_packages = root / ".venv" / "lib" / "site-packages"

    def run_pip(self, pip: Pip, arguments: list[str], progress: ProgressLine) -> list[str]:
        self.calls.append([*arguments, *pip.extra_arguments])
        for word, failure in self.failures.items():
            if any(word in argument for argument in arguments):
                raise failure
        if "--dry-run" not in arguments and "-r" in arguments:
            (self.site_packages / "torch-2.11.0.dist-info").mkdir(exist_ok=True)
            (self.site_packages / "torch-2.11.0.dist-info" / "RECORD").touch()
        return []

    def create_environment(self, venv: Path, python: Path) -> None:
        self.num_environments += 1
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        (self.site_packages / "pip-26.3.dist-info").mkdir(parents=True)
        (self.site_packages / "pip-26.3.dist-info" / "RECORD").touch()

    def installs(self) -> list[list[str]]:
        return [call for call in self.calls if "-r" in call]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    (tmp_path / "tests").mkdir()
    (tmp_path / "requirements.txt").write_text("torch==2.11.0\nopencv-python==5.0.0.93\n", encoding="utf-8")
    (tmp_path / "tests" / "requirements.txt").write_text("pytest==9.2.0\n", encoding="utf-8")
    fake = FakeMachine(tmp_path)
    monkeypatch.setattr(Pip, "run", lambda pip, arguments, progress: fake.run_pip(pip, arguments, progress))
    monkeypatch.setattr(environment, "create_environment", fake.create_environment)
    monkeypatch.setattr(environment, "environment_version", lambda python: fake.version)
    monkeypatch.setattr(environment, "find_site_packages", lambda python: fake.site_packages)
    monkeypatch.setattr(environment, "check_imports", lambda python, replace_opencv: None)
    monkeypatch.setattr(environment, "require_free_space", lambda folder, need_bytes, purpose: None)
    monkeypatch.setattr(torch_build, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(torch_build.platform, "system", lambda: "Linux")
    return fake


def install(root: Path, *, with_tests: bool = False, torch_index: str = "") -> str:
    stream = io.StringIO()
    Installer(root, Wanted(with_tests=with_tests, torch_index=torch_index), ProgressLine(stream)).ensure()
    return stream.getvalue()


def test_a_second_start_does_nothing(tmp_path: Path, machine: FakeMachine) -> None:
    assert "Installed." in install(tmp_path)
    machine.calls.clear()
    assert install(tmp_path) == ""
    assert machine.calls == []
    assert is_ready(str(tmp_path))


def test_changed_requirements_are_installed_into_the_same_environment(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path)
    (tmp_path / "requirements.txt").write_text("torch==2.11.0\nnumpy==2.3.5\n", encoding="utf-8")
    assert not is_ready(str(tmp_path))
    install(tmp_path)
    assert machine.num_environments == 1
    assert len(machine.installs()) == 2


def test_line_ends_of_a_checkout_change_nothing(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path)
    path = tmp_path / "requirements.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert is_ready(str(tmp_path))


def test_the_tools_of_the_tests_are_installed_when_wanted_and_then_stay(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path)
    assert not is_ready(str(tmp_path), with_tests=True)
    install(tmp_path, with_tests=True)
    assert is_ready(str(tmp_path), with_tests=True)
    assert is_ready(str(tmp_path))


def test_an_interrupted_set_up_goes_on(tmp_path: Path, machine: FakeMachine) -> None:
    machine.failures["requirements.txt"] = SetupError("interrupted")
    with pytest.raises(SetupError):
        install(tmp_path)
    assert not is_ready(str(tmp_path))
    assert not (tmp_path / ".venv" / "tmp").exists()
    half = machine.site_packages / "gradio-6.31.0.dist-info"
    half.mkdir()
    machine.failures.clear()
    install(tmp_path)
    assert is_ready(str(tmp_path))
    assert machine.num_environments == 1
    assert not half.exists(), "pip would have taken it for installed"


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path)
    python = Path(venv_python(str(tmp_path)))
    python.unlink()
    assert not is_ready(str(tmp_path))
    machine.version = None
    install(tmp_path)
    assert machine.num_environments == 2
    assert is_ready(str(tmp_path))


def test_an_environment_that_somebody_else_made_is_not_deleted(tmp_path: Path, machine: FakeMachine) -> None:
    (tmp_path / ".venv").mkdir()
    machine.version = (3, 9)
    with pytest.raises(SetupError, match=r"Python 3\.9 and was not made by Afterglow"):
        install(tmp_path)
    assert (tmp_path / ".venv").exists()


def test_an_index_for_torch_is_used_and_remembered(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path, torch_index="http://index")
    assert machine.installs()[0][-2:] == ["--extra-index-url", "http://index"]
    assert is_ready(str(tmp_path), torch_index="http://index")
    assert not is_ready(str(tmp_path), torch_index="http://other")
    (tmp_path / "requirements.txt").write_text("torch==2.12.0\nopencv-python==5.0.0.93\n", encoding="utf-8")
    install(tmp_path)
    assert machine.installs()[1][-2:] == ["--extra-index-url", "http://index"]


def test_another_index_for_torch_makes_the_environment_anew(tmp_path: Path, machine: FakeMachine) -> None:
    install(tmp_path)
    install(tmp_path, torch_index="http://index")
    assert machine.num_environments == 2


def test_a_cpu_build_is_taken_where_it_is_offered(tmp_path: Path, machine: FakeMachine) -> None:
    told = install(tmp_path)
    assert "torch==2.11.0+cpu" in machine.installs()[0]
    assert "--torch-index" not in told


def test_the_size_and_the_way_around_it_are_told_before_the_download(tmp_path: Path, machine: FakeMachine) -> None:
    machine.failures["+cpu"] = PackageNotOfferedError("not offered")
    told = install(tmp_path)
    assert "2.8 GiB to download" in told and "--torch-index" in told
    assert not any("+cpu" in argument for argument in machine.installs()[0])


def test_a_missing_network_is_told_before_the_size(tmp_path: Path, machine: FakeMachine) -> None:
    machine.failures["torch"] = PackageNotOfferedError("there is no network", EXIT_NOT_FETCHED)
    stream = io.StringIO()
    with pytest.raises(SetupError, match="no network"):
        Installer(tmp_path, Wanted(), ProgressLine(stream)).ensure()
    assert "GiB" not in stream.getvalue()


def test_too_little_disk_is_told_before_the_download(
    tmp_path: Path, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        environment, "require_free_space", lambda folder, need, purpose: require_free_space(folder, 1 << 62, purpose)
    )
    with pytest.raises(SetupError, match="Not enough disk space") as caught:
        install(tmp_path)
    assert caught.value.exit_code == EXIT_DISK_FULL
    assert machine.installs() == []


def test_little_disk_means_no_copies_in_the_cache_of_pip(
    tmp_path: Path, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "free_bytes", lambda folder: 0)
    install(tmp_path)
    assert "--no-cache-dir" in machine.installs()[0]


def test_a_package_that_hides_our_kernels_is_removed(tmp_path: Path, machine: FakeMachine) -> None:
    (machine.site_packages / "kernels-0.17.2.dist-info").mkdir(parents=True)
    (machine.site_packages / "kernels-0.17.2.dist-info" / "RECORD").touch()
    assert shadowing_package(str(machine.site_packages)) == "kernels-0.17.2.dist-info"
    Path(venv_python(str(tmp_path))).parent.mkdir(parents=True)
    Path(venv_python(str(tmp_path))).symlink_to(sys.executable)
    install(tmp_path)
    assert ["uninstall", "--yes", "kernels"] in machine.calls


@pytest.mark.parametrize("number, exit_code", [(errno.ENOSPC, EXIT_DISK_FULL), (errno.EROFS, EXIT_READ_ONLY)])
def test_what_the_file_system_refuses_becomes_a_sentence(
    tmp_path: Path, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, number: int, exit_code: int
) -> None:
    def refuse(venv: Path, python: Path) -> None:
        raise OSError(number, os.strerror(number), str(venv))

    monkeypatch.setattr(environment, "create_environment", refuse)
    with pytest.raises(SetupError) as caught:
        install(tmp_path)
    assert caught.value.exit_code == exit_code


def test_opencv_without_windows_is_taken_on_a_machine_without_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["ImportError: libGL.so.1: cannot open shared object file", None])
    replaced: list[bool] = []
    monkeypatch.setattr(venv_folder, "run_quietly", lambda command: next(said))
    venv_folder.check_imports(Path("python"), lambda: replaced.append(True))
    assert replaced == [True]


def test_libraries_that_cannot_be_loaded_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv_folder, "run_quietly", lambda command: "Traceback\nImportError: no such instruction")
    with pytest.raises(SetupError, match="no such instruction"):
        venv_folder.check_imports(Path(".venv/bin/python"), lambda: None)


@pytest.mark.parametrize(
    "output, sentence",
    [
        ("Error: [Errno 28] No space left on device", "became full"),
        ("Error: [Errno 30] Read-only file system: 'x'", "Cannot write"),
        ("/usr/bin/python3: No module named ensurepip", "python3-venv"),
        ("something else\nwent wrong", "went wrong"),
    ],
)
def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path, output: str, sentence: str) -> None:
    assert sentence in str(venv_folder.explain_creation_failure(output, tmp_path / ".venv"))


@pytest.mark.parametrize(
    "output, exit_code, sentence",
    [
        ("OSError: [Errno 28] No space left on device", EXIT_DISK_FULL, "free some space"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", EXIT_DAMAGED, "run the same command again"),
        ("zipfile.BadZipFile: File is not a zip file", EXIT_DAMAGED, "pip cache purge"),
        ("ERROR: Could not install: [Errno 13] Permission denied: '/x'", EXIT_READ_ONLY, "writable"),
        ("SSLError(SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", EXIT_NOT_FETCHED, "certificate"),
        ("403 Client Error: Forbidden for url", EXIT_NOT_FETCHED, "refused access"),
        ("WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for x", 11, "network"),
        ("ERROR: No matching distribution found for numpy==2.3.5; python_version > '3'", 11, "no numpy==2.3.5 for"),
        ("ERROR: ResolutionImpossible", 16, "ResolutionImpossible"),
        ("", 16, "no reason"),
    ],
)
def test_each_failure_of_pip_becomes_one_sentence(output: str, exit_code: int, sentence: str) -> None:
    error = explain_failure(output, Path("install.log"), "/folder")
    assert error.exit_code == exit_code
    assert sentence in str(error)
    assert "\n" not in str(error)


def test_a_build_that_a_constraint_stands_beside_is_not_offered() -> None:
    """pip then speaks of a conflict, not of a missing distribution."""
    output = (
        "ERROR: Cannot install torch==2.11.0+cpu because these package versions have conflicting dependencies.\n"
        "The conflict is caused by:\n    The user requested torch==2.11.0+cpu\n"
        "    The user requested (constraint) torch<=2.14.1\n"
        "Additionally, some packages in these conflicts have no matching distributions available for your "
        "environment:\n    torch\nERROR: ResolutionImpossible: for help visit the documentation\n"
    )
    error = explain_failure(output, Path("install.log"), "/folder")
    assert isinstance(error, PackageNotOfferedError) and "torch==2.11.0+cpu" in str(error)
    conflict = output.replace("have no matching distributions available", "are at odds")
    assert not isinstance(explain_failure(conflict, Path("install.log"), "/folder"), PackageNotOfferedError)


def test_only_the_commands_that_know_them_get_the_options_of_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], environment: dict[str, str], sinks: list[object]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr("app.install.pip.run_watched", run)
    pip = Pip(
        python=tmp_path / "python",
        log=tmp_path / "log",
        temporary=tmp_path / "tmp",
        version=(26, 3),
        extra_arguments=("--extra-index-url", "http://index"),
    )
    progress = ProgressLine(io.StringIO())
    pip.run(["install", "x"], progress)
    pip.run(["uninstall", "--yes", "x"], progress)
    assert {"--progress-bar=raw", "--resume-retries=20", "http://index"} <= set(commands[0])
    assert not {"--progress-bar=raw", "--resume-retries=20", "http://index"} & set(commands[1])


def test_the_output_of_pip_becomes_progress() -> None:
    stream = Terminal()
    watcher = OutputWatcher(ProgressLine(stream, clock=iter(range(100)).__next__))
    for line in (
        "Collecting torch==2.11.0 (from -r requirements.txt)\n",
        "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (29 kB)\n",
        "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.6 MB)\n",
        "Progress 0 of 530600000\n",
        "Progress 265300000 of 530600000\n",
        f"Installing collected packages: {', '.join('abcdefghijklm')}\n",
    ):
        watcher.see(line)
    text = stream.getvalue()
    assert "looking up torch==2.11.0" in text
    assert "downloading torch-2.11.0 (530.6 MB)" in text
    assert "265 of 531 MB, 50 %" in text
    assert "unpacking 13 packages" in text


def test_progress_outside_a_terminal_is_a_few_plain_lines() -> None:
    stream = io.StringIO()
    times = iter([0.0, 1.0, 11.0, 12.0])
    line = ProgressLine(stream, clock=lambda: next(times))
    for done in (0, 10_000_000, 50_000_000, 60_000_000):
        line.update("model", done, 100_000_000)
    assert stream.getvalue() == "  model  50 of 100 MB, 50 %, 4.5 MB/s\n"


def test_progress_without_a_known_size_has_no_percentage() -> None:
    assert describe_progress(5_000_000, None, 0.0) == "5 MB"


def test_the_settings_of_the_user_cannot_send_packages_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://mirror")
    environment_of_pip = pip_environment(tmp_path)
    assert "PIP_TARGET" not in environment_of_pip
    assert environment_of_pip["PIP_USER"] == "0"
    assert environment_of_pip["PIP_INDEX_URL"] == "http://mirror"
    assert environment_of_pip["TMPDIR"] == str(tmp_path)


def test_a_program_that_is_watched_ends_when_the_watcher_fails() -> None:
    def fail(line: str) -> None:
        raise KeyboardInterrupt

    command = [sys.executable, "-u", "-c", "import time; print('started'); time.sleep(60)"]
    with pytest.raises(KeyboardInterrupt):
        run_watched(command, dict(os.environ), [fail])


def test_the_lock_lets_one_in_at_a_time(tmp_path: Path) -> None:
    path, waiting, order = tmp_path / "folder" / "lock", threading.Event(), []

    def second() -> None:
        with folder_lock(path, on_wait=waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with folder_lock(path):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_is_told_with_another_to_try(taken_port: int) -> None:
    with pytest.raises(SetupError, match=f"--port {taken_port + 1}") as caught:
        require_free_port("127.0.0.1", taken_port)
    assert caught.value.exit_code == EXIT_PORT_IN_USE


def test_a_free_port_is_free() -> None:
    require_free_port("127.0.0.1", 0)


def test_a_host_that_is_not_ours_is_told() -> None:
    with pytest.raises(SetupError, match="not an address of this machine") as caught:
        require_free_port("192.0.2.1", 7860)
    assert caught.value.exit_code == EXIT_BAD_ARGUMENTS


@pytest.mark.parametrize(
    "words, address",
    [
        ([], ("127.0.0.1", 7860)),
        (["--source", "x", "--port", "80"], ("127.0.0.1", 80)),
        (["--port=81", "--host=0.0.0.0"], ("0.0.0.0", 81)),
    ],
)
def test_the_address_of_the_page_is_read_from_the_words(words: list[str], address: tuple[str, int]) -> None:
    assert page_address(words) == address


@pytest.mark.parametrize("word", ["x", "-1", "65536", ""])
def test_a_port_that_is_no_number_is_refused(word: str) -> None:
    with pytest.raises(SetupError, match="--port needs a number"):
        page_address(["--port", word])


def test_free_space_is_known_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0


def test_an_error_without_a_known_cause_still_says_what_to_do() -> None:
    assert "run the same command again" in str(explain_os_error(OSError(errno.EIO, "x"), "/folder", "y")).lower()


def test_a_broken_stamp_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "afterglow.stamp").write_bytes(b"\xff\xfe\x00")
    assert read_stamp(str(tmp_path)) == {}
