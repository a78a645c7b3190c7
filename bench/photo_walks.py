"""Panned photographs with cuts: streams whose content is known to the frame.

In: the folder that holds the photographs. Out: an mp4 file beside them, and `frames()` for those who want none.
Thread: the caller's. Same photographs, same pixels: the crops are integers and nothing is random (only the bytes of the
encoded file may differ between builds of the encoder).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

__all__ = ["WALKS", "Shot", "duration_s", "frames", "write_walk"]

WIDTH_PX, HEIGHT_PX, FPS = 640, 480, 10


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photograph for `seconds`; its 4:3 crop moves from `start` to `end`: (centre x, centre y, size), 0..1."""

    photo: str
    seconds: int
    start: tuple[float, float, float] = (0.5, 0.5, 1.0)
    end: tuple[float, float, float] = (0.5, 0.5, 1.0)


WALKS: dict[str, tuple[Shot, ...]] = {
    "walk_a.mp4": (
        Shot(photo="dog.jpg", seconds=7, start=(0.45, 0.5, 0.95), end=(0.55, 0.5, 0.95)),
        Shot(photo="coffee.png", seconds=7, start=(0.4, 0.5, 1.0), end=(0.55, 0.5, 0.95)),
        Shot(photo="astronaut.png", seconds=6, start=(0.5, 0.4, 1.0), end=(0.5, 0.5, 1.0)),
        Shot(photo="horses.jpg", seconds=8, start=(0.4, 0.5, 1.0), end=(0.6, 0.5, 1.0)),
        Shot(photo="motorcycle_left.png", seconds=6, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="giraffe.jpg", seconds=7, start=(0.5, 0.4, 1.0), end=(0.5, 0.6, 1.0)),
        Shot(photo="fruits.jpg", seconds=6, start=(0.5, 0.4, 1.0), end=(0.5, 0.6, 1.0)),
        Shot(photo="chelsea.png", seconds=6, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="dog.jpg", seconds=6, start=(0.5, 0.5, 1.0), end=(0.5, 0.55, 0.9)),
        Shot(photo="rocket.jpg", seconds=6, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="coffee.png", seconds=7, start=(0.55, 0.5, 0.95), end=(0.5, 0.5, 1.0)),
    ),
    "walk_b.mp4": (
        Shot(photo="kite.jpg", seconds=7, start=(0.4, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="eagle.jpg", seconds=7, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="person.jpg", seconds=7, start=(0.48, 0.5, 1.0), end=(0.56, 0.5, 1.0)),
        Shot(photo="thai_people.jpg", seconds=7, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="squirrel_cls.jpg", seconds=6, start=(0.45, 0.5, 1.0), end=(0.5, 0.5, 0.95)),
        Shot(photo="messi5.jpg", seconds=7, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="red_apple.jpg", seconds=6, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="lion.jpg", seconds=7, start=(0.5, 0.4, 1.0), end=(0.5, 0.55, 1.0)),
        Shot(photo="butterfly.jpg", seconds=6, start=(0.45, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="person.jpg", seconds=7, start=(0.56, 0.5, 1.0), end=(0.5, 0.5, 1.0)),
        Shot(photo="china.jpg", seconds=7, start=(0.4, 0.5, 1.0), end=(0.55, 0.5, 1.0)),
        Shot(photo="eagle.jpg", seconds=8, start=(0.55, 0.5, 1.0), end=(0.5, 0.5, 0.95)),
    ),
}


def duration_s(walk: str) -> int:
    return sum(shot.seconds for shot in WALKS[walk])


def frames(walk: str, photo_dir: Path) -> Iterator[np.ndarray]:
    """Yields uint8 [HEIGHT_PX, WIDTH_PX, 3] RGB, FPS pictures for a second of the walk."""
    for shot in WALKS[walk]:
        photo = cv2.cvtColor(_read(photo_dir / shot.photo), cv2.COLOR_BGR2RGB)
        num_frames = shot.seconds * FPS
        for number in range(num_frames):
            fraction = number / (num_frames - 1)
            place = [a + (b - a) * fraction for a, b in zip(shot.start, shot.end, strict=True)]
            yield _crop(photo, place[0], place[1], place[2])


def write_walk(walk: str, photo_dir: Path, target: Path) -> None:
    """Encodes the walk to `target` (H.264, nearly lossless)."""
    with av.open(str(target), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(FPS), options={"crf": "18", "preset": "fast", "threads": "1"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        for picture in frames(walk, photo_dir):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _read(path: Path) -> np.ndarray:
    photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photo is None:
        raise FileNotFoundError(
            f"the photograph {path.name} is not in {path.parent}: fetch it with `python -m bench.clips`"
        )
    return photo


def _crop(photo: np.ndarray, centre_x: float, centre_y: float, size: float) -> np.ndarray:
    """The 4:3 crop of `size` (1.0: as large as fits) around the centre, pushed back inside the photograph."""
    height, width = photo.shape[:2]
    crop_height = int(min(height, width * HEIGHT_PX / WIDTH_PX) * size)
    crop_width = crop_height * WIDTH_PX // HEIGHT_PX
    left = min(max(int(centre_x * width) - crop_width // 2, 0), width - crop_width)
    top = min(max(int(centre_y * height) - crop_height // 2, 0), height - crop_height)
    crop = photo[top : top + crop_height, left : left + crop_width]
    shrinks = crop_height > HEIGHT_PX
    return cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
