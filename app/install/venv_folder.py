"""The folder .venv itself: made with the running Python, given a pip, looked at without being trusted.

In: paths. Out: facts, or SetupError. Standard library only; the starter's thread. Nothing is downloaded here except a
pip for a Python whose distributor left it out.
"""

import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from app.install.errors import SetupError, explain_os_error
from app.install.pip import DISK_WORDS, PERMISSION_WORDS
from app.install.stamp import base_interpreter

# Tells its progress in a form that can be read, and goes on with a broken download.
PIP_REQUIREMENT = "pip==26.3"
CHECKED_IMPORTS = ("numpy", "av", "cv2", "faiss", "torch")
DESKTOP_LIBRARY = re.compile(r"lib(GL|EGL|gthread|glib|xcb|X11|SM|ICE|Xext|Xrender)[\w.+-]*\.so")


def create_environment(venv: Path, python: Path) -> None:
    """A virtual environment with pip, also with a Python whose distributor left `ensurepip` out."""
    base = base_interpreter()
    failure = run_quietly([base, "-I", "-m", "venv", "--without-pip", str(venv)])
    if failure is None and run_quietly([str(python), "-I", "-m", "ensurepip", "--default-pip"]) is not None:
        failure = run_quietly([base, "-I", "-m", "pip", "--python", str(python), "install", PIP_REQUIREMENT])
    if failure is not None:
        shutil.rmtree(venv, ignore_errors=True)
        raise explain_creation_failure(failure, venv)


def explain_creation_failure(output: str, venv: Path) -> SetupError:
    for number, words in ((28, DISK_WORDS), (13, PERMISSION_WORDS)):
        if any(word in output for word in words):
            return explain_os_error(OSError(number, output), str(venv.parent), ".venv was being made")
    if "No module named" in output:
        return SetupError(
            f"This Python ({base_interpreter()}) came without the parts that make virtual environments: install them "
            "(on Debian and Ubuntu: `sudo apt install python3-venv`) or use a Python 3.11 to 3.13 from python.org."
        )
    last_line = (output.strip().splitlines() or ["it gave no reason"])[-1]
    return SetupError(f"{venv} could not be made: {last_line}")


def run_quietly(command: list[str]) -> str | None:
    """None when the command succeeded, else what it said."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stdout or "no output"


def environment_version(python: Path) -> tuple[int, int] | None:
    """The version of .venv's own Python; None when it, or its pip, does not run."""
    command = [str(python), "-I", "-c", "import sys, pip; print(*sys.version_info[:2])"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
        return int(output[0]), int(output[1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return None


def find_site_packages(python: Path) -> Path:
    command = [str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def pip_version(site_packages: Path) -> tuple[int, ...]:
    """(0,) when there is no pip."""
    names = (folder.name for folder in site_packages.glob("pip-*.dist-info"))
    matches = (re.fullmatch(r"pip-(\d+)\.(\d+).*\.dist-info", name) for name in names)
    return max(((int(match[1]), int(match[2])) for match in matches if match), default=(0,))


def remove_half_installed(site_packages: Path) -> None:
    """A package whose unpacking was interrupted has no RECORD, and pip would take it for installed."""
    for folder in site_packages.glob("*.dist-info"):
        if not (folder / "RECORD").exists():
            shutil.rmtree(folder)


def check_imports(python: Path, replace_opencv: Callable[[], None]) -> None:
    """Imports the large libraries once, so that a machine that cannot load them is told now and in one sentence."""
    command = [str(python), "-I", "-c", f"import {', '.join(CHECKED_IMPORTS)}"]
    failure = run_quietly(command)
    if failure is not None and DESKTOP_LIBRARY.search(failure):
        replace_opencv()
        failure = run_quietly(command)
    if failure is not None:
        reason = failure.strip().splitlines()[-1]
        raise SetupError(
            f"The packages are installed, and this machine ({platform.platform()}) cannot load them: {reason}. Delete "
            f"{python.parent.parent} and run the same command again; if this comes back, the machine is not supported."
        )
