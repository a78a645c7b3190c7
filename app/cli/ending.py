"""The end of the process: with the exit code, whatever still hangs.

Comes in: the exit code. Goes out: nothing returns. The main thread.
"""

import contextlib
import os
import sys
import threading
from typing import NoReturn

__all__ = ["end_process"]


def end_process(exit_code: int) -> NoReturn:
    """Flushes and leaves. A thread that did not end in its time (a device or a library that hangs) is left behind."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(thread.name.startswith("afterglow-") for thread in others):
        os._exit(exit_code)
    sys.exit(exit_code)
