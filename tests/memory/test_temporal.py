"""The temporal tier through StreamMemory: the invariants that a long-term memory must keep at every step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import MemoryConfig, StreamMemory

P, D, KEY = 3, 5, 4


def make_config(**changes):
    defaults = {"num_tokens": P, "token_dim": D, "key_dim": KEY, "temporal_capacity": 6, "protected_slots": 2}
    return MemoryConfig(**{**defaults, **changes})


def random_stream(seed, num_frames, num_scenes=8):
    """(tokens, key, time_s, frame_id) of scenes that come back, with noise, repeats and uneven times."""
    rng = np.random.default_rng(seed)
    scenes = rng.standard_normal((num_scenes, KEY))
    time_s, frame_id, scene = 0.0, 0, 0
    for _ in range(num_frames):
        if rng.random() < 0.3:
            scene = int(rng.integers(num_scenes))
        noise = 0.02 if rng.random() < 0.5 else 0.5
        key = scenes[scene] + noise * rng.standard_normal(KEY)
        time_s += float(rng.choice([0.0, 0.1, 0.5, 30.0]))
        frame_id += int(rng.integers(1, 4))
        yield rng.standard_normal((P, D)).astype(np.float32), key.astype(np.float32), time_s, frame_id


def is_after_silence(times, number, max_silence_s):
    """By the rule: longer than the limit and than four times the step before, of which the first is taken to be 15."""
    if number == 0:
        return False
    before_s = times[number - 1] - times[number - 2] if number > 1 else 15.0
    return times[number] - times[number - 1] > max(max_silence_s, 4 * before_s)


def reference_slots(frames, config):
    """Slots as lists of frame numbers, by the formula, everything computed anew from the members at every step."""
    keys = [key.astype(np.float64) / np.linalg.norm(key.astype(np.float64)) for _, key, _, _ in frames]
    times = [time_s for _, _, time_s, _ in frames]
    slots, last_kept = [], None
    for number, key in enumerate(keys):
        is_silence = is_after_silence(times, number, config.max_silence_s)
        if last_kept is not None and not is_silence and float(keys[last_kept] @ key) > config.duplicate_similarity:
            slots[-1].append(number)
            continue
        slots.append([number])
        last_kept = number
        if len(slots) <= config.temporal_capacity:
            continue
        best = (np.inf, -1, -1)
        mergeable = slots[: len(slots) - config.protected_slots]
        means = [(np.mean([keys[n] for n in s], axis=0), len(s), np.mean([times[n] for n in s])) for s in mergeable]
        for i, (key_i, weight_i, time_i) in enumerate(means):
            for j in range(i + 1, len(means)):
                key_j, weight_j, time_j = means[j]
                a_i, a_j = weight_i**config.ward_alpha, weight_j**config.ward_alpha
                cost = ((key_i - key_j) ** 2).sum() * a_i * a_j / (a_i + a_j)
                age_s = times[number] - times[0]
                if age_s > 0:
                    cost *= 1 + config.time_lambda * config.temporal_capacity * abs(time_i - time_j) / age_s
                best = min(best, (cost, i, j))
        _, i, j = best
        slots[i] = sorted([*slots[i], *slots.pop(j)])
    return slots


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), num_frames=st.integers(1, 60))
def test_slots_hold_what_the_formula_says(seed, num_frames):
    config = make_config()
    frames = list(random_stream(seed, num_frames))
    memory = StreamMemory(config)
    for frame in frames:
        memory.write(*frame)
    tier, expected = memory.snapshot().temporal, reference_slots(frames, config)
    assert tier.weights.tolist() == [len(slot) for slot in expected]
    assert tier.first_frame_ids.tolist() == [frames[slot[0]][3] for slot in expected]
    assert tier.last_frame_ids.tolist() == [frames[slot[-1]][3] for slot in expected]
    for row, slot in enumerate(expected):
        times = [frames[n][2] for n in slot]
        assert tier.times_s[row].tolist() == [min(times), max(times)]
        assert tier.mean_times_s[row].item() == pytest.approx(np.mean(times))
        np.testing.assert_allclose(tier.tokens[row], np.mean([frames[n][0] for n in slot], axis=0), atol=1e-5)
        assert tier.frame_ids[row].item() in [frames[n][3] for n in slot]  # the medoid is one of its own frames


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**31), num_frames=st.integers(1, 80), similarity=st.sampled_from([0.5, 0.985, 2.0]))
def test_mass_time_order_and_limits_hold_at_every_step(seed, num_frames, similarity):
    config = make_config(duplicate_similarity=similarity, num_evidence_channels=2)
    memory = StreamMemory(config)
    total = np.zeros((P, D))
    for count, (tokens, key, time_s, frame_id) in enumerate(random_stream(seed, num_frames), start=1):
        report = memory.write(tokens, key, time_s, frame_id)
        total += tokens
        snapshot, stats = memory.snapshot(), memory.stats()
        tier = snapshot.temporal
        assert tier.weights.sum().item() == snapshot.frames_seen == count
        kept_sum = (tier.tokens.double() * tier.weights.double()[:, None, None]).sum(dim=0)
        np.testing.assert_allclose(kept_sum, total, atol=1e-4)
        assert len(tier) == stats.num_slots <= config.temporal_capacity
        assert stats.tokens <= config.max_visual_tokens
        assert stats.bytes <= config.max_bytes
        starts, ends = tier.times_s.T
        assert (starts.diff() >= 0).all()
        assert ((starts <= tier.mean_times_s) & (tier.mean_times_s <= ends)).all()
        assert ends.max().item() == snapshot.t_now_s == time_s
        assert ((tier.first_frame_ids <= tier.frame_ids) & (tier.frame_ids <= tier.last_frame_ids)).all()
        assert report.merged is None or report.kept


def test_same_input_gives_bit_identical_state():
    states = []
    for _ in range(2):
        memory = StreamMemory(make_config())
        for frame in random_stream(7, 300):
            memory.write(*frame)
        tier = memory.snapshot().temporal
        states.append([tier.times_s, tier.mean_times_s, tier.weights, tier.tokens, tier.keys, tier.frame_ids])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def test_merges_do_not_depend_on_the_dtype_of_the_key():
    weights = []
    for dtype in (torch.bfloat16, torch.float32):
        memory = StreamMemory(make_config())
        for tokens, key, time_s, frame_id in random_stream(3, 200):
            memory.write(tokens, torch.from_numpy(key).bfloat16().to(dtype), time_s, frame_id)
        tier = memory.snapshot().temporal
        weights.append((tier.weights.tolist(), tier.frame_ids.tolist(), tier.keys.tolist()))
    assert weights[0] == weights[1]


def test_every_fifth_of_a_stream_of_novelties_keeps_slots():
    memory = StreamMemory(make_config(key_dim=32, temporal_capacity=40, protected_slots=4))
    rng = np.random.default_rng(0)
    num_frames = 1500
    for number in range(num_frames):
        memory.write(np.zeros((P, D), np.float32), rng.standard_normal(32).astype(np.float32), float(number), number)
    fifths = torch.bincount((memory.snapshot().temporal.mean_times_s / num_frames * 5).long(), minlength=5)
    assert (fifths >= 0.05 * 40).all(), fifths


def test_short_event_early_in_a_long_stream_is_found_by_its_key_at_the_end():
    rng = np.random.default_rng(1)
    memory = StreamMemory(make_config(key_dim=64, temporal_capacity=48, protected_slots=4))
    scenes, event = rng.standard_normal((20, 64)), rng.standard_normal(64)
    for number in range(3000):
        key = event if 300 <= number < 303 else scenes[number // 40 % 20]
        key = key + 0.2 * rng.standard_normal(64)
        memory.write(np.zeros((P, D), np.float32), key.astype(np.float32), number * 0.5, number)
    tier = memory.snapshot().temporal
    similarity = torch.cosine_similarity(tier.keys, torch.from_numpy(event)[None].float())
    found = int(similarity.argmax())
    assert similarity[found] > 0.9
    assert 300 <= tier.frame_ids[found] < 303
    assert tier.times_s[found].tolist() == [150.0, 151.0]


def test_static_scene_for_an_hour_is_a_handful_of_slots_of_the_right_duration():
    rng = np.random.default_rng(2)
    memory = StreamMemory(make_config(key_dim=16))
    scene = rng.standard_normal(16)
    for number in range(3601):
        key = scene + 0.02 * rng.standard_normal(16)
        memory.write(np.full((P, D), 0.3, np.float32), key.astype(np.float32), float(number), number)
    tier = memory.snapshot().temporal
    assert len(tier) <= 3
    assert tier.times_s.min() == 0 and tier.times_s.max() == 3600
    assert tier.weights.sum() == 3601
    torch.testing.assert_close(tier.tokens, torch.full_like(tier.tokens, 0.3), rtol=1e-3, atol=0)


def test_duplicate_frame_extends_the_newest_slot_and_still_counts():
    memory = StreamMemory(make_config())
    key = np.array([1, 0, 0, 0], np.float32)
    assert memory.write(np.full((P, D), 1, np.float32), key, 1.0, 10).kept
    assert not memory.write(np.full((P, D), 4, np.float32), 3 * key, 2.0, 11).kept
    tier = memory.snapshot().temporal
    assert tier.weights.tolist() == [2]
    assert tier.times_s.tolist() == [[1.0, 2.0]]
    assert torch.equal(tier.tokens, torch.full((1, P, D), 2.5))
    assert [tier.frame_ids.item(), tier.first_frame_ids.item(), tier.last_frame_ids.item()] == [10, 10, 11]


def test_newest_slots_are_never_merged():
    memory = StreamMemory(make_config(temporal_capacity=5, protected_slots=3, duplicate_similarity=2.0))
    rng = np.random.default_rng(5)
    for number in range(60):
        memory.write(np.zeros((P, D), np.float32), rng.standard_normal(KEY).astype(np.float32), number, number)
        newest = memory.snapshot().temporal.frame_ids[-3:].tolist()
        assert newest == list(range(max(0, number - 2), number + 1))


def test_merged_positions_are_reported_older_first():
    memory = StreamMemory(make_config(temporal_capacity=3, protected_slots=1, duplicate_similarity=2.0))
    keys = np.eye(KEY, dtype=np.float32)[[0, 1, 1, 2]]
    reports = [memory.write(np.zeros((P, D), np.float32), key, n, n) for n, key in enumerate(keys)]
    assert [report.merged for report in reports] == [None, None, None, (1, 2)]
    assert memory.snapshot().temporal.times_s.tolist() == [[0, 0], [1, 2], [3, 3]]


def test_medoid_is_the_member_nearer_the_mean():
    memory = StreamMemory(make_config(temporal_capacity=2, protected_slots=1, duplicate_similarity=2.0))
    near, far = [1.0, 0.1, 0, 0], [1.0, 0.9, 0, 0]
    for number, key in enumerate([far, near, near, [0, 0, 1, 0]]):
        memory.write(np.zeros((P, D), np.float32), np.array(key, np.float32), number, number)
    tier = memory.snapshot().temporal
    assert tier.weights.tolist() == [3, 1]
    assert tier.frame_ids.tolist() == [1, 3]
