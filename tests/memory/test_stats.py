"""What the memory says of its size, tier by tier."""

import pytest

from memory import StreamMemory
from tests.memory.streams import P, make_config, random_frames, write_all


def test_an_empty_memory_has_only_empty_tiers():
    stats = StreamMemory(make_config()).stats()
    assert [tier.name for tier in stats.tiers] == ["spatial", "temporal", "traces", "abstract"]
    assert all((tier.num_entries, tier.frames, tier.tokens, tier.bytes) == (0, 0, 0, 0) for tier in stats.tiers)
    assert all(tier.start_s is None and tier.end_s is None for tier in stats.tiers)


def test_each_tier_is_told_as_the_snapshot_shows_it():
    config = make_config()
    memory = write_all(StreamMemory(config), random_frames(3, 80))
    memory.pin(2.0, 3.0, "kept")
    memory.note("user", "here", 1.0, 2.0)
    memory.mark_gap("dark", 5.0, 6.0)
    snapshot, stats = memory.snapshot(), memory.stats()
    for told in stats.tiers:
        seen, capacity = getattr(snapshot, told.name), getattr(config, f"{told.name.rstrip('s')}_capacity")
        assert (told.num_entries, told.capacity) == (len(seen), capacity)
        assert told.frames == int(seen.weights.sum())
        assert told.tokens == seen.tokens.shape[0] * seen.tokens.shape[1]
        assert (told.start_s, told.end_s) == (seen.times_s.min().item(), seen.times_s.max().item())
        assert told.bytes > 0
    assert stats.tier("temporal").tokens == P * stats.num_slots
    assert stats.num_channels == len(snapshot.ledger.channels) > 0
    assert (stats.num_notes, stats.num_gaps, stats.num_pins) == (1, 1, 1)
    assert stats.bytes <= config.max_bytes


def test_a_tier_that_is_not_there_is_refused_by_name():
    with pytest.raises(KeyError, match="no tier 'long'"):
        StreamMemory(make_config()).stats().tier("long")


def test_what_was_forgotten_is_counted():
    memory = write_all(StreamMemory(make_config()), random_frames(4, 30))
    receipt = memory.forget(0.0, memory.snapshot().t_now_s)
    stats = memory.stats()
    assert stats.frames_forgotten == receipt.frames_forgotten == 30
    assert (stats.tier("spatial").num_entries, stats.num_gaps) == (0, 1)
