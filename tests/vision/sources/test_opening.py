import pytest

import vision.sources
from vision import SourceOpenError
from vision.sources import SourceConfig, SourceCounters, open_source, source_counters
from vision.sources.file import FileSource
from vision.sources.reconnecting import ReconnectingSource
from vision.sources.rtsp import CameraSource
from vision.sources.screen import ScreenSource
from vision.sources.synthetic import SyntheticSource
from vision.sources.web import WebSource
from vision.sources.webcam import WebcamSource


@pytest.mark.parametrize(
    ("spec", "kind", "name", "is_live"),
    [
        ("clip.mp4", FileSource, "clip.mp4", False),
        ("webcam:1", WebcamSource, "webcam:1", True),
        ("rtsp://u:secret@h/a", CameraSource, "rtsp://***@h/a", True),
        ("https://h/a.mp4", WebSource, "https://h/a.mp4", True),
        ("rtmp://u:secret@h/a/b", CameraSource, "rtmp://***@h/a/b", True),
        ("screen:1", ScreenSource, "screen:1", True),
        ("synthetic:colours?frames=2", SyntheticSource, "synthetic:colours", False),
        ("synthetic:colours?live=1", SyntheticSource, "synthetic:colours", True),
    ],
)
def test_each_name_gives_its_source_without_opening_it(spec: str, kind: type, name: str, is_live: bool) -> None:
    source = open_source(spec, SourceConfig(connection=None))
    assert isinstance(source, kind)
    assert (source.name, source.is_live) == (name, is_live)
    source.close()


@pytest.mark.parametrize("spec", ["rtsp://u:secret@h/a", "http://h/a", "rtmp://h/a", "webcam:0", "screen"])
def test_live_sources_come_back_when_they_are_lost_unless_told_otherwise(spec: str) -> None:
    source = open_source(spec)
    assert isinstance(source, ReconnectingSource) and source.is_live
    assert "secret" not in source.name
    source.close()


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(SourceOpenError):
        open_source("ftp://h/a")


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": "fast"},
        {"max_fps": 0.0},
        {"max_fps": float("nan")},
        {"open_timeout_s": 0.0},
        {"read_timeout_s": 1e9},
        {"max_side_px": 0},
        {"max_side_px": 9000},
        {"rtsp_transport": "carrier pigeon"},
        {"image_fps": 0.0},
    ],
)
def test_a_configuration_out_of_range_names_the_field_and_the_value(changes: dict) -> None:
    ((field, value),) = changes.items()
    with pytest.raises(ValueError, match=field) as failure:
        SourceConfig(**changes)
    assert str(value) in str(failure.value)


def test_a_source_without_counters_counts_as_nothing() -> None:
    assert source_counters(object()) == SourceCounters()  # type: ignore[arg-type]
    source = open_source("synthetic:colours", SourceConfig(speed="max"))
    source.open()
    source.read(0.0)
    assert source_counters(source).frames_delivered == 1
    source.close()


def test_the_public_names_are_there() -> None:
    assert all(hasattr(vision.sources, name) for name in vision.sources.__all__)
