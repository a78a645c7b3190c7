import io

import numpy as np
import pytest
from PIL import Image

from app.frame_store import FrameStore, FrameStoreConfig
from tests.fakes import make_frame
from vision import Frame


def colour_frame(index: int, time_s: float, colour: tuple[int, int, int], height_px: int, width_px: int) -> Frame:
    image = np.full((height_px, width_px, 3), colour, np.uint8)
    return Frame(image=image, time_s=time_s, wall_time_s=0.0, index=index)


def decoded(jpeg: bytes | None) -> Image.Image:
    assert jpeg is not None
    return Image.open(io.BytesIO(jpeg))


@pytest.mark.parametrize(("height_px", "width_px"), [(1, 1), (1, 5000), (37, 61), (720, 1280), (2161, 3841)])
def test_pictures_are_small_and_keep_their_shape(height_px: int, width_px: int) -> None:
    store = FrameStore(FrameStoreConfig(max_side_px=100))
    store.put(colour_frame(0, 0.0, (200, 30, 30), height_px, width_px))
    width, height = decoded(store.get(0)).size
    assert max(width, height) <= 100
    assert min(width, height) >= 1
    if min(height_px, width_px) > 30:
        assert width / height == pytest.approx(width_px / height_px, rel=0.05)


def test_colours_are_those_of_the_frame() -> None:
    store = FrameStore()
    store.put(colour_frame(0, 0.0, (220, 40, 10), 60, 80))
    red, green, blue = decoded(store.get(0)).convert("RGB").getpixel((20, 20))
    assert abs(red - 220) < 12 and abs(green - 40) < 12 and abs(blue - 10) < 12


def test_nearest_kept_picture_stands_in_for_a_missing_one() -> None:
    store = FrameStore()
    assert store.get(3) is None
    store.put(make_frame(0, 0.0, value=10))
    store.put(make_frame(10, 1.0, value=250))
    assert store.get(2) == store.get(0)
    assert store.get(9) == store.get(10)


def test_store_stays_bounded_in_number_and_bytes_and_keeps_the_whole_stream_in_view() -> None:
    config = FrameStoreConfig(max_frames=40, max_bytes=64 * 1024)
    store = FrameStore(config)
    for index in range(2000):
        store.put(make_frame(index, index / 2, value=index))
        assert len(store) <= config.max_frames
        assert store.num_bytes <= config.max_bytes
    kept = sorted(store._pictures)
    assert kept[0] == 0 and kept[-1] == 1999
    gaps = np.diff(kept)
    assert gaps.max() <= 6 * 2000 / len(kept)


def test_cited_pictures_are_spared_when_it_is_full() -> None:
    store = FrameStore(FrameStoreConfig(max_frames=16))
    cited = (101, 103, 105)
    for index in range(100, 400):
        store.put(make_frame(index, index / 2), lambda: cited)
    assert set(cited) <= set(store._pictures)


def test_store_is_bounded_even_if_everything_is_cited() -> None:
    store = FrameStore(FrameStoreConfig(max_frames=16))
    for index in range(100):
        store.put(make_frame(index, index / 2), lambda: range(100))
    assert len(store) <= 16


def test_frame_put_twice_is_counted_once() -> None:
    store = FrameStore()
    store.put(make_frame(0, 0.0))
    num_bytes = store.num_bytes
    store.put(make_frame(0, 0.0))
    assert store.num_bytes == num_bytes and len(store) == 1


def filled(count: int = 20) -> FrameStore:
    store = FrameStore()
    for index in range(count):
        store.put(make_frame(10 * index, index / 2, value=12 * index))
    return store


def test_a_span_of_time_lists_its_frames_and_the_nearest_is_found() -> None:
    store = filled()
    assert [(one.frame_id, one.time_s) for one in store.between(1.0, 2.0)] == [(20, 1.0), (30, 1.5), (40, 2.0)]
    near = store.nearest(2.2)
    assert near is not None and near.frame_id == 40
    assert FrameStore().nearest(1.0) is None and FrameStore().between(0, 9) == []


def test_pictures_of_a_forgotten_span_are_gone_and_nothing_stands_in_for_them() -> None:
    store = filled()
    held = store.num_bytes
    assert store.forget(2.0, 4.0) == 5
    assert all(store.get(frame_id) is None for frame_id in range(31, 90))
    assert store.get(30) is not None and store.get(90) is not None
    assert store.get(29) == store.get(30), "what was not forgotten still has its nearest"
    assert 0 < store.num_bytes < held and not store.between(2.0, 4.0)
    store.put(make_frame(200, 10.0))
    assert store.num_bytes == sum(len(one.jpeg) for one in store._pictures.values())


def test_forgetting_everything_leaves_nothing_to_show() -> None:
    store = filled()
    assert store.forget(0.0, 1e9) == 20
    assert (len(store), store.num_bytes) == (0, 0)
    assert store.get(0) is None and store.nearest(3.0) is None
    store.put(make_frame(300, 20.0))
    assert store.get(190) is None and store.get(300) is not None


def test_of_a_forgotten_span_without_pictures_none_stands_in() -> None:
    store = FrameStore()
    store.put(make_frame(0, 0.0))
    store.put(make_frame(100, 10.0))
    assert store.forget(4.0, 6.0) == 0
    assert store.get(50) is None and store.get(0) is not None and store.get(100) is not None
    store.forget(11.0, 20.0)
    assert store.get(101) == store.get(100), "nothing came after it yet"


def test_the_list_of_what_was_forgotten_is_bounded_and_never_forgets() -> None:
    store = FrameStore(FrameStoreConfig(max_frames=4000))
    for index in range(2000):
        store.put(make_frame(index, float(index), height_px=2, width_px=2))
    for index in range(0, 2000, 4):
        assert store.forget(index, index) == 1
    assert len(store._forgotten) <= 256
    assert all(store.get(index) is None for index in range(0, 2000, 4))
