"""How much of the machine's memory this program holds: on the host, and on a GPU where one is used.

Comes in: nothing. Goes out: bytes, or None where it cannot be told. Any thread; takes microseconds.
"""

import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["device_memory_bytes", "host_memory_bytes"]

_STATM = Path("/proc/self/statm")


def host_memory_bytes() -> int | None:
    """Resident memory of this process now. None on systems that do not tell without a further library."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def device_memory_bytes() -> int | None:
    """What PyTorch holds on all GPUs. None: none is used."""
    # Asking must not bring it in, and another thread may be in the middle of importing it.
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    if not hasattr(cuda, "memory_reserved") or not cuda.is_initialized():
        return None
    return sum(int(cuda.memory_reserved(number)) for number in range(cuda.device_count()))
