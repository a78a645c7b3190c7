from pathlib import Path

import pytest

from app.capturing import CaptureConfig
from app.web.choices import DEMO_CLIP, make_source, read_choice
from vision import SourceOpenError
from vision.sources import PushedSource


def test_the_demo_clip_is_one_click_and_exists() -> None:
    source = make_source(read_choice("demo", None), CaptureConfig())
    assert DEMO_CLIP.is_file()
    assert source.name == "the demo clip (photo_walk.mp4)" and not source.is_live


def test_the_camera_of_the_browser_is_a_source_of_its_own() -> None:
    assert isinstance(make_source(read_choice("browser", None), CaptureConfig()), PushedSource)


@pytest.mark.parametrize("typed", ['"my clip.mp4"', "'my clip.mp4'", "  my clip.mp4\t"])
def test_paths_may_come_with_quotation_marks_and_spaces(typed: str) -> None:
    assert make_source(read_choice("named", typed), CaptureConfig()).name == "my clip.mp4"


@pytest.mark.parametrize(("kind", "spec"), [("named", None), ("named", 5), ("else", "x"), (None, None), ({}, [])])
def test_what_the_page_cannot_mean_gets_a_sentence(kind: object, spec: object) -> None:
    with pytest.raises(SourceOpenError, match="Choose a camera"):
        read_choice(kind, spec)


def test_a_password_is_in_neither_name_nor_repr() -> None:
    choice = read_choice("named", "rtsp://admin:s3cr3t@camera.local/live")
    assert "s3cr3t" not in repr(choice) + make_source(choice, CaptureConfig()).name


def test_nothing_typed_gets_a_sentence() -> None:
    with pytest.raises(SourceOpenError):
        make_source(read_choice("named", " "), CaptureConfig())


def test_the_clip_lies_in_the_repository() -> None:
    assert DEMO_CLIP.is_relative_to(Path(__file__).resolve().parents[3])
