from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from vision import END, Frame, SourceOpenError
from vision.sources import SourceConfig, open_source
from vision.sources.synthetic import SCENES, SyntheticSource

MAX = SourceConfig(speed="max")


def play(scene: str, options: Mapping[str, str], config: SourceConfig = MAX, clock: Any = None) -> list[Frame]:
    source = SyntheticSource(scene, options, config, clock)
    source.open()
    frames = []
    while (item := source.read(1.0)) is not END:
        assert isinstance(item, Frame)
        frames.append(item)
    assert source.read(1.0) is END
    source.close()
    return frames


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", ["64x48", "1x1", "7x301"])
def test_a_scene_is_the_same_every_time(scene: str, size: str) -> None:
    options = {"frames": "45", "fps": "10", "size": size}
    one, other = play(scene, options), play(scene, options)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))
    assert [frame.time_s for frame in one] == [index / 10 for index in range(45)]
    assert f"{one[0].width_px}x{one[0].height_px}" == size


def test_the_square_moves_to_the_right() -> None:
    frames = play("moving_square", {"frames": "40", "fps": "10"})
    centres = [float(np.nonzero(frame.image[60, :, 0] > 200)[0].mean()) for frame in frames]
    assert centres == sorted(centres) and centres[-1] - centres[0] > 100


def test_the_colours_change_every_second() -> None:
    frames = play("colours", {"frames": "6", "fps": "1"})
    assert len({tuple(frame.image[0, 0]) for frame in frames}) == 6


def test_it_plays_in_real_time(clock: Any) -> None:
    frames = play("colours", {"frames": "20", "fps": "10"}, SourceConfig(), clock)
    assert len(frames) == 20
    assert clock.now_s == pytest.approx(101.9)


def test_a_live_scene_loses_what_is_not_read_even_at_full_speed(clock: Any) -> None:
    source = SyntheticSource("colours", {"frames": "0", "fps": "10", "live": "1"}, MAX, clock)
    source.open()
    assert source.is_live
    first = source.read(1.0)
    clock.now_s += 0.44
    second = source.read(1.0)
    assert isinstance(first, Frame) and isinstance(second, Frame)
    assert (first.index, second.index) == (0, 4)
    assert source.counters.frames_skipped_late == 3
    source.close()


def test_the_frame_rate_is_limited() -> None:
    frames = play("colours", {"frames": "20", "fps": "10"}, SourceConfig(speed="max", max_fps=2.0))
    assert [frame.index for frame in frames] == [0, 5, 10, 15]


def test_a_read_ends_at_its_time_out(clock: Any) -> None:
    source = SyntheticSource("colours", {"fps": "0.1"}, SourceConfig(), clock)
    source.open()
    assert isinstance(source.read(1.0), Frame)
    assert source.read(1.0) is None
    source.close()


@pytest.mark.parametrize(
    "spec",
    [
        "synthetic:",
        "synthetic:nothing",
        "synthetic:colours?colour=red",
        "synthetic:colours?frames=-1",
        "synthetic:colours?frames=many",
        "synthetic:colours?fps=0",
        "synthetic:colours?fps=nan",
        "synthetic:colours?size=64",
        "synthetic:colours?size=0x9",
        "synthetic:colours?size=99999x9",
        "synthetic:colours?live=yes",
    ],
)
def test_an_unknown_scene_or_option_is_refused(spec: str) -> None:
    with pytest.raises(SourceOpenError) as failure:
        open_source(spec)
    assert failure.value.kind == "bad_url"
