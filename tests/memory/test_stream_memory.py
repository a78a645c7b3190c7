import gc
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from memory import InvalidFrameError, MemoryClosedError, MemoryConfig, StreamMemory, TimeOrderError, TokensError
from memory.storage import About, ForeignMemoryError

P, D, KEY = 4, 6, 3


def make_memory(**changes):
    defaults = {"num_tokens": P, "token_dim": D, "key_dim": KEY, "num_evidence_channels": 2}
    return StreamMemory(MemoryConfig(**{**defaults, **changes}))


def tokens_of(value=0.0, dtype=np.float32):
    return np.full((P, D), value, dtype)


KEY_A, KEY_B = np.array([1, 0, 0], np.float32), np.array([0, 1, 0], np.float32)


def test_memory_without_frames_gives_an_empty_snapshot():
    memory = make_memory()
    snapshot, stats = memory.snapshot(), memory.stats()
    assert (snapshot.version, snapshot.t_now_s, snapshot.frames_seen) == (0, 0.0, 0)
    assert len(snapshot.spatial) == len(snapshot.temporal) == len(snapshot.ledger.channels) == 0
    assert (stats.version, stats.tokens, stats.num_slots) == (0, 0, 0)


def test_one_frame_is_in_both_tiers_and_in_the_ledger():
    memory = make_memory()
    tokens = tokens_of()
    tokens[1, 1] = 1.0
    report = memory.write(tokens, KEY_A, 2.5, 7)
    snapshot = memory.snapshot()
    assert (report.kept, report.merged) == (True, None)
    assert (snapshot.version, snapshot.t_now_s, snapshot.frames_seen) == (1, 2.5, 1)
    for tier in (snapshot.spatial, snapshot.temporal):
        assert torch.equal(tier.tokens[0], torch.from_numpy(tokens))
        assert (tier.times_s.tolist(), tier.frame_ids.tolist(), tier.weights.tolist()) == ([[2.5, 2.5]], [7], [1.0])
    assert set(snapshot.ledger.channels) == {1}
    assert snapshot.ledger.channels[1].spans[0].first_frame_id == 7
    assert memory.stats().tokens == 2 * P + 2  # whole in two tiers, one token as a trace and as a theme


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_any_floating_dtype_is_taken_and_held_as_float32(dtype):
    memory = make_memory()
    tokens = torch.arange(P * D, dtype=dtype).reshape(P, D).requires_grad_()
    memory.write(tokens, torch.tensor([1.0, 2.0, 2.0], dtype=dtype), 0.0, 0)
    tier = memory.snapshot().spatial
    assert torch.equal(tier.tokens[0], tokens.detach().float())
    torch.testing.assert_close(tier.keys[0], torch.tensor([1.0, 2.0, 2.0]) / 3)


@pytest.mark.parametrize("as_array", [lambda x: x, torch.from_numpy], ids=["numpy", "torch"])
def test_the_caller_may_write_into_its_arrays_again(as_array):
    memory = make_memory()
    tokens, key = tokens_of(1.0), KEY_A.copy()
    memory.write(as_array(tokens), as_array(key), 0.0, 0)
    tokens[:], key[:] = 9.0, 9.0
    snapshot = memory.snapshot()
    assert (snapshot.spatial.tokens == 1.0).all() and (snapshot.temporal.tokens == 1.0).all()
    assert snapshot.temporal.keys.tolist() == [[1.0, 0.0, 0.0]]


def test_view_with_strides_is_taken_as_it_reads():
    memory = make_memory()
    wide = torch.arange(2 * P * D, dtype=torch.float32).reshape(D, 2 * P)
    memory.write(wide[:, ::2].T, torch.from_numpy(KEY_A), 0.0, 0)
    memory.write(wide[:, ::2].T.numpy(), KEY_A, 1.0, 1)
    memory.write(wide[:, ::2].T.half(), KEY_A, 2.0, 2)
    assert all(torch.equal(held, wide[:, ::2].T) for held in memory.snapshot().spatial.tokens)


