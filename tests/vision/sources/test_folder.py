import os
from pathlib import Path
from typing import Any

import pytest

from tests import clips
from tests.vision.sources.reading import read_all
from vision import END, SourceOpenError
from vision.sources import SourceConfig, open_source


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Ten numbered pictures of one level each, and things that are none."""
    folder = tmp_path / "images"
    folder.mkdir()
    from PIL import Image

    for number in range(1, 11):
        picture = Image.new("RGB", (32, 24), (clips.level(number),) * 3)
        picture.save(folder / f"shot{number}{'.png' if number % 2 else '.JPG'}", "PNG" if number % 2 else "JPEG")
    (folder / "notes.txt").write_text("no picture")
    (folder / "below").mkdir()
    return folder


def test_a_folder_of_images_is_a_stream_in_the_order_of_its_names(images: Path) -> None:
    source = open_source(str(images), SourceConfig(speed="max", image_fps=2.0))
    source.open()
    frames, outcome = read_all(source)
    source.close()
    assert not source.is_live and outcome is END
    assert [frame.time_s for frame in frames] == [index / 2 for index in range(10)]
    assert [clips.level_of(frame.image) for frame in frames] == list(range(1, 11))


def test_what_is_no_picture_is_counted_and_passed_over(images: Path) -> None:
    (images / "shot3.png").write_text("This is a shopping list.")
    (images / "shot4.JPG").write_bytes((images / "shot4.JPG").read_bytes()[:200])
    clips.write_huge_png_header(images / "shot5.png")
    (images / "shot7.png").write_bytes(b"")
    source = open_source(str(images), SourceConfig(speed="max"))
    source.open()
    frames, _ = read_all(source)
    source.close()
    assert [frame.index for frame in frames] == [0, 1, 5, 7, 8, 9]
    assert source.counters.packets_damaged == 4  # type: ignore[attr-defined]


def test_links_out_of_the_folder_and_pipes_are_left_alone(images: Path, tmp_path: Path) -> None:
    clips.write_still(tmp_path / "private.png")
    (images / "shot11.png").symlink_to(tmp_path / "private.png")
    os.mkfifo(images / "shot12.png")
    source = open_source(str(images), SourceConfig(speed="max"))
    source.open()
    assert len(read_all(source)[0]) == 10
    source.close()


def test_pictures_come_when_they_are_due(images: Path, clock: Any) -> None:
    source = open_source(str(images), SourceConfig(image_fps=1.0), clock)
    source.open()
    start_s = clock.now_s
    frames, _ = read_all(source, limit=3)
    source.close()
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert clock.now_s - start_s == pytest.approx(2.0, abs=0.01)


def test_the_rate_is_limited(images: Path) -> None:
    source = open_source(str(images), SourceConfig(speed="max", image_fps=10.0, max_fps=5.0))
    source.open()
    assert [frame.index for frame in read_all(source)[0]] == [0, 2, 4, 6, 8]
    source.close()


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    source = open_source(str(tmp_path))
    with pytest.raises(SourceOpenError, match="without images") as failure:
        source.open()
    assert failure.value.kind == "directory"
    with pytest.raises(ValueError, match="before open"):
        source.read(0.1)
