"""Installs the requirements into .venv, whatever state an earlier try left behind. Standard library only.

In: the folder of Afterglow. Out: .venv with its stamp, or SetupError. One thread, the starter's; a lock keeps a second
start out. Every step can be repeated: pip finds what is installed already, and its cache holds what was downloaded.
"""

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from app.install.disk import free_bytes, require_free_space
from app.install.errors import SetupError, explain_os_error
from app.install.lock import folder_lock
from app.install.pip import PackageNotOfferedError, Pip
from app.install.progress import ProgressLine
from app.install.stamp import (
    VENV_NAME,
    is_ready,
    read_stamp,
    shadowing_package,
    stamp_fields,
    venv_python,
    write_stamp,
)
from app.install.torch_build import choose_torch_build, download_sentences, pinned_version
from app.install.venv_folder import (
    PIP_REQUIREMENT,
    check_imports,
    create_environment,
    environment_version,
    find_site_packages,
    pip_version,
    remove_half_installed,
)

OLDEST_USABLE_PIP = (25, 1)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the start asks of the environment: the tools of the tests too, another package index for torch."""

    with_tests: bool = False
    torch_index: str = ""


class Installer:
    """One set-up of one folder."""

    def __init__(self, root: Path, wanted: Wanted, progress: ProgressLine):
        self._root, self._wanted, self._progress = root, wanted, progress
        self._venv = root / VENV_NAME
        self._python = Path(venv_python(str(root)))
        self._stamp = read_stamp(str(root))
        earlier_index = self._stamp.get("torch_index", "-")
        # A later version of torch comes from where the first one came from.
        self._torch_index = wanted.torch_index or ("" if earlier_index == "-" else earlier_index)

    def ensure(self) -> None:
        """Does nothing when .venv is ready."""
        if self._is_ready():
            return
        try:
            with folder_lock(self._root / ".launch.lock", on_wait=self._tell_waiting):
                if not self._is_ready():
                    self._install()
        except OSError as error:
            raise explain_os_error(error, str(self._root), "Afterglow was being installed") from error

    def _is_ready(self) -> bool:
        return is_ready(str(self._root), self._wanted.with_tests, self._wanted.torch_index)

    def _install(self) -> None:
        self._remove_unusable_environment()
        if not self._python.exists():
            self._progress.say(f"Making {self._venv} with Python {sys.version.split()[0]}.")
            create_environment(self._venv, self._python)
        site_packages = find_site_packages(self._python)
        remove_half_installed(site_packages)
        shutil.rmtree(self._venv / "tmp", ignore_errors=True)  # gigabytes, when an earlier start was killed
        pip = Pip(
            python=self._python,
            log=self._venv / "install.log",
            temporary=self._venv / "tmp",
            version=pip_version(site_packages),
        )
        try:
            pip = self._renew_pip(pip, site_packages)
            self._install_requirements(pip, site_packages)
            check_imports(self._python, lambda: self._replace_opencv(pip))
        finally:
            shutil.rmtree(pip.temporary, ignore_errors=True)
        self._write_stamp(site_packages)
        self._progress.say("Installed.")

    def _remove_unusable_environment(self) -> None:
        """Leaves .venv as it is when its Python runs and suits; removes what an earlier start of ours half made."""
        if not self._venv.exists():
            return
        version = environment_version(self._python)
        earlier_index = self._stamp.get("torch_index")
        wants_other_torch = self._wanted.torch_index and earlier_index not in (None, self._wanted.torch_index)
        if version is not None and (3, 11) <= version <= (3, 13) and not wants_other_torch:
            return
        if version is not None and not self._stamp:
            raise SetupError(
                f"{self._venv} holds Python {version[0]}.{version[1]} and was not made by Afterglow: rename or delete "
                "that folder and run the same command again."
            )
        self._progress.say(f"{self._venv} cannot be used as it is: it is made anew.")
        shutil.rmtree(self._venv)

    def _renew_pip(self, pip: Pip, site_packages: Path) -> Pip:
        if pip.version < OLDEST_USABLE_PIP:
            try:
                pip.run(["install", "--retries=1", PIP_REQUIREMENT], self._progress)
            except PackageNotOfferedError:
                # The pip at hand does as well; only its progress is coarser.
                self._progress.note("no newer pip in the package index")
        extra = ("--extra-index-url", self._torch_index) if self._torch_index else ()
        return replace(pip, version=pip_version(site_packages), extra_arguments=extra)

    def _install_requirements(self, pip: Pip, site_packages: Path) -> None:
        arguments = ["install", "--only-binary=:all:", "-r", str(self._root / "requirements.txt")]
        if self._wanted.with_tests:
            arguments += ["-r", str(self._root / "tests" / "requirements.txt")]
        if not any(site_packages.glob("torch-*.dist-info")):
            arguments += self._prepare_large_download(pip)
        pip.run(arguments, self._progress)
        if shadowing_package(str(site_packages)) is not None:
            pip.run(["uninstall", "--yes", "kernels"], self._progress)

    def _prepare_large_download(self, pip: Pip) -> list[str]:
        """Tells what is coming, checks the disk; further arguments for pip."""
        build = choose_torch_build(pip, self._root / "requirements.txt", self._progress)
        # pip holds the archives beside what it unpacks, and keeps a copy in its cache where there is room.
        need_bytes = build.installed_bytes + build.download_bytes
        require_free_space(self._root, need_bytes, "what Afterglow runs on")
        for sentence in download_sentences(build):
            self._progress.say(sentence)
        has_room_for_cache = free_bytes(self._root) >= need_bytes + build.download_bytes
        return [
            *([build.requirement] if build.requirement else []),
            *([] if has_room_for_cache else ["--no-cache-dir"]),
        ]

    def _replace_opencv(self, pip: Pip) -> None:
        """The same OpenCV without windows, for a machine that lacks the libraries of a desktop."""
        self._progress.say("This machine has no desktop libraries: taking the OpenCV package that needs none.")
        version = pinned_version(self._root / "requirements.txt", "opencv-python")
        pip.run(["uninstall", "--yes", "opencv-python"], self._progress)
        headless = f"opencv-python-headless=={version}"
        pip.run(["install", "--only-binary=:all:", "--no-deps", "--force-reinstall", headless], self._progress)

    def _write_stamp(self, site_packages: Path) -> None:
        fields = {
            # What an earlier set-up installed for the tests is still there.
            "tests": self._stamp.get("tests", "-"),
            **stamp_fields(str(self._root), self._wanted.with_tests),
            "site_packages": os.path.relpath(site_packages, self._root),
            "torch_index": self._torch_index or "-",
        }
        write_stamp(str(self._root), fields)

    def _tell_waiting(self) -> None:
        self._progress.say("Another start of Afterglow is installing into this folder: waiting for it.")
