"""The demo clip is what its card says, and its script is its source."""

import hashlib
import importlib.util
import re
import sys
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vision import END, Frame
from vision.sources import SourceConfig, open_source

DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo"
CLIP = DEMO / "photo_walk.mp4"
CARD = (DEMO / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_photo_walk", DEMO / "make_photo_walk.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    source = open_source(str(CLIP), SourceConfig(speed="max", max_fps=4.0, max_side_px=64))
    source.open()
    frames = [frame for frame in iter(lambda: source.read(2.0), END) if isinstance(frame, Frame)]
    source.close()
    return frames


def test_the_clip_is_small_and_the_one_of_the_card() -> None:
    data = CLIP.read_bytes()
    assert len(data) <= 3_000_000
    assert hashlib.sha256(data).hexdigest() in CARD


def test_the_clip_is_as_long_as_the_script_makes_it(script: ModuleType, frames: list[Frame]) -> None:
    source = open_source(str(CLIP), SourceConfig(speed="max"))
    source.open()
    first = source.read(1.0)
    source.close()
    assert isinstance(first, Frame)
    assert (first.width_px, first.height_px) == (script.WIDTH_PX, script.HEIGHT_PX)
    assert source.duration_s == pytest.approx(script.DURATION_S)  # type: ignore[attr-defined]
    assert frames[-1].time_s == pytest.approx(script.DURATION_S, abs=0.3)


def test_the_card_tells_the_timeline_of_the_script(script: ModuleType) -> None:
    rows = re.findall(r"^\| (\d+) +\| (\d+) +\| (\w+) +\|", CARD, re.MULTILINE)
    ends_s = [*(shot.start_s for shot in script.SHOTS[1:]), script.DURATION_S]
    expected = [(shot.start_s, end_s, shot.photo) for shot, end_s in zip(script.SHOTS, ends_s, strict=True)]
    assert [(float(start_s), float(end_s), photo) for start_s, end_s, photo in rows] == expected


def test_each_photograph_is_seen_in_its_time_alone(script: ModuleType, frames: list[Frame]) -> None:
    """Within a shot all frames look alike; two shots look alike only if they show the same photograph."""
    starts_s = [shot.start_s for shot in script.SHOTS]
    by_shot: list[list[np.ndarray]] = [[] for _ in starts_s]
    for frame in frames:
        number = int(np.searchsorted(starts_s, frame.time_s + 1e-6, side="right")) - 1
        if frame.time_s >= starts_s[number] + script.FADE_S or number == 0:
            by_shot[number].append(frame.image.astype(np.float32))
    means = [np.mean(images, axis=0) for images in by_shot]
    for number, images in enumerate(by_shot):
        assert len(images) >= 30
        for image in images:
            distances = [float(np.abs(image - mean).mean()) for mean in means]
            nearest = int(np.argmin(distances))
            assert script.SHOTS[nearest].photo == script.SHOTS[number].photo
            others = [
                d for d, shot in zip(distances, script.SHOTS, strict=True) if shot.photo != script.SHOTS[number].photo
            ]
            assert distances[nearest] * 1.5 < min(others)


def test_the_script_shows_a_photograph_and_fades_to_the_next(script: ModuleType) -> None:
    """With plain colours for photographs, so that scikit-image is not needed."""
    sizes = {"astronaut": (512, 512), "coffee": (400, 600), "chelsea": (300, 451), "rocket": (427, 640)}
    photos = {name: np.zeros((*size, 3), np.uint8) for name, size in sizes.items()}
    photos["astronaut"][:], photos["coffee"][:] = (200, 0, 0), (0, 200, 0)
    start = round(script.SHOTS[1].start_s * script.FPS)
    pictures = list(islice(script.render(photos), start + script.FPS))[start - 1 :]
    assert {picture.shape for picture in pictures} == {(script.HEIGHT_PX, script.WIDTH_PX, 3)}
    red, green = ([int(picture[9, 9, channel]) for picture in pictures] for channel in (0, 1))
    num_fading = round(script.FADE_S * script.FPS)
    assert red[:2] == [200, 200] and red == sorted(red, reverse=True) and set(red[num_fading + 1 :]) == {0}
    assert green[:2] == [0, 0] and green == sorted(green) and set(green[num_fading + 1 :]) == {200}


def test_every_view_stays_within_its_photograph(script: ModuleType) -> None:
    heights = {"astronaut": 1.0, "coffee": 400 / 600, "chelsea": 300 / 451, "rocket": 427 / 640}
    for shot in script.SHOTS:
        for x, y, width in (shot.first, shot.last):
            height = width * script.HEIGHT_PX / script.WIDTH_PX
            assert x - width / 2 >= -0.002 and x + width / 2 <= 1.002
            assert y - height / 2 >= -0.002 and y + height / 2 <= heights[shot.photo] + 0.002
