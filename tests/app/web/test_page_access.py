"""What a page may open: on this machine alone all that its owner may; with a token, what the owner has permitted.

Addresses come from the page as they are typed. Nothing that is refused may be connected to or read.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.capturing import CaptureConfig
from app.web.choices import make_source, read_choice
from app.web.serving import page_access
from app.web.web_config import WebConfig
from tests import clips
from tests.app.web.conftest import Server
from vision import SourceOpenError
from vision.sources import OWNER, SourceAccess

StartServer = Callable[..., Server]
REMOTE = WebConfig(host="0.0.0.0")
SECRET = "s3cr3t-p4ss"
LOOPBACK = [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
]  # fmt: skip
NOT_FOR_PAGES = [
    "/etc/passwd", "~/.ssh/id_rsa", "../../etc/passwd", ".", "/dev/zero", "/proc/self/environ", "clip.mp4\0.txt",
    "file:///etc/passwd", "FILE:///etc/passwd", "concat:/etc/passwd|/etc/group", "subfile,,start,0,end,9,,:/etc/passwd",
    "data:video/mp4;base64,AAAA", "ftp://10.0.0.1/a", "gopher://10.0.0.1/a", "unix:/run/a", "lavfi:testsrc", "pipe:0",
    "tcp://10.0.0.1:1", "udp://10.0.0.1:1", "crypto:rtsp://h/a", "async:http://127.0.0.1/", "cache:/etc/passwd",
    "webcam:0", "webcam:/dev/video0", "screen", "screen::0",
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://224.0.0.1/", "http://[::ffff:169.254.169.254]/",
    f"rtsp://admin:{SECRET}@10.0.0.1/a", f"rtmp://admin:{SECRET}@10.0.0.1/a", "rtsps://192.168.1.9/a",
    "", "   ", "rtsp://", "http://", "http://:80/", "rtsp://cam.invalid:0/a", "rtsp://cam.invalid:99999/a", "x" * 5000,
    "rtsp://cam/a\nb", "rtsp://cam/\u202ea", "http://\U0001f4a5.invalid/a", '"/etc/passwd"', "'webcam:0'",
]  # fmt: skip


def refusal(spec: str, access: SourceAccess) -> SourceOpenError:
    with pytest.raises(SourceOpenError) as failure:
        source = make_source(read_choice("named", spec), CaptureConfig(), access)
        try:
            source.open()
        finally:
            source.close()
    return failure.value


def test_a_page_of_this_machine_is_its_owners() -> None:
    assert page_access(WebConfig()) == OWNER
    permitted = WebConfig(host="::", allowed_hosts=("nvr.lan",), allowed_folders=("/videos",), allows_devices=True)
    assert page_access(permitted) == SourceAccess(hosts=("nvr.lan",), folders=("/videos",), has_devices=True)


@pytest.mark.parametrize(
    "web",
    [REMOTE, WebConfig(host_names=("cam.example",)), WebConfig(token_file=Path("token")), WebConfig(renews_token=True)],
)
def test_wherever_a_token_is_needed_pages_are_visitors(web: WebConfig) -> None:
    assert page_access(web) == SourceAccess()


@pytest.mark.parametrize("spec", NOT_FOR_PAGES, ids=lambda spec: ascii(spec[:40]))
def test_a_page_of_elsewhere_opens_nothing_of_this_machine(spec: str) -> None:
    start_s = time.monotonic()
    error = refusal(spec, page_access(REMOTE))
    assert error.kind in ("forbidden", "bad_url", "refused") and SECRET not in str(error)
    assert time.monotonic() - start_s < 20


@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "rtmp"])
@pytest.mark.parametrize("host", LOOPBACK)
def test_a_page_of_elsewhere_reaches_no_service_of_this_machine(scheme: str, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.0)
        error = refusal(f"{scheme}://{host}:{listener.getsockname()[1]}/a", page_access(REMOTE))
        assert error.kind in ("forbidden", "refused", "bad_url")
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_page_itself_is_told_why(start_server: StartServer, tmp_path: Path) -> None:
    """Through the WebSocket, as a browser sends it."""
    server = start_server(access=page_access(REMOTE))
    with server.page() as page:
        for spec, said in (
            ("/etc/passwd", "not in a folder whose files may be opened from here"),
            ("webcam:0", "its owner has not permitted its use"),
            (f"rtsp://admin:{SECRET}@127.0.0.1:554/a", "not among the cameras that may be opened"),
            ("file:///etc/passwd", "is not a kind of source that is accepted"),
        ):
            page.send("start", kind="named", spec=spec)
            messages = page.up_to("problem") if "rtsp" not in spec else [page.until("status", state="failed")]
            told = str(messages)
            assert said in told and SECRET not in told


def test_what_was_permitted_is_opened(start_server: StartServer, tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.mp4", num_frames=3)
    (tmp_path / "link.mp4").symlink_to("/etc/passwd")
    server = start_server(access=page_access(WebConfig(host="0.0.0.0", allowed_folders=(str(tmp_path),))))
    with server.page() as page:
        page.watch(str(tmp_path / "clip.mp4"))
        for name in ("link.mp4", "../clip.mp4", "nothing/../../x"):
            page.send("start", kind="named", spec=str(tmp_path / name))
            assert "not in a folder" in page.until("problem")["message"]


def test_the_demo_and_the_browsers_own_camera_are_for_everybody(start_server: StartServer) -> None:
    server = start_server(access=page_access(REMOTE))
    with server.page() as page:
        page.send("start", kind="demo")
        page.status("running", "ended")
        page.send("start", kind="browser")
        page.until("status", takes_pictures=True)
