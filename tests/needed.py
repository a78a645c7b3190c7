"""What some tests need of the machine, as Debian's packages bring it: a browser, a camera server, OpenSSL.

Where it is missing a test is skipped with the reason, but fails with AFTERGLOW_CI set: .ci/run has installed it there.
"""

import os
import shutil
import subprocess
from functools import cache
from typing import NoReturn

import pytest

__all__ = ["chromium", "gstreamer_python", "openssl"]

_DEBIAN_PYTHON = "/usr/bin/python3"
_HAS_SERVER = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def chromium() -> str:
    """The path of Chromium."""
    return shutil.which("chromium") or _missing("Chromium is not on this machine (Debian: chromium)")


def gstreamer_python() -> str:
    """The path of a Python that has GStreamer's RTSP server."""
    return (
        _DEBIAN_PYTHON
        if _has_server()
        else _missing("GStreamer's RTSP server is not on this machine (Debian: python3-gi gir1.2-gst-rtsp-server-1.0)")
    )


def openssl() -> str:
    """The path of OpenSSL's program."""
    return shutil.which("openssl") or _missing("OpenSSL's program is not on this machine (Debian: openssl)")


@cache
def _has_server() -> bool:
    if not os.path.exists(_DEBIAN_PYTHON):
        return False
    return subprocess.run([_DEBIAN_PYTHON, "-c", _HAS_SERVER], capture_output=True, timeout=60).returncode == 0


def _missing(reason: str) -> NoReturn:
    if os.environ.get("AFTERGLOW_CI"):
        pytest.fail(f"{reason}, and .ci/run should have installed it.")
    pytest.skip(reason)
