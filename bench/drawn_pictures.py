"""The pictures of bench/encoder_drawn.py: drawn ones and photographs, of packages that are fetched and never committed.

In: a folder with the archives below and those of bench/encoder_pictures.py. Out: `Picture`s. What the clips of
bench/real_clips show is not among them, so that the clips can tell how the fit does on what it never saw.

    apt-get download gcompris-qt-data=3.1-2 wesnoth-1.16-data=1:1.16.9-1
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench.encoder_pictures import TABLE, labelled_pictures

__all__ = ["Picture", "pictures"]

ARCHIVES = {
    "gcompris-qt-data_3.1-2_all.deb": "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
    "wesnoth-1.16-data_1%3a1.16.9-1_all.deb": "1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26",
}
IMAGES = "usr/share/games/wesnoth/1.16/data/core/images"
RESOURCES = "usr/share/gcompris-qt/rcc"
DRAWN_RESOURCES = ("clickgame", "lang", "babyshapes")
PHOTO_RESOURCES = ("explore_monuments", "explore_farm_animals", "explore_world_animals", "details")
MIN_SIDE_PX = 150
# Of the labelled pictures: drawings, and what is neither drawing nor photograph (maps, windows of programs, patterns).
NO_PHOTOGRAPHS = frozenset(
    (
        "HappyFish.jpg", "kivy_Bubbles.jpg", "kivy_Ill1.jpg", "ocv_fuzzy_input.png", "ocv_starry_night.jpg", "groot",
        "h_ambush_5_left.jpg", "h_julia_facedetect_sample.jpg", "cards.png", "pca_test1.jpg", "ocv_pic2.png",
        "ocv_pic4.png", "ocv_stanford.png", "h_checkershadow_illusion4med.jpg", "h_screen_finish.jpg",
        "h_screen_charuco.jpg", "h_PropertyPageExample.jpg", "h_PropertySheetInsideFolder.jpg", "h_houghlines2.jpg",
        "h_houghlines3.jpg", "h_fast_kp.jpg", "budapest.jpg",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Picture:
    """image: uint8 [H, W, 3] RGB."""

    name: str
    is_drawn: bool
    image: np.ndarray


def pictures(archives: Path, scratch: Path, rng: np.random.Generator) -> Iterator[Picture]:
    """All of them; the same state of the generator gives the same pictures."""
    roots = {name: _unpacked(archives / name, sha256, scratch) for name, sha256 in ARCHIVES.items()}
    gcompris, wesnoth = roots.values()
    landscapes = [_on(read(path)) for path in sorted((wesnoth / IMAGES / "story").glob("*.jpg"))]
    for number, image in enumerate(landscapes):
        yield Picture(name=f"landscape {number}", is_drawn=True, image=image)
    figures = [read(path) for path in sorted((wesnoth / IMAGES / "portraits").rglob("*.png"))]
    figures += [figure for name in DRAWN_RESOURCES for figure in _resources(gcompris / RESOURCES / f"{name}.rcc")]
    for number, figure in enumerate(figures):
        if min(figure.shape[:2]) >= MIN_SIDE_PX:
            image = _placed(figure, landscapes[rng.integers(len(landscapes))], rng)
            yield Picture(name=f"figure {number}", is_drawn=True, image=image)
    for name in PHOTO_RESOURCES:
        for number, image in enumerate(_resources(gcompris / RESOURCES / f"{name}.rcc")):
            if image[..., 3].min() == 255:
                yield Picture(name=f"{name} {number}", is_drawn=False, image=_on(image))
    table = json.loads(TABLE.read_text(encoding="utf-8"))["pictures"]
    chosen = {entry["name"] for entry in table if "archive" in entry} - NO_PHOTOGRAPHS
    for picture in labelled_pictures(archives):
        if picture.name in chosen:
            yield Picture(name=picture.name, is_drawn=False, image=picture.image)


def read(path: Path) -> np.ndarray:
    return _decoded(np.fromfile(path, np.uint8))


def _decoded(data: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 4] RGBA."""
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("no picture that OpenCV can read")
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGBA))
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA))


def _resources(path: Path) -> Iterator[np.ndarray]:
    """The larger WebP pictures in a Qt resource file, which holds them as they are."""
    data = path.read_bytes()
    start = data.find(b"RIFF")
    while start >= 0:
        size = 8 + int.from_bytes(data[start + 4 : start + 8], "little")
        if data[start + 8 : start + 12] == b"WEBP":
            image = _decoded(np.frombuffer(data[start : start + size], np.uint8))
            if min(image.shape[:2]) >= MIN_SIDE_PX:
                yield image
        start = data.find(b"RIFF", start + 4)


def _placed(figure: np.ndarray, ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A cut-out figure somewhere before a landscape, at 40 to 90 % of its height."""
    height, width = ground.shape[:2]
    scale = min(height * rng.uniform(0.4, 0.9) / figure.shape[0], width / figure.shape[1])
    size = max(int(figure.shape[1] * scale), 1), max(int(figure.shape[0] * scale), 1)
    small = np.asarray(cv2.resize(figure, size, interpolation=cv2.INTER_AREA))
    x, y = rng.integers(0, width - size[0] + 1), rng.integers(0, height - size[1] + 1)
    image = ground.copy()
    image[y : y + size[1], x : x + size[0]] = _on(small, image[y : y + size[1], x : x + size[0]])
    return image


def _on(figure: np.ndarray, ground: np.ndarray | None = None) -> np.ndarray:
    """RGBA on RGB; on white where there is no ground."""
    opacity = figure[..., 3:] / 255.0
    below = 255.0 if ground is None else ground
    return np.ascontiguousarray(figure[..., :3] * opacity + below * (1.0 - opacity), dtype=np.uint8)


def _unpacked(archive: Path, sha256: str, scratch: Path) -> Path:
    if hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{archive} does not have the SHA-256 that it should have: do not use it")
    root = scratch / archive.stem
    subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True, timeout=300)
    return root
