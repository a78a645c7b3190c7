"""Objects into tokens and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.encoders import GridLayout, grid_from_objects, grid_key, read_grid

LAYOUT = GridLayout(num_concepts=6)


def test_the_layout_counts_its_channels() -> None:
    assert (LAYOUT.num_tokens, LAYOUT.token_dim) == (144, 14)
    parts = [LAYOUT.evidence, LAYOUT.offset, LAYOUT.size, LAYOUT.colour, LAYOUT.motion]
    assert [index for part in parts for index in range(part.start, part.stop)] == list(range(14))


def test_an_object_fills_the_cell_of_its_centre() -> None:
    tokens = grid_from_objects([(2, 0.9, 0.30, 0.70, 0.2, 0.4)], LAYOUT)
    row, column = int(0.70 * 12), int(0.30 * 12)
    cell = tokens[row * 12 + column]
    assert tokens[:, LAYOUT.evidence].sum() == pytest.approx(0.9)
    assert cell[2] == pytest.approx(0.9)
    assert cell[LAYOUT.offset] == pytest.approx([0.30 * 12 - column, 0.70 * 12 - row], abs=1e-5)
    assert cell[LAYOUT.size] == pytest.approx([0.2, 0.4])


def test_objects_of_one_cell_share_a_weighted_centre() -> None:
    objects = [(0, 0.75, 0.50 + 0.01, 0.5 + 0.01, 0.1, 0.1), (1, 0.25, 0.50 + 0.05, 0.5 + 0.01, 0.3, 0.5)]
    tokens = grid_from_objects(objects, LAYOUT)
    cell = tokens[6 * 12 + 6]
    assert cell[LAYOUT.offset][0] == pytest.approx(0.02 * 12, abs=1e-5)
    assert cell[LAYOUT.size] == pytest.approx([0.15, 0.2])


def test_read_grid_gives_count_place_and_instances() -> None:
    objects = [(0, 0.9, 0.2, 0.5, 0.1, 0.3), (0, 0.8, 0.8, 0.5, 0.1, 0.3), (3, 0.3, 0.5, 0.5, 0.1, 0.1)]
    (seen,) = read_grid(grid_from_objects(objects, LAYOUT), LAYOUT)
    assert seen.index == 0
    assert seen.count == pytest.approx(1.7)
    assert [(round(one.cx, 3), round(one.mass, 3)) for one in seen.instances] == [(0.2, 0.9), (0.8, 0.8)]
    assert (seen.w, seen.h) == pytest.approx((0.1, 0.3))
    assert [one.index for one in read_grid(grid_from_objects(objects, LAYOUT), LAYOUT, min_evidence=0.2)] == [0, 3]


def test_at_most_twelve_instances_are_listed_and_all_are_counted() -> None:
    objects = [(1, 0.5 + 0.01 * i, (i % 5 + 0.5) / 5, (i // 5 + 0.5) / 5, 0.1, 0.1) for i in range(20)]
    (seen,) = read_grid(grid_from_objects(objects, LAYOUT), LAYOUT)
    assert len(seen.instances) == 12
    assert seen.count == pytest.approx(sum(row[1] for row in objects))
    assert seen.instances[0].mass == pytest.approx(0.69)


def test_centres_on_and_beyond_the_border_stay_in_the_grid() -> None:
    tokens = grid_from_objects([(0, 1.0, 1.0, 1.0, 0.1, 0.1), (0, 1.0, -0.2, 1.7, 0.1, 0.1)], LAYOUT)
    (seen,) = read_grid(tokens, LAYOUT)
    assert seen.count == pytest.approx(2.0)
    assert (tokens[:, LAYOUT.offset] >= 0).all() and (tokens[:, LAYOUT.offset] < 1).all()


def test_colour_and_motion_lie_in_their_channels() -> None:
    colour = np.arange(144 * 3).reshape(12, 12, 3) / 432
    motion = np.arange(144).reshape(12, 12) / 144
    tokens = grid_from_objects([], LAYOUT, colour=colour, motion=motion)
    assert tokens[13, LAYOUT.colour] == pytest.approx(colour[1, 1], abs=1e-6)
    assert tokens[:, LAYOUT.motion].ravel() == pytest.approx(motion.ravel(), abs=1e-6)
    assert not tokens[:, LAYOUT.evidence].any()


def test_a_wrong_concept_or_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="concept index must be in 0..5, got 6..6"):
        grid_from_objects([(6, 1.0, 0.5, 0.5, 0.1, 0.1)], LAYOUT)
    with pytest.raises(ValueError, match=r"expected tokens \[P=144, D=14\]"):
        read_grid(np.zeros((144, 15), dtype=np.float32), LAYOUT)
    with pytest.raises(ValueError, match="grid_size"):
        GridLayout(num_concepts=3, grid_size=11)


def test_keys_are_alike_for_like_scenes_and_never_zero() -> None:
    here = grid_key(grid_from_objects([(0, 1.0, 0.2, 0.2, 0.1, 0.1)], LAYOUT), LAYOUT)
    near = grid_key(grid_from_objects([(0, 0.9, 0.25, 0.2, 0.1, 0.1)], LAYOUT), LAYOUT)
    far = grid_key(grid_from_objects([(0, 1.0, 0.8, 0.8, 0.1, 0.1)], LAYOUT), LAYOUT)
    other = grid_key(grid_from_objects([(1, 1.0, 0.2, 0.2, 0.1, 0.1)], LAYOUT), LAYOUT)
    assert here.shape == (LAYOUT.key_dim,)
    assert here @ near > 0.99 > here @ far > here @ other
    for shade in (0.0, 0.5, 1.0):
        empty = grid_key(grid_from_objects([], LAYOUT, colour=np.full((144, 3), shade)), LAYOUT)
        assert np.linalg.norm(empty) == pytest.approx(1.0, abs=1e-5)


def test_black_and_white_pictures_without_objects_have_different_keys() -> None:
    black, white = (grid_key(grid_from_objects([], LAYOUT, colour=np.full((144, 3), s)), LAYOUT) for s in (0.02, 0.98))
    assert black @ white < 0.3


fraction = st.floats(0, 1)
row = st.tuples(st.integers(0, 5), fraction, fraction, fraction, fraction, fraction)


@given(st.lists(row, max_size=20))
def test_evidence_is_conserved_for_any_objects(objects: list[tuple[float, ...]]) -> None:
    tokens = grid_from_objects(objects, LAYOUT)
    assert tokens.dtype == np.float32 and np.isfinite(tokens).all()
    sums = np.bincount([int(one[0]) for one in objects], [one[1] for one in objects], 6) if objects else np.zeros(6)
    assert tokens[:, LAYOUT.evidence].sum(axis=0) == pytest.approx(sums, abs=1e-4)
