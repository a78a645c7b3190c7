import pytest

from vision import SourceOpenError
from vision.sources import mask_credentials
from vision.sources.address import parse_address

AWKWARD = "p@s:s/w#r %d"


@pytest.mark.parametrize(
    ("typed", "url", "name"),
    [
        ("rtsp://camera/stream", "rtsp://camera/stream", "rtsp://camera/stream"),
        ("RTSP://Camera.lan:554/a", "rtsp://Camera.lan:554/a", "rtsp://Camera.lan:554/a"),
        ("rtsp://u:p@10.0.0.7/a", "rtsp://u:p@10.0.0.7/a", "rtsp://***@10.0.0.7/a"),
        ("rtsp://u:p%40q@10.0.0.7/a", "rtsp://u:p%40q@10.0.0.7/a", "rtsp://***@10.0.0.7/a"),
        (f"rtsp://u:{AWKWARD}@10.0.0.7:8554/a", "rtsp://u:p%40s%3As%2Fw%23r%20%25d@10.0.0.7:8554/a", None),
        (f"rtsp://u:{AWKWARD}@camera:8554/a", "rtsp://u:p%40s%3As%2Fw%23r%20%25d@camera:8554/a", None),
        ("rtsp://u:12/34@camera.lan/a", "rtsp://u:12%2F34@camera.lan/a", "rtsp://***@camera.lan/a"),
        ("rtsp://u:12/34@camera/a", "rtsp://u:12%2F34@camera/a", "rtsp://***@camera/a"),
        ("rtsp://u:a@b/c@10.0.0.7/a", "rtsp://u:a%40b%2Fc@10.0.0.7/a", "rtsp://***@10.0.0.7/a"),
        ("rtsp://u@10.0.0.7/a@1", "rtsp://u@10.0.0.7/a@1", "rtsp://***@10.0.0.7/a@1"),
        ("http://camera:8080/@user/a", "http://camera:8080/@user/a", "http://camera:8080/@user/a"),
        ("http://10.0.0.7/a@b", "http://10.0.0.7/a@b", "http://10.0.0.7/a@b"),
        ("rtsp://[::1]:554/a", "rtsp://[::1]:554/a", "rtsp://[::1]:554/a"),
        ("rtsp://u:p@[fe80::1]/a", "rtsp://u:p@[fe80::1]/a", "rtsp://***@[fe80::1]/a"),
        ("http://h.org/a b?x=1&y=ü", "http://h.org/a%20b?x=1&y=%C3%BC", "http://h.org/a b?x=1&y=ü"),
        ("http://h.org", "http://h.org", "http://h.org"),
        ("http://bücher.example/a", "http://xn--bcher-kva.example/a", "http://bücher.example/a"),
    ],
)
def test_addresses_are_encoded_for_the_decoder_and_masked_for_people(typed: str, url: str, name: str | None) -> None:
    address = parse_address(typed)
    assert address.url == url
    assert name is None or address.name == name


@pytest.mark.parametrize(
    "password", ["secret", AWKWARD, "a@b@c", "//", "#", "a/b/c", "a?b", "%", "%zz", "ünï", ":", "p@10.0.0.9", "[::1]"]
)
@pytest.mark.parametrize("host", ["10.0.0.7", "camera.lan", "camera:554", "[::1]", "localhost"])
def test_no_password_is_shown_whatever_is_in_it(password: str, host: str) -> None:
    address = parse_address(f"rtsp://admin:{password}@{host}/a")
    assert address.name == f"rtsp://***@{host}/a"
    assert repr(address) == f"NetworkAddress(scheme='rtsp', name='rtsp://***@{host}/a')"


@pytest.mark.parametrize(
    "query",
    ["password=secret", "user=secret", "a=1&pwd=secret&b=2", "token=secret", "API_KEY=secret", "x=1;pass=secret"],
)
def test_passwords_in_parameters_are_masked_and_still_sent(query: str) -> None:
    address = parse_address(f"http://10.0.0.7/video?{query}")
    assert "secret" not in address.name
    assert "secret" in address.url


def test_a_password_in_the_path_is_masked() -> None:
    name = parse_address("rtsp://10.0.0.7/user=admin_password=secret_channel=1.sdp").name
    assert "secret" not in name


@pytest.mark.parametrize(
    "typed",
    [
        "rtsp:",
        "rtsp:/a",
        "rtsp://",
        "rtsp:///a",
        "rtsp://u:secret@",
        "rtsp://u:secret@/a",
        "rtsp://u:secret@h:0/a",
        "rtsp://u:secret@h:99999/a",
        "rtsp://u:secret@h:/a",
        "rtsp://u:secret@h:1234567890/a",
        "rtsp://[::g]/a",
        "rtsp://[::1/a",
        "http://ho st/",
        "http://a..b\\c/",
        "http://h:port/a",
    ],
)
def test_malformed_addresses_are_refused_without_showing_the_password(typed: str) -> None:
    with pytest.raises(SourceOpenError) as failure:
        parse_address(typed)
    assert failure.value.kind == "bad_url"
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("could not open rtsp://u:p@h/a", "could not open rtsp://***@h/a"),
        ("'rtsp://u:p@q@h/a' and http://v:w@h2", "'rtsp://***@h/a' and http://***@h2"),
        ("http://h/a?token=abc&x=1", "http://h/a?token=***&x=1"),
        ("nothing to hide, me@home.org", "nothing to hide, me@home.org"),
    ],
)
def test_addresses_within_a_text_are_masked(text: str, masked: str) -> None:
    assert mask_credentials(text) == masked