@pytest.mark.parametrize(
    ("tokens", "key", "message"),
    [
        (np.zeros((P + 1, D), np.float32), KEY_A, r"tokens \[P, D\] = \(4, 6\), got \(5, 6\)"),
        (np.zeros((1, P, D), np.float32), KEY_A, r"got \(1, 4, 6\)"),
        (tokens_of(), np.ones(KEY + 1, np.float32), r"key \[key_dim\] = \(3,\), got \(4,\)"),
        (tokens_of(dtype=np.uint8), KEY_A, "floating dtype, got uint8"),
        (torch.zeros(P, D, dtype=torch.int64), KEY_A, "floating dtype, got torch.int64"),
        ([[0.0] * D] * P, KEY_A, "got list"),
        (None, KEY_A, "got NoneType"),
        (tokens_of(np.nan), KEY_A, "NaN"),
        (tokens_of(np.inf), KEY_A, "infinity"),
        (tokens_of(3e38), KEY_A, "too large"),
        (tokens_of(1e300, np.float64), KEY_A, "too large"),
        (torch.full((P, D), float("-inf"), dtype=torch.bfloat16), KEY_A, "infinity"),
        (tokens_of(), np.array([np.nan, 0, 0], np.float32), "key of frame 5 holds NaN"),
        (tokens_of(), np.array([np.inf, 0, 0], np.float32), "key of frame 5 holds NaN or infinity"),
    ],
)
def test_wrong_tokens_or_key_are_refused_with_what_was_seen_and_nothing_changes(tokens, key, message):
    memory = make_memory()
    memory.write(tokens_of(1.0), KEY_B, 0.0, 4)
    with pytest.raises(TokensError, match=message):
        memory.write(tokens, key, 1.0, 5)
    assert memory.snapshot().frames_seen == 1
    memory.write(tokens_of(2.0), KEY_A, 0.5, 6)  # earlier than the refused frame: that one has left no trace
    assert memory.snapshot().temporal.weights.tolist() == [1.0, 1.0]


def test_a_single_nan_or_opposite_infinities_do_not_slip_through():
    memory = make_memory()
    for poisons in ([np.nan], [np.inf, -np.inf]):
        tokens = tokens_of()
        tokens[: len(poisons), 2] = poisons
        with pytest.raises(TokensError):
            memory.write(tokens, KEY_A, 0.0, 0)


@pytest.mark.parametrize(("time_s", "message"), [(1.9, "backwards.*1.9 s.*2.0 s"), (float("nan"), "finite, got nan")])
def test_time_that_goes_backwards_or_is_no_number_is_refused(time_s, message):
    memory = make_memory()
    memory.write(tokens_of(), KEY_A, 2.0, 0)
    with pytest.raises(TimeOrderError, match=message):
        memory.write(tokens_of(), KEY_A, time_s, 1)
    memory.write(tokens_of(), KEY_A, 2.0, 2)  # the same time is allowed
    assert memory.snapshot().frames_seen == 2


@pytest.mark.parametrize(("time_s", "frame_id"), [("soon", 1), (None, 1), (0.0, None), (0.0, 1.5), (0.0, 2**63)])
def test_time_or_id_that_is_no_number_is_refused(time_s, frame_id):
    with pytest.raises(InvalidFrameError, match="number|64 bits"):
        make_memory().write(tokens_of(), KEY_A, time_s, frame_id)


def test_time_may_start_below_zero_and_jump_by_a_day():
    memory = make_memory()
    for frame_id, time_s in enumerate([-5.0, 0.0, 86_400.0]):
        memory.write(tokens_of(), [KEY_A, KEY_B, KEY_A][frame_id], time_s, frame_id)
    assert memory.snapshot().temporal.times_s.tolist() == [[-5.0, -5.0], [0.0, 0.0], [86_400.0, 86_400.0]]


def test_write_after_close_is_refused_and_the_last_state_stays_readable():
    memory = make_memory()
    memory.write(tokens_of(1.0), KEY_A, 0.0, 0)
    memory.close()
    memory.close()
    with pytest.raises(MemoryClosedError, match="after close"):
        memory.write(tokens_of(), KEY_A, 1.0, 1)
    assert memory.snapshot().version == memory.stats().version == 1
    assert (memory.snapshot().temporal.tokens == 1.0).all()


