import socket
from pathlib import Path

import pytest

from tests import clips
from tests.http_server import HttpServer
from tests.rtsp_server import RtspServer
from tests.vision.sources.reading import read_all
from vision import SourceOpenError
from vision.sources import OWNER, Credentials, SourceAccess, SourceConfig, open_source
from vision.sources.access import is_public, permitted_addresses

VISITOR = SourceAccess()
ONCE = SourceConfig(connection=None, speed="max", open_timeout_s=3.0)


def refusal(spec: str, access: SourceAccess = VISITOR) -> SourceOpenError:
    with pytest.raises(SourceOpenError) as failure:
        source = open_source(spec, ONCE, access=access)
        try:
            source.open()
        finally:
            source.close()
    return failure.value


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "rtmp", "http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.169.254", "[fe80::1]", "224.0.0.1",
    ],
)  # fmt: skip
def test_a_visitor_reaches_no_service_of_this_machine_however_it_is_spelled(scheme: str, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.0)
        error = refusal(f"{scheme}://admin:secret@{host}:{listener.getsockname()[1]}/a")
        assert error.kind in ("forbidden", "refused", "bad_url") and "secret" not in str(error)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_visitor_reaches_no_other_address_of_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which address of ours would be used
        own = probe.getsockname()[0]
    assert refusal(f"http://{own}:7860/").kind == "forbidden"


def test_a_name_that_means_this_machine_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("93.184.216.34", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert refusal("http://camera.example/a").kind == "forbidden"
    assert permitted_addresses(OWNER, "camera.example", 80, "it") == ["93.184.216.34", "127.0.0.1"]


def test_what_was_permitted_by_configuration_is_reached(tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "clip.ts", num_frames=5)
    permitted = SourceAccess(hosts=("127.0.0.1",))
    with HttpServer(tmp_path) as server, RtspServer() as camera:
        for url in (server.url("file/clip.ts"), camera.url):
            source = open_source(url, ONCE, access=permitted)
            source.open()
            assert len(read_all(source, limit=5)[0]) == 5
            source.close()


def test_a_camera_that_could_redirect_us_must_be_permitted_to_visitors_by_name() -> None:
    for scheme in ("rtsp", "rtsps", "rtmp"):
        error = refusal(f"{scheme}://93.184.216.34/a")
        assert error.kind == "forbidden" and "owner" in str(error)
    with RtspServer() as inside, RtspServer(redirect_to=inside.url) as outside:
        assert refusal(outside.url).kind == "forbidden"
        assert (outside.num_connections, inside.num_connections) == (0, 0)


def test_a_visitor_may_be_held_to_a_list_of_hosts() -> None:
    limited = SourceAccess(hosts=("nvr.lan",), is_limited_to_hosts=True)
    assert refusal("http://93.184.216.34/a", limited).kind == "forbidden"


def test_files_are_opened_from_permitted_folders_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    clips.write_clip(shared / "clip.mp4", num_frames=3)
    clips.write_clip(tmp_path / "private.mp4", num_frames=3)
    (shared / "link.mp4").symlink_to(tmp_path / "private.mp4")
    (tmp_path / "shared2").mkdir()
    permitted = SourceAccess(folders=(str(shared),))
    source = open_source(str(shared / "clip.mp4"), ONCE, access=permitted)
    source.open()
    source.close()
    for path in ("private.mp4", "shared/../private.mp4", "shared/link.mp4", "shared2", "", "shared/nothing/../../x"):
        assert refusal(str(tmp_path / path), permitted).kind == "forbidden"
    assert refusal(str(shared / "clip.mp4")).kind == "forbidden"
    assert refusal("/etc/passwd", permitted).kind == "forbidden"
    assert refusal("etc/passwd\u0000", permitted).kind == "bad_url"


@pytest.mark.parametrize("spec", ["webcam:0", "screen"])
def test_a_visitor_does_not_watch_the_devices_of_this_machine(spec: str) -> None:
    assert refusal(spec).kind == "forbidden"
    open_source(spec, ONCE, access=SourceAccess(has_devices=True)).close()


def test_a_visitors_camera_is_not_told_the_owners_password() -> None:
    known = Credentials(user="admin", password="secret")
    with RtspServer(credentials=("admin", "secret")) as camera:
        source = open_source(camera.url, ONCE, access=SourceAccess(hosts=("127.0.0.1",)), credentials=known)
        with pytest.raises(SourceOpenError) as failure:
            source.open()
        assert failure.value.kind == "unauthorized" and camera.credentials_seen == []
        source = open_source(camera.url, ONCE, credentials=known)
        source.open()
        source.close()
        assert set(camera.credentials_seen) == {("admin", "secret")}
        assert "secret" not in repr(known) + repr(source) + source.name


@pytest.mark.parametrize(
    ("address", "is_it"),
    [
        ("93.184.216.34", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_addresses_of_the_open_internet_are_told_from_others(address: str, is_it: bool) -> None:
    assert is_public(address) is is_it


def test_nobody_is_neither_owner_nor_visitor() -> None:
    with pytest.raises(ValueError, match="trust"):
        SourceAccess(trust="guest")  # type: ignore[arg-type]
