"""How much memory this process holds at the moment, as Linux tells."""

import os
from pathlib import Path

__all__ = ["resident_bytes"]


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
