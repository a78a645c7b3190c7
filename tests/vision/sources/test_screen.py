import pytest

from vision import SourceOpenError
from vision.sources import SourceConfig, open_source
from vision.sources.screen import screen_device

EVERYTHING = frozenset({"x11grab", "avfoundation", "gdigrab"})


@pytest.mark.parametrize(
    ("display", "platform", "environ", "device"),
    [
        ("", "linux", {"DISPLAY": ":0"}, ("x11grab", ":0")),
        (":1.0", "linux", {}, ("x11grab", ":1.0")),
        ("", "darwin", {}, ("avfoundation", "Capture screen 0:none")),
        ("1", "darwin", {}, ("avfoundation", "Capture screen 1:none")),
        ("", "win32", {}, ("gdigrab", "desktop")),
    ],
)
def test_each_system_has_its_way_to_the_screen(display: str, platform: str, environ: dict, device: tuple) -> None:
    assert screen_device(display, platform, environ, EVERYTHING) == device


@pytest.mark.parametrize(
    ("platform", "environ", "formats", "words"),
    [
        ("linux", {}, EVERYTHING, "DISPLAY is not set. Share the screen from the browser"),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, EVERYTHING, "Wayland"),
        ("linux", {"DISPLAY": ":0"}, frozenset(), "without x11grab"),
        ("darwin", {}, frozenset({"x11grab"}), "without avfoundation"),
        ("sunos5", {}, EVERYTHING, "sunos5"),
    ],
)
def test_where_the_screen_cannot_be_watched_a_sentence_says_why(
    platform: str, environ: dict, formats: frozenset, words: str
) -> None:
    with pytest.raises(SourceOpenError) as failure:
        screen_device("", platform, environ, formats)
    assert failure.value.kind == "device" and words in str(failure.value)


def test_a_display_that_is_not_there_is_named() -> None:
    source = open_source("screen::99.0", SourceConfig(connection=None))
    with pytest.raises(SourceOpenError) as failure:
        source.open()
    source.close()
    assert failure.value.kind == "device"
