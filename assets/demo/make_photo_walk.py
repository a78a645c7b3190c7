"""Make photo_walk.mp4, the demo clip: a slow look at four photographs, one after the other, the cat's twice.

In: the photographs that come with scikit-image 0.26.0, which nothing else here needs (`pip install
scikit-image==0.26.0` into an environment with this project's requirements; they are in its wheel: no download follows).
Out: the clip beside this file, or where the first argument says. Run `python assets/demo/make_photo_walk.py`. The same
photographs give the same pictures, and with the same PyAV the same bytes.

SHOTS is the timeline; README.md tells it in words, and tests/test_demo_clip.py holds both to the clip.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

FPS = 12
WIDTH_PX, HEIGHT_PX = 640, 480
FADE_S = 0.5

Image = npt.NDArray[np.uint8]
View = tuple[float, float, float]
"""What the camera sees of a photograph: centre x, centre y, width; all as fractions of the photograph's width."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photograph from `start_s` (its fade included) to the start of the next."""

    photo: str
    start_s: float
    first: View
    last: View
    is_cut: bool = False
    """It appears at once; else it fades in over the one before."""


SHOTS = (
    Shot(photo="astronaut", start_s=0.0, first=(0.50, 0.375, 1.00), last=(0.45, 0.36, 0.88)),
    Shot(photo="coffee", start_s=11.0, first=(0.445, 0.333, 0.888), last=(0.48, 0.333, 0.85)),
    Shot(photo="chelsea", start_s=21.0, first=(0.445, 0.333, 0.887), last=(0.47, 0.32, 0.82), is_cut=True),
    Shot(photo="rocket", start_s=31.0, first=(0.50, 0.40, 0.70), last=(0.50, 0.333, 0.888)),
    Shot(photo="chelsea", start_s=41.0, first=(0.52, 0.333, 0.86), last=(0.445, 0.333, 0.887), is_cut=True),
)
DURATION_S = 50.0


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("photo_walk.mp4")
    write_clip(target, load_photos())


def load_photos() -> dict[str, Image]:
    """The photographs by name, uint8 [H, W, 3] RGB."""
    from skimage import data

    return {name: np.asarray(getattr(data, name)(), dtype=np.uint8) for name in {shot.photo for shot in SHOTS}}


def write_clip(target: Path, photos: dict[str, Image]) -> None:
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        # One thread: the result does not depend on the machine.
        stream.options = {"crf": "24", "preset": "slow", "threads": "1", "g": str(4 * FPS)}
        for picture in render(photos):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def render(photos: dict[str, Image]) -> Iterator[Image]:
    """Every picture of the clip in order."""
    for index in range(round(DURATION_S * FPS)):
        time_s = index / FPS
        number = max(number for number, shot in enumerate(SHOTS) if shot.start_s <= time_s)
        picture = look(photos, number, time_s)
        share = (time_s - SHOTS[number].start_s) / FADE_S
        if number > 0 and share < 1.0 and not SHOTS[number].is_cut:
            before = look(photos, number - 1, time_s)
            picture = cv2.addWeighted(picture, share, before, 1.0 - share, 0.0).astype(np.uint8)
        yield picture


def look(photos: dict[str, Image], number: int, time_s: float) -> Image:
    """What the camera sees of one photograph, uint8 [480, 640, 3]. Past its last moment it stands still."""
    shot = SHOTS[number]
    end_s = SHOTS[number + 1].start_s if number + 1 < len(SHOTS) else DURATION_S
    share = min(1.0, (time_s - shot.start_s) / (end_s - shot.start_s))
    eased = share * share * (3.0 - 2.0 * share)
    x, y, width = (before + (after - before) * eased for before, after in zip(shot.first, shot.last, strict=True))
    photo = photos[shot.photo]
    scale = width * photo.shape[1] / WIDTH_PX
    left, top = x * photo.shape[1] - scale * WIDTH_PX / 2, y * photo.shape[1] - scale * HEIGHT_PX / 2
    # From a pixel of the clip to its place in the photograph; between pixels too, so that the motion is smooth.
    matrix = np.array([[scale, 0.0, left], [0.0, scale, top]], dtype=np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(photo, matrix, (WIDTH_PX, HEIGHT_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, dtype=np.uint8)


if __name__ == "__main__":
    main()
