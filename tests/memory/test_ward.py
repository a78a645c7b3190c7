import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.ward import WardCosts


def make_costs(capacity=12, key_dim=3, time_lambda=0.5):
    return WardCosts(capacity, key_dim, alpha=0.5, time_lambda=time_lambda, num_slots=12)


def brute_force_pair(slots, age_s, time_lambda=0.5, num_slots=12):
    """The first of the cheapest pairs, straight from the formula."""
    best = (np.inf, -1, -1)
    for i, (key_i, weight_i, time_i) in enumerate(slots):
        for j, (key_j, weight_j, time_j) in enumerate(slots[:i]):
            scale_i, scale_j = weight_i**0.5, weight_j**0.5
            cost = float(((key_i.astype(float) - key_j) ** 2).sum()) * scale_i * scale_j / (scale_i + scale_j)
            cost *= 1 + (time_lambda * num_slots * abs(time_i - time_j) / age_s if age_s > 0 else 0)
            best = min(best, (cost, j, i))
    return best[1], best[2]


def test_nearest_keys_are_merged_first():
    costs = make_costs()
    for time_s, value in enumerate([0.0, 1.0, 5.0, 5.1]):
        costs.append(np.full(3, value, np.float32), 1, float(time_s))
    assert costs.cheapest_pair(age_s=3.0) == (2, 3)


def test_of_equal_pairs_the_oldest_is_chosen():
    costs = make_costs()
    for time_s in range(6):
        costs.append(np.ones(3, np.float32), 1, float(time_s))
    assert costs.cheapest_pair(age_s=5.0) == (0, 1)


def test_equal_keys_cost_nothing_however_far_apart_in_time():
    costs = make_costs()
    keys = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    for time_s, row in enumerate([0, 1, 2, 3, 0]):
        costs.append(keys[row], 10 * row + 1, float(time_s))
    assert costs.cheapest_pair(age_s=4.0) == (0, 4)


def test_time_decides_between_equal_distances():
    costs = make_costs()
    for time_s, value in [(0.0, 0.0), (90.0, 1.0), (100.0, 2.0)]:
        costs.append(np.full(3, value, np.float32), 1, time_s)
    assert costs.cheapest_pair(age_s=100.0) == (1, 2)


def test_light_slots_are_merged_before_heavy_ones():
    costs = make_costs(time_lambda=0.0)
    for time_s, (value, weight) in enumerate([(0.0, 50), (1.0, 50), (10.0, 1), (11.0, 1)]):
        costs.append(np.full(3, value, np.float32), weight, float(time_s))
    assert costs.cheapest_pair(age_s=3.0) == (2, 3)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31), steps=st.lists(st.sampled_from(["append", "replace", "remove"]), max_size=40))
def test_cached_costs_agree_with_the_formula_after_any_changes(seed, steps):
    rng = np.random.default_rng(seed)
    costs, slots = make_costs(), []
    for step in ["append", "append", *steps]:
        key, weight = rng.standard_normal(3).astype(np.float32), int(rng.integers(1, 100))
        if step == "append" and len(slots) < 12:
            time_s = (slots[-1][2] if slots else 0.0) + float(rng.random())
            slots.append((key, weight, time_s))
            costs.append(*slots[-1])
        elif step == "replace":
            row = int(rng.integers(len(slots)))
            slots[row] = (key, weight, slots[row][2])
            costs.replace(row, *slots[row])
        elif step == "remove" and len(slots) > 2:
            row = int(rng.integers(len(slots)))
            del slots[row]
            costs.remove(row)
        assert len(costs) == len(slots)
        age_s = slots[-1][2] - slots[0][2]
        if len(slots) >= 2:
            assert costs.cheapest_pair(age_s) == brute_force_pair(slots, age_s)


def test_bytes_do_not_depend_on_use():
    costs = make_costs()
    before = costs.nbytes
    for time_s in range(12):
        costs.append(np.ones(3, np.float32), 1, float(time_s))
    assert costs.nbytes == before


@pytest.mark.parametrize("age_s", [0.0, 1.0])
def test_age_of_zero_counts_content_alone(age_s):
    costs = make_costs()
    for value in (0.0, 3.0, 4.0):
        costs.append(np.full(3, value, np.float32), 1, 0.0)
    assert costs.cheapest_pair(age_s) == (1, 2)
