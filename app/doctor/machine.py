"""The machine: processor, GPU, memory, disk, cameras, video decoder, port.

In: the machine. Out: Finding values. Every library is asked for with care: any of them may be absent. One thread.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app.assets_store import cache_dir
from app.doctor.finding import Finding
from app.doctor.software import installed_version
from app.install.disk import GIB, free_bytes
from app.install.errors import SetupError
from app.install.port import DEFAULT_HOST, DEFAULT_PORT, require_free_port
from app.install.torch_build import has_nvidia_gpu

MIN_FREE_BYTES = GIB
MIN_MEMORY_BYTES = 4 * GIB


def examine_python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(subject="machine", status="ok", found=f"{platform.platform()}")
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Finding(subject="Python", status="ok", found=f"{version}, {sys.executable}")
    else:
        yield Finding(
            subject="Python", status="missing", found=f"{version}, {sys.executable}", remedy="use Python 3.11 to 3.13"
        )


def examine_compute() -> Iterator[Finding]:
    """The cores, torch and its build, the GPU."""
    yield Finding(subject="CPU", status="ok", found=f"{count_cores()} cores, {platform.machine()}")
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding(
            subject="torch", status="missing", found=str(error), remedy="python3 launch.py installs it into .venv"
        )
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU only"
    yield Finding(subject="torch", status="ok", found=f"{torch.__version__}, {build}")
    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(0)
        found = f"{device.name}, {device.total_memory / GIB:.0f} GiB; the embedded model runs without it"
        yield Finding(subject="GPU", status="ok", found=found)
    elif has_nvidia_gpu():
        yield Finding(
            subject="GPU",
            status="note",
            found=f"an NVIDIA GPU that torch ({build}) cannot use; the embedded model runs without it",
            remedy="update the NVIDIA driver" if torch.version.cuda else "delete .venv and start without --torch-index",
        )
    else:
        yield Finding(subject="GPU", status="ok", found="none that torch can use, and none is needed")


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def examine_memory() -> Finding:
    total_bytes = total_memory_bytes()
    if total_bytes is None:
        return Finding(subject="memory", status="note", found="unknown")
    if total_bytes < MIN_MEMORY_BYTES:
        return Finding(
            subject="memory",
            status="note",
            found=f"{total_bytes / GIB:.1f} GiB, little",
            remedy="close other programs: Afterglow takes up to 2.5 GiB",
        )
    return Finding(subject="memory", status="ok", found=f"{total_bytes / GIB:.1f} GiB")


def total_memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def examine_disk(root: Path) -> Iterator[Finding]:
    for subject, folder in (("disk", root), ("disk of models", cache_dir())):
        free = free_bytes(folder)
        is_enough = free >= MIN_FREE_BYTES
        yield Finding(
            subject=subject,
            status="ok" if is_enough else "note",
            found=f"{free / GIB:.1f} GiB free at {folder}",
            remedy="" if is_enough else "free some space",
        )


def examine_cameras() -> Finding:
    if platform.system() != "Linux":
        return Finding(subject="camera", status="ok", found="looked for when `--source webcam:0` is opened")
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        return Finding(
            subject="camera", status="note", found="none", remedy="plug one in, or use --source with a file or a URL"
        )
    refused = [str(device) for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    if refused:
        return Finding(
            subject="camera",
            status="note",
            found=f"{', '.join(refused)}: no permission",
            remedy="sudo usermod -aG video $USER, then log in again",
        )
    return Finding(subject="camera", status="ok", found=", ".join(camera_title(device) for device in devices))


def camera_title(device: Path) -> str:
    try:
        title = Path("/sys/class/video4linux", device.name, "name").read_text(encoding="utf-8").strip()
    except OSError:
        return str(device)
    return f"{device} ({title})"


def examine_media() -> Iterator[Finding]:
    """PyAV decodes and carries its own libraries; the ffmpeg program is only a convenience."""
    version = installed_version("av")
    if version is not None:
        yield Finding(subject="video decoder", status="ok", found=f"PyAV {version}, with its own FFmpeg")
    program = shutil.which("ffmpeg")
    if program is None:
        yield Finding(subject="ffmpeg program", status="ok", found="none; not needed")
        return
    said = subprocess.run([program, "-version"], capture_output=True, text=True, errors="replace", check=False)
    first_line = (said.stdout.splitlines() or ["unknown version"])[0]
    yield Finding(subject="ffmpeg program", status="ok", found=f"{program}, {first_line[:60]}; not needed")


def examine_port() -> Finding:
    try:
        require_free_port(DEFAULT_HOST, DEFAULT_PORT)
    except SetupError as error:
        return Finding(subject="port of the page", status="note", found=str(error))
    return Finding(subject="port of the page", status="ok", found=f"{DEFAULT_HOST}:{DEFAULT_PORT} is free")
