"""Which build of torch to install and how much room it takes: CUDA libraries are gigabytes. Standard library only.

In: the machine and what the user's pip can see. Out: a TorchBuild, and the sentence that is told before downloading.
"""

import os
import platform
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from app.install.pip import PackageNotOfferedError, Pip
from app.install.progress import ProgressLine

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class TorchBuild:
    """What will be installed: extra requirement (or None) and the bytes of the whole set-up."""

    requirement: str | None
    has_cuda: bool
    download_bytes: int
    installed_bytes: int


# Measured on Linux x86_64 with the pinned versions; the small build is that without the CUDA libraries.
CUDA_BUILD = TorchBuild(requirement=None, has_cuda=True, download_bytes=int(2.8 * GIB), installed_bytes=int(5.5 * GIB))
SMALL_BUILD = TorchBuild(
    requirement=None, has_cuda=False, download_bytes=int(0.6 * GIB), installed_bytes=int(2.2 * GIB)
)


def has_nvidia_gpu() -> bool:
    """A driver is loaded (Linux) or its tool is there; asks no library."""
    if os.path.isdir("/proc/driver/nvidia/gpus") and os.listdir("/proc/driver/nvidia/gpus"):
        return True
    return os.path.exists("/dev/nvidia0") or shutil.which("nvidia-smi") is not None


def pinned_version(requirements: Path, name: str) -> str:
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith(name + "=="):
            return line.split("==")[1].split(";")[0].split("#")[0].strip()
    raise ValueError(f"{requirements} has no line {name}==VERSION")


def choose_torch_build(pip: Pip, requirements: Path, progress: ProgressLine) -> TorchBuild:
    """The CPU build on a Linux machine without NVIDIA GPU whose pip can see one; else what the registry gives.

    Asks the registry, so that a missing network is told before anything else is.
    """
    pinned = f"torch=={pinned_version(requirements, 'torch')}"
    if platform.system() == "Linux" and not has_nvidia_gpu() and is_offered(pip, pinned + "+cpu", progress):
        return replace(SMALL_BUILD, requirement=pinned + "+cpu")
    ask(pip, pinned, progress)
    return CUDA_BUILD if platform.system() == "Linux" else SMALL_BUILD


def is_offered(pip: Pip, requirement: str, progress: ProgressLine) -> bool:
    try:
        ask(pip, requirement, progress)
    except PackageNotOfferedError:
        return False
    return True


def ask(pip: Pip, requirement: str, progress: ProgressLine) -> None:
    """SetupError when the registry does not offer it; reads the wheel's description alone."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:", "--use-feature=fast-deps"]
    pip.run(["install", *options, requirement], progress)


def download_sentences(build: TorchBuild) -> list[str]:
    """What the user is told before anything large is fetched."""
    sentences = [
        f"Installing what Afterglow runs on, once: about {build.download_bytes / GIB:.1f} GiB to download, "
        f"{build.installed_bytes / GIB:.1f} GiB on disk, in .venv beside launch.py."
    ]
    if build.has_cuda and not has_nvidia_gpu():
        sentences.append(
            "Most of that is for NVIDIA GPUs, and this machine shows none: to leave it out, press Ctrl-C and run again "
            "with --torch-index ADDRESS, the address of PyTorch's own package index for CPU builds (PyTorch's "
            f"installation page gives it); about {SMALL_BUILD.download_bytes / GIB:.1f} GiB to download and "
            f"{SMALL_BUILD.installed_bytes / GIB:.1f} GiB on disk remain."
        )
    return sentences
