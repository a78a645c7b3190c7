"""What a budget keeps."""

import pytest

from app.frame_store import FrameStoreConfig
from app.memory_budget import MAX_SLOTS, MIN_SLOTS, budget_range, memory_within, preview
from memory import MemoryConfig

SHAPE = MemoryConfig(token_dim=256, key_dim=1260, num_tokens=144, num_evidence_channels=248)
LEAST, MOST = budget_range(SHAPE)


@pytest.mark.parametrize("budget", [LEAST, 10_000_000, SHAPE.max_bytes, 30_000_000, 77_000_000, MOST, 10**12])
def test_the_memory_is_the_largest_within_its_budget(budget: int) -> None:
    config = memory_within(budget, SHAPE)
    assert config.max_bytes <= budget
    assert MIN_SLOTS <= config.temporal_capacity <= MAX_SLOTS
    if config.temporal_capacity < MAX_SLOTS:
        larger = memory_within(budget + 3 * SHAPE.frame_bytes + 200_000, SHAPE)
        assert larger.temporal_capacity > config.temporal_capacity
    assert (config.token_dim, config.key_dim, config.num_tokens) == (256, 1260, 144)


def test_less_than_the_least_is_the_least() -> None:
    assert memory_within(0, SHAPE).temporal_capacity == MIN_SLOTS


def test_more_bytes_never_keep_less() -> None:
    sizes = [memory_within(budget, SHAPE) for budget in range(LEAST, MOST, 3_000_000)]
    slots = [one.temporal_capacity for one in sizes]
    frames = [one.spatial_capacity for one in sizes]
    assert slots == sorted(slots) and frames == sorted(frames)


def test_the_preview_tells_sizes_and_how_coarse_time_becomes() -> None:
    pictures = FrameStoreConfig(max_frames=800)
    told = preview(SHAPE, 2.0, pictures)
    assert (told.num_slots, told.num_frames, told.frames_s) == (48, 8, 4.0)
    assert told.num_traces == SHAPE.trace_capacity
    assert told.max_bytes == SHAPE.max_bytes and told.pictures_max_bytes == pictures.max_bytes
    by_hours = {one.hours: one for one in told.coarseness}
    assert by_hours[8.0].slot_s == 600.0 and by_hours[1.0].slot_s == 75.0
    assert by_hours[1.0].picture_s == 6.0


def test_nothing_is_finer_than_what_is_looked_at() -> None:
    told = preview(memory_within(MOST, SHAPE), 0.01, FrameStoreConfig())
    assert all(one.slot_s >= 100.0 and one.picture_s >= 100.0 for one in told.coarseness)
