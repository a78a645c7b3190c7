"""Where the page may be served, and the whole program: its page, and Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from app.config import AssistantConfig
from app.install.errors import EXIT_BAD_ARGUMENTS, EXIT_PORT_IN_USE, SetupError
from app.web import serve
from app.web.serving import listening_socket, require_loopback

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", "", "127.0.0.1.example.org"])
def test_an_address_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(SetupError, match="no password yet") as refused:
        serve(AssistantConfig(), host=host, open_browser=False)
    assert refused.value.exit_code == EXIT_BAD_ARGUMENTS


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LocalHost", "::1"])
def test_addresses_of_this_machine_alone_are_accepted(host: str) -> None:
    require_loopback(host)


def test_a_port_in_use_is_told() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        with pytest.raises(SetupError, match="in use") as refused:
            serve(AssistantConfig(), port=taken.getsockname()[1], open_browser=False)
        assert refused.value.exit_code == EXIT_PORT_IN_USE


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C of a child process is a signal of POSIX")
def test_the_program_serves_the_page_and_ends_at_ctrl_c() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "Afterglow is at" in line)
        assert f"http://127.0.0.1:{port}" in told
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            page = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/theme.css", timeout=20) as answer:
            theme = answer.read().decode()
        process.send_signal(signal.SIGINT)
        interrupted_s = time.monotonic()
        output, rest = process.communicate(timeout=20)
        assert time.monotonic() - interrupted_s < 5.0
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and output == ""
    assert "Traceback" not in rest and "Stopped by Ctrl-C" in rest
    assert "<title" in page or "Afterglow" in page
    assert not re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//", page)
    assert not re.findall(r"@import|url\([\"']?(?:https?:)?//", theme)