@pytest.mark.parametrize("key", [KEY_A, np.zeros(KEY, np.float32)], ids=["identical", "black"])
def test_pictures_that_never_change_are_one_slot(key):
    memory = make_memory()
    for number in range(500):
        memory.write(tokens_of(), key, number * 0.5, number)
    tier = memory.snapshot().temporal
    assert (tier.weights.tolist(), tier.times_s.tolist()) == ([500.0], [[0.0, 249.5]])
    assert torch.isfinite(tier.keys).all()


def test_black_picture_between_others_is_its_own_slot():
    memory = make_memory()
    for number, key in enumerate([KEY_A, np.zeros(KEY, np.float32), KEY_A]):
        assert memory.write(tokens_of(), key, number, number).kept
    assert len(memory.snapshot().temporal) == 3


def test_identical_frames_without_the_gate_merge_oldest_first():
    memory = make_memory(temporal_capacity=4, protected_slots=1, duplicate_similarity=2.0)
    reports = [memory.write(tokens_of(), KEY_A, number, number) for number in range(8)]
    assert [report.merged for report in reports[4:]] == [(0, 1)] * 4
    assert memory.snapshot().temporal.weights.tolist() == [5, 1, 1, 1]


def test_nothing_grows_with_the_stream():
    memory, rng = make_memory(temporal_capacity=6, trace_capacity=8, key_dim=8), np.random.default_rng(0)
    sizes = []
    tracemalloc.start()
    try:
        for number in range(1500):
            tokens = rng.random((P, D), np.float32)
            memory.write(tokens, rng.standard_normal(8).astype(np.float32), number * 0.5, number)
            if number in (500, 1499):
                gc.collect()
                sizes.append((memory.stats().bytes, tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    (held_before, traced_before), (held_after, traced_after) = sizes
    assert held_after <= held_before + 2000 and held_after <= memory.config.max_bytes
    assert traced_after - traced_before < 10_000  # 1,000 frames kept by mistake would be 150 kB


def test_eight_readers_see_versions_grow_and_never_a_mixture():
    memory = make_memory(spatial_capacity=3, temporal_capacity=5, protected_slots=2, duplicate_similarity=2.0)
    is_done, failures, num_reads = threading.Event(), [], [0] * 8

    def read(reader):
        last_version = 0
        try:
            while not is_done.is_set() or num_reads[reader] == 0:
                snapshot = memory.snapshot()
                version = snapshot.version
                assert version >= last_version and snapshot.frames_seen == version
                last_version = version
                frames = list(range(max(1, version - 2), version + 1))
                assert snapshot.spatial.frame_ids.tolist() == frames
                assert snapshot.spatial.tokens[:, 0, 0].tolist() == frames
                total = (snapshot.temporal.tokens[:, 0, 0] * snapshot.temporal.weights).sum().item()
                assert total == pytest.approx(version * (version + 1) / 2, rel=1e-5)
                assert snapshot.t_now_s == version == version
                assert memory.stats().version >= version
                num_reads[reader] += 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(8)]
    rng = np.random.default_rng(0)
    for thread in threads:
        thread.start()
    try:
        for version in range(1, 401):
            memory.write(tokens_of(version), rng.standard_normal(KEY).astype(np.float32), version, version)
    finally:
        is_done.set()
        for thread in threads:
            thread.join(timeout=30)
    assert not failures, failures[0]
    assert not any(thread.is_alive() for thread in threads)
    assert min(num_reads) > 0


def test_what_is_saved_is_loaded_and_a_foreign_encoder_is_refused(tmp_path: Path) -> None:
    memory = StreamMemory(MemoryConfig(token_dim=4, key_dim=3, num_tokens=2))
    for index in range(5):
        memory.write(torch.full((2, 4), float(index + 1)), torch.eye(3)[index % 3], float(index), index)
    about = About(fingerprint="encoder one", t_now_s=4.0, last_frame_id=4, wall_offset_s=1000.0)
    memory.save(tmp_path / "memory.zip", about)
    loaded, found = StreamMemory.load(tmp_path / "memory.zip", "encoder one")
    assert found == about
    assert torch.equal(loaded.snapshot().spatial.tokens, memory.snapshot().spatial.tokens)
    with pytest.raises(ForeignMemoryError):
        StreamMemory.load(tmp_path / "memory.zip", "encoder two")
