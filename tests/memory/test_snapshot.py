import copy
import dataclasses
import hashlib
import pickle
import threading

import numpy as np
import pytest
import torch

from memory import Ledger, MemoryConfig, StreamMemory, Tier
from memory.snapshot import LazyTier

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


def test_of_many_readers_one_makes_the_tokens_and_all_get_the_same():
    num_made, started, got = [], threading.Barrier(6), []

    def make_columns():
        return {"weights": torch.ones(2)}

    def make_tokens():
        num_made.append(1)
        return torch.zeros(2, 4, 6)

    tier = LazyTier(make_columns, make_tokens)

    def read():
        started.wait(timeout=30)
        got.append(tier.tokens)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=30)
    assert len(num_made) == 1 and len(got) == 6
    assert all(tokens is got[0] for tokens in got)


def test_a_reader_that_fails_to_make_the_tokens_leaves_the_making_to_the_next():
    failures = [MemoryError("no room")]

    def make_tokens():
        if failures:
            raise failures.pop()
        return torch.zeros(1, 4, 6)

    tier = LazyTier(lambda: {"weights": torch.ones(1)}, make_tokens)
    with pytest.raises(MemoryError, match="no room"):
        _ = tier.tokens
    assert tier.tokens.shape == (1, 4, 6)


def test_records_are_made_when_looked_at_and_are_then_like_any_mapping():
    memory = StreamMemory(CONFIG)
    write_frames(memory, 0, 30)
    channels = memory.snapshot().ledger.channels
    assert dict(channels) == channels and len(channels) == len(list(channels)) > 0
    assert Ledger(channels=dict(channels)) == memory.snapshot().ledger
    assert pickle.loads(pickle.dumps(channels)) == channels
    assert repr(channels) == repr(dict(channels))
    assert channels.get(99) is None
