import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.archive.content_index import PROJECTED_DIM, ContentIndex, evidence_score


def filled(num, key_dim=600, max_frames=10_000):
    rng = np.random.default_rng(0)
    keys = rng.random((num, key_dim)) * (rng.random((num, key_dim)) < 0.05)
    keys /= np.maximum(np.linalg.norm(keys, axis=1, keepdims=True), 1e-9)
    vectors = np.concatenate((keys, rng.random((num, 3))), axis=1).astype(np.float16)
    index = ContentIndex(key_dim, 3, max_frames)
    index.add(np.arange(1, num + 1), np.arange(num, dtype=np.float64), vectors)
    return index, vectors[:, :key_dim].astype(np.float32), vectors[:, key_dim:].astype(np.float32)


def test_the_projection_brings_the_best_frames_among_the_candidates():
    index, keys, _ = filled(2000)
    rng = np.random.default_rng(1)
    num_found = 0
    for number in rng.integers(0, 2000, 50):
        query = keys[number] + 0.02 * rng.standard_normal(600).astype(np.float32)
        query /= np.linalg.norm(query)
        assert index.best_by_key(query, 0.0, 1e9, 1) == [number + 1]
        exact = np.argsort(-(keys @ query))[:4] + 1
        num_found += len(set(exact.tolist()) & set(index.best_by_key(query, 0.0, 1e9, 64)))
    assert index._keys.d == PROJECTED_DIM
    assert num_found >= 0.8 * 200  # the frame itself always; unrelated ones, nearly as unlike as others, mostly


def test_an_index_never_holds_more_than_its_limit():
    index, _, _ = filled(1000, max_frames=300)
    assert len(index) == 250 and index.stride == 4
    more = np.zeros((600, 603), np.float16)
    more[:, 0] = 1.0
    index.add(np.arange(1001, 1601), np.arange(1000.0, 1600.0), more)
    assert len(index) <= 300 and index.stride == 8
    assert index.num_bytes < 300 * (4 * PROJECTED_DIM + 16 + 6) * 3 + index._projection.nbytes


def test_frames_that_were_let_go_are_not_found():
    index, keys, _ = filled(100)
    index.keep_only(np.array([position for position in range(1, 101) if position != 40]))
    assert 40 not in index.best_by_key(keys[39], 0.0, 1e9, 100)
    assert 40 not in index.best_by_evidence([0], 0.0, 1e9, 100)
    assert index.best_by_key(keys[40], 0.0, 1e9, 1) == [41]


@settings(max_examples=40, deadline=None)
@given(start=st.floats(-10, 120), length=st.floats(0, 120), m=st.integers(1, 120), channel=st.integers(0, 2))
def test_candidates_lie_within_the_time_range_and_are_the_best_of_it(start, length, m, channel):
    index, keys, evidence = INDEX
    within = [p for p in range(1, 101) if start <= p - 1 <= start + length]
    by_key = index.best_by_key(keys[0], start, start + length, m)
    by_evidence = index.best_by_evidence([channel], start, start + length, m)
    assert set(by_key) <= set(within) and len(by_key) == min(m, len(within))
    expected = sorted(within, key=lambda p: (-evidence_score(evidence[p - 1, [channel]]), p))[:m]
    assert by_evidence == expected


INDEX = filled(100)


def test_one_frame_with_all_channels_stands_above_many_of_one():
    assert evidence_score(np.array([1.0, 1.0])) > evidence_score(np.array([12.0, 0.0]))
    assert evidence_score(np.array([-1.0, 0.0])) == 0.0
