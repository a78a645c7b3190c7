from pathlib import Path

import pytest

from vision import SourceOpenError
from vision.sources import credentials_from_environment, credentials_from_file
from vision.sources.address import add_credentials, parse_address, split_address

AWKWARD = "p@s:s/w#r %d"


def write(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_user_and_password_come_from_the_environment() -> None:
    assert credentials_from_environment({}) is None
    known = credentials_from_environment({"AFTERGLOW_SOURCE_USER": "admin", "AFTERGLOW_SOURCE_PASSWORD": AWKWARD})
    assert known is not None and (known.user, known.password) == ("admin", AWKWARD)
    assert "admin" not in repr(known) and AWKWARD not in repr(known)
    alone = credentials_from_environment({"FRONT_USER": "viewer"}, prefix="FRONT")
    assert alone is not None and (alone.user, alone.password) == ("viewer", "")


def test_user_and_password_come_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "camera", f"\ufeffadmin\r\n{AWKWARD}\r\n")
    known = credentials_from_environment({"AFTERGLOW_SOURCE_CREDENTIALS": path})
    assert known is not None and (known.user, known.password) == ("admin", AWKWARD)


@pytest.mark.parametrize(
    "environ",
    [
        {"AFTERGLOW_SOURCE_PASSWORD": "secret"},
        {"AFTERGLOW_SOURCE_CREDENTIALS": "/nowhere", "AFTERGLOW_SOURCE_USER": "u"},
        {"AFTERGLOW_SOURCE_CREDENTIALS": "/nowhere"},
        {"AFTERGLOW_SOURCE_USER": "admin", "AFTERGLOW_SOURCE_PASSWORD": "secret\nHost: other"},
    ],
)
def test_half_of_them_or_two_of_them_are_refused_in_a_sentence(environ: dict) -> None:
    with pytest.raises(SourceOpenError) as failure:
        credentials_from_environment(environ)
    assert failure.value.kind == "unauthorized" and "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("admin\nsecret\n", 0o644),
        ("admin\n", 0o600),
        ("\nsecret\n", 0o600),
        ("a\nsecret\nc\n", 0o600),
        ("x" * 9000, 0o600),
    ],
)
def test_files_that_others_may_read_or_that_are_malformed_are_refused(tmp_path: Path, text: str, mode: int) -> None:
    with pytest.raises(SourceOpenError) as failure:
        credentials_from_file(write(tmp_path / "camera", text, mode))
    assert "secret" not in f"{failure.value} {failure.value.__context__}"


def test_a_file_that_is_no_text_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "camera").write_bytes(b"admin\n\xff\xfesecret\n")
    (tmp_path / "camera").chmod(0o600)
    with pytest.raises(SourceOpenError) as failure:
        credentials_from_file(str(tmp_path / "camera"))
    assert failure.value.__context__ is None


def test_they_are_put_into_an_address_that_has_none() -> None:
    url = add_credentials(parse_address("rtsp://[::1]:554/a?b=c").url, "admin", AWKWARD)
    assert url == "rtsp://admin:p%40s%3As%2Fw%23r%20%25d@[::1]:554/a?b=c"
    parts = split_address(url)
    assert (parts.user, parts.password, parts.host, parts.port, parts.target) == (
        "admin",
        AWKWARD,
        "::1",
        554,
        "/a?b=c",
    )
    assert "admin" not in repr(parts)
    assert add_credentials(url, "other", "one") == url


def test_the_host_of_an_address_is_replaced_and_the_rest_stays() -> None:
    assert split_address("rtsp://u:p%40@cam.lan/a?b=c").with_host("10.0.0.7") == "rtsp://u:p%40@10.0.0.7:554/a?b=c"
    assert split_address("http://cam.lan:8080/").with_host("fe80::1") == "http://[fe80::1]:8080/"
    assert split_address("https://cam.lan:8443/a").origin == "https://cam.lan:8443"
    with pytest.raises(ValueError, match="parse_address"):
        split_address("file:///etc/passwd")
