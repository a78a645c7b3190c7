"""What the program takes of the machine: main memory, and device memory where there is a GPU. Any thread."""

import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["machine_fields"]

_STATM = Path("/proc/self/statm")


def machine_fields() -> dict[str, Any]:
    """Bytes; None for what the system does not tell. A GPU is not woken up by asking."""
    return {"memory_bytes": _resident_bytes(), "device": _device_name(), "device_memory_bytes": _device_bytes()}


def _resident_bytes() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):  # another system than Linux
        return None


def _device_name() -> str:
    torch = _torch_with_gpu()
    return "cpu" if torch is None else str(torch.cuda.get_device_name())


def _device_bytes() -> int | None:
    torch = _torch_with_gpu()
    return None if torch is None else int(torch.cuda.memory_allocated())


def _torch_with_gpu() -> Any:
    """None: torch is not loaded, or is being loaded by another thread at this moment, or uses no GPU."""
    torch = sys.modules.get("torch")
    if torch is None or getattr(torch.__spec__, "_initializing", False):
        return None
    return torch if torch.cuda.is_available() and torch.cuda.is_initialized() else None
