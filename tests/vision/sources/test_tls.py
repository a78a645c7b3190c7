"""Cameras and web servers with certificates of their own making: refused by default, accepted when they are named."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import clips
from tests.certificates import make_certificate, server_context
from tests.gstreamer import GstreamerCamera, GstreamerServer, free_port
from tests.http_server import HttpServer
from tests.rtmp_server import RtmpServer
from tests.vision.sources.reading import assert_harmless, make, read_all, refusal
from vision import Frame, SourceOpenError
from vision.sources import SourceAccess, SourceConfig, TlsRules, open_source

KINDS = ("rtsps", "rtmps", "https")
StartServer = Callable[[str, tuple[Path, Path]], str]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """start_server(kind, certificate): the address of a video."""
    with ExitStack() as servers:

        def start(kind: str, certificate: tuple[Path, Path]) -> str:
            if kind == "rtsps":
                cameras = {"/camera": GstreamerCamera()}
                made = GstreamerServer(tmp_path, free_port(), cameras, certificate=certificate)
                return servers.enter_context(made).url("/camera")
            if kind == "rtmps":
                return servers.enter_context(RtmpServer(tls=server_context(certificate))).url
            clips.write_clip(tmp_path / "clip.ts")
            return servers.enter_context(HttpServer(tmp_path, tls=server_context(certificate))).url("file/clip.ts")

        yield start


def is_read(url: str, tls: TlsRules) -> bool:
    source = make(url, tls=tls)
    source.open()
    frames, _ = read_all(source, limit=3)
    source.close()
    return len(frames) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_named(
    start_server: StartServer, tmp_path: Path, kind: str
) -> None:
    certificate = make_certificate(tmp_path)
    url = start_server(kind, certificate)
    error = refusal(url)
    assert error.kind == "untrusted" and "--ca-file" in str(error)
    assert is_read(url, TlsRules(ca_file=str(certificate[0])))
    assert is_read(url, TlsRules(is_checked=False))


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_for_another_name_is_refused_though_it_is_trusted(
    start_server: StartServer, tmp_path: Path, kind: str
) -> None:
    certificate = make_certificate(tmp_path, names="DNS:other.local")
    url = start_server(kind, certificate)
    assert refusal(url, tls=TlsRules(ca_file=str(certificate[0]))).kind == "untrusted"


def test_a_visitors_camera_is_checked_by_its_name_though_its_address_is_pinned(
    start_server: StartServer, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, names="DNS:localhost")
    url = start_server("rtsps", certificate).replace("127.0.0.1", "localhost")
    config = SourceConfig(connection=None, tls=TlsRules(ca_file=str(certificate[0])))
    source = open_source(url, config, access=SourceAccess(hosts=("localhost",)))
    source.open()
    assert isinstance(read_all(source, limit=1)[0][0], Frame)
    source.close()


@pytest.mark.parametrize("scheme", KINDS)
def test_a_file_of_certificates_that_holds_none_is_named(tmp_path: Path, scheme: str, closed_port: int) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing", encoding="utf-8")
    for path in (empty, tmp_path / "missing.pem"):
        source = make(f"{scheme}://127.0.0.1:{closed_port}/a", tls=TlsRules(ca_file=str(path)))
        with pytest.raises(SourceOpenError, match=f"{path.name} holds no certificates") as failure:
            source.open()
        assert_harmless(failure.value)


def test_a_port_that_refuses_is_not_taken_for_a_bad_certificate(closed_port: int) -> None:
    assert refusal(f"rtsps://127.0.0.1:{closed_port}/a").kind == "refused"
