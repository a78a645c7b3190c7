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
from app.web import WebConfig, serve
from app.web.serving import listening_socket, served_names

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", "", "127.0.0.1.example.org"])
def test_an_address_that_others_could_reach_needs_a_token(host: str) -> None:
    assert WebConfig(host=host).needs_token


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LocalHost", "::1"])
def test_addresses_of_this_machine_alone_need_none_unless_the_owner_wishes(host: str) -> None:
    assert not WebConfig(host=host).needs_token
    assert WebConfig(host=host, token_file=Path("token")).needs_token
    assert WebConfig(host=host, host_names=("afterglow.example",)).needs_token  # a proxy stands before it


def test_a_token_that_others_may_read_keeps_the_page_from_being_served(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("a" * 40)
    path.chmod(0o644)
    with pytest.raises(SetupError, match="chmod 600") as refused:
        serve(AssistantConfig(), web=WebConfig(host="0.0.0.0", port=0, token_file=path))
    assert refused.value.exit_code == EXIT_BAD_ARGUMENTS and "a" * 40 not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "names", "known", "unknown"),
    [
        ("127.0.0.1", (), ("127.0.0.1",), (socket.gethostname(), "192.168.1.5")),
        ("::1", (), ("[::1]",), ("0.0.0.0",)),
        ("192.168.1.5", (), ("192.168.1.5", socket.gethostname()), ("evil.example",)),
        ("0.0.0.0", ("cam.example",), ("cam.example", socket.gethostname()), ("0.0.0.0", "evil.example")),
    ],
)
def test_the_page_is_known_by_its_own_names(
    host: str, names: tuple[str, ...], known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    served = served_names(WebConfig(host=host, host_names=names))
    assert set(known) <= set(served) and not set(unknown) & set(served)


def test_a_port_in_use_is_told() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        with pytest.raises(SetupError, match="in use") as refused:
            serve(AssistantConfig(), web=WebConfig(port=taken.getsockname()[1]))
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
