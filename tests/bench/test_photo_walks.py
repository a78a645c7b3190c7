import av
import cv2
import numpy as np
import pytest

from bench import photo_walks
from bench.photo_walks import FPS, HEIGHT_PX, WIDTH_PX, Shot, duration_s, frames, write_walk


@pytest.fixture
def walk(monkeypatch, tmp_path):
    """Two photographs: a dark and tall one, a bright and wide one with a ramp from left to right."""
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((90, 60, 3), 20, np.uint8))
    ramp = np.tile(np.linspace(100, 250, 120, dtype=np.uint8)[None, :, None], (60, 1, 3))
    cv2.imwrite(str(tmp_path / "wide.png"), ramp)
    shots = (
        Shot(photo="tall.png", seconds=1),
        Shot(photo="wide.png", seconds=1, start=(0.0, 0.5, 1.0), end=(1.0, 0.5, 1.0)),
    )
    monkeypatch.setitem(photo_walks.WALKS, "made.mp4", shots)
    return tmp_path


def test_pictures_are_cut_at_the_second_and_pan_across_the_photograph(walk):
    pictures = list(frames("made.mp4", walk))
    assert len(pictures) == FPS * duration_s("made.mp4") == 2 * FPS
    assert all(picture.shape == (HEIGHT_PX, WIDTH_PX, 3) for picture in pictures)
    brightness = [float(picture.mean()) for picture in pictures]
    assert max(brightness[:FPS]) < 30 < 90 < min(brightness[FPS:])
    assert brightness[FPS] < brightness[-1], "the crop moves from left to right"


def test_walk_is_the_same_each_time_and_can_be_decoded(walk):
    first, second = (np.stack(list(frames("made.mp4", walk))) for _ in range(2))
    assert np.array_equal(first, second)
    write_walk("made.mp4", walk, walk / "made.mp4")
    with av.open(str(walk / "made.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2 * FPS


def test_missing_photograph_says_how_to_get_it(walk):
    (walk / "wide.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"wide\.png.*bench\.clips"):
        list(frames("made.mp4", walk))
