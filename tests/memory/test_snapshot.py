import copy
import dataclasses
import hashlib
import pickle

import numpy as np
import pytest
import torch

from memory import MemoryConfig, StreamMemory, Tier

CONFIG = MemoryConfig(
    num_tokens=4, token_dim=6, key_dim=5, num_evidence_channels=3, spatial_capacity=3, temporal_capacity=8
)


def write_frames(memory, first, last):
    for number in range(first, last):
        rng = np.random.default_rng(number)
        memory.write(rng.random((4, 6), np.float32), rng.standard_normal(5).astype(np.float32), number * 0.5, number)


def checksum(snapshot):
    digest = hashlib.sha256(repr(snapshot.ledger).encode())
    for tier in (snapshot.spatial, snapshot.temporal):
        for part in dataclasses.fields(tier):
            digest.update(getattr(tier, part.name).numpy().tobytes())
    return digest.hexdigest()


def test_snapshot_is_unchanged_after_a_thousand_more_writes():
    memory, memory_read_at_once = StreamMemory(CONFIG), StreamMemory(CONFIG)
    for each in (memory, memory_read_at_once):
        write_frames(each, 0, 50)
    early = checksum(memory_read_at_once.snapshot())
    unread, read = memory.snapshot(), memory_read_at_once.snapshot()
    for each in (memory, memory_read_at_once):
        write_frames(each, 50, 1050)
    assert checksum(read) == early
    assert checksum(unread) == early  # its tokens are stacked only now
    assert checksum(memory.snapshot()) != early


def test_readers_of_one_version_get_one_object():
    memory = StreamMemory(CONFIG)
    write_frames(memory, 0, 5)
    snapshot = memory.snapshot()
    assert memory.snapshot() is snapshot
    assert snapshot.temporal.tokens is snapshot.temporal.tokens
    write_frames(memory, 5, 6)
    assert memory.snapshot() is not snapshot
    assert (snapshot.version, memory.snapshot().version) == (5, 6)


def test_snapshot_is_frozen():
    memory = StreamMemory(CONFIG)
    write_frames(memory, 0, 2)
    snapshot = memory.snapshot()
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.version = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.spatial.tokens = torch.zeros(1)


def test_shapes_and_dtypes_are_the_documented_ones():
    memory = StreamMemory(CONFIG)
    for count in (0, 1, 20):
        write_frames(memory, 0 if count < 2 else 1, count)
        snapshot = memory.snapshot()
        for tier, num_entries in ((snapshot.spatial, min(count, 3)), (snapshot.temporal, min(count, 8))):
            assert len(tier) == num_entries
            expected = {
                "times_s": (torch.float64, (num_entries, 2)),
                "weights": (torch.float32, (num_entries,)),
                "tokens": (torch.float32, (num_entries, 4, 6)),
                "frame_ids": (torch.int64, (num_entries,)),
                "first_frame_ids": (torch.int64, (num_entries,)),
                "last_frame_ids": (torch.int64, (num_entries,)),
                "mean_times_s": (torch.float64, (num_entries,)),
                "keys": (torch.float32, (num_entries, 5)),
            }
            assert {
                name: (getattr(tier, name).dtype, tuple(getattr(tier, name).shape)) for name in expected
            } == expected


def test_tier_can_be_replaced_copied_and_pickled():
    memory = StreamMemory(CONFIG)
    write_frames(memory, 0, 30)
    snapshot = memory.snapshot()
    for again in (copy.deepcopy(snapshot), pickle.loads(pickle.dumps(snapshot))):
        assert checksum(again) == checksum(snapshot)
    doubled = dataclasses.replace(snapshot.temporal, weights=snapshot.temporal.weights * 2)
    assert torch.equal(doubled.tokens, snapshot.temporal.tokens)
    assert doubled.weights.sum() == 60


def test_unknown_attribute_is_an_attribute_error():
    tier = StreamMemory(CONFIG).snapshot().spatial
    with pytest.raises(AttributeError, match="no attribute 'token'"):
        _ = tier.token


def test_tier_made_by_hand_needs_only_what_it_stands_for():
    ids = torch.arange(2)
    tier = Tier(
        times_s=torch.tensor([[0.0, 2.0], [3.0, 3.0]], dtype=torch.float64),
        weights=torch.ones(2),
        tokens=torch.zeros(2, 4, 6),
        frame_ids=ids,
        first_frame_ids=ids,
        last_frame_ids=ids,
    )
    assert tier.mean_times_s.tolist() == [1.0, 3.0]
    assert tier.keys.shape == (2, 0)
    assert len(tier) == 2
