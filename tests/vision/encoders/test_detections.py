"""Boxes out of the detector's raw output."""

import numpy as np
import pytest

from vision.encoders.detections import decode_boxes, overlap, suppress_duplicates
from vision.encoders.nanodet import NUM_BINS, NUM_CLASSES, STRIDES
from vision.encoders.picture import FittedPicture

Outputs = list[tuple[np.ndarray, np.ndarray]]
SURE = 40.0  # a logit that leaves nothing to the other bins


def empty_outputs(rows_px: int, columns_px: int) -> Outputs:
    cells = [(rows_px // stride) * (columns_px // stride) for stride in STRIDES]
    return [
        (np.zeros((n, NUM_CLASSES), dtype=np.float32), np.zeros((n, 4 * NUM_BINS), dtype=np.float32)) for n in cells
    ]


def put(outputs: Outputs, level: int, cell: int, concept: int, score: float, bins: tuple[int, int, int, int]) -> None:
    outputs[level][0][cell, concept] = score
    for side, number in enumerate(bins):
        outputs[level][1][cell, side * NUM_BINS + number] = SURE


def picture(height_px: int, width_px: int, rows_px: int, columns_px: int) -> FittedPicture:
    pixels = np.zeros((rows_px, columns_px, 3), dtype=np.uint8)
    return FittedPicture(pixels=pixels, width_px=width_px, height_px=height_px)


def test_a_box_is_measured_in_fractions_of_the_picture_without_its_margin() -> None:
    outputs = empty_outputs(64, 128)
    put(outputs, 1, 8 + 2, 16, 0.8, (1, 1, 1, 1))  # stride 16, row 1, column 2: centre (40, 24), 16 each way
    (found,) = decode_boxes(outputs, picture(48, 128, 64, 128))
    assert (found.concept, found.score) == (16, pytest.approx(0.8))
    assert (found.cx, found.cy) == pytest.approx((40 / 128, 24 / 48))
    assert (found.w, found.h) == pytest.approx((32 / 128, 32 / 48))


def test_a_distance_is_the_mean_over_its_bins() -> None:
    outputs = empty_outputs(64, 64)
    put(outputs, 0, 8 * 4 + 4, 0, 0.9, (2, 2, 2, 2))
    outputs[0][1][8 * 4 + 4, 4] = SURE  # left: bins 2 and 4 alike, so 3
    (found,) = decode_boxes(outputs, picture(64, 64, 64, 64))
    assert found.w * 64 == pytest.approx(8 * (3 + 2))


def test_boxes_end_at_the_border_of_the_picture() -> None:
    outputs = empty_outputs(64, 64)
    put(outputs, 2, 0, 0, 0.9, (10, 10, 10, 10))
    (found,) = decode_boxes(outputs, picture(40, 64, 64, 64))
    assert (found.w, found.h) == pytest.approx((1.0, 1.0))


def test_weak_scores_and_boxes_in_the_margin_are_left_out() -> None:
    outputs = empty_outputs(64, 64)
    put(outputs, 0, 0, 3, 0.05, (2, 2, 2, 2))
    put(outputs, 0, 63, 3, 0.9, (1, 1, 0, 0))  # wholly below a picture of 32 rows
    assert decode_boxes(outputs, picture(32, 64, 64, 64)) == []


def test_only_boxes_of_the_same_class_suppress_each_other() -> None:
    outputs = empty_outputs(64, 64)
    put(outputs, 1, 5, 0, 0.9, (2, 2, 2, 2))
    put(outputs, 1, 6, 0, 0.6, (3, 2, 1, 2))
    put(outputs, 1, 5, 7, 0.5, (2, 2, 2, 2))
    found = decode_boxes(outputs, picture(64, 64, 64, 64))
    assert [(one.concept, round(one.score, 2)) for one in found] == [(0, 0.9), (7, 0.5)]


def test_overlap_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]], dtype=np.float32)
    assert overlap(boxes, boxes)[0] == pytest.approx([1, 1 / 3, 0])


def test_a_chain_of_overlaps_keeps_what_no_kept_box_covers() -> None:
    boxes = np.array([[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]], dtype=np.float32)
    classes = np.zeros(3, dtype=np.int64)
    assert suppress_duplicates(boxes, classes, 0.5) == [0, 2]
    assert suppress_duplicates(boxes[:0], classes[:0], 0.5) == []
