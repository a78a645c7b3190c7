import dataclasses

import pytest

from memory import MemoryConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_dim", 0),
        ("key_dim", 0),
        ("num_tokens", 0),
        ("num_evidence_channels", -1),
        ("num_evidence_channels", 17),
        ("spatial_capacity", 0),
        ("temporal_capacity", 1),
        ("protected_slots", 0),
        ("protected_slots", 48),
        ("ward_alpha", 1.5),
        ("time_lambda", -0.1),
        ("time_lambda", float("nan")),
        ("duplicate_similarity", 3.0),
        ("max_spans_per_channel", 0),
        ("abstract_capacity", 0),
        ("attention_temperature", 0.0),
        ("attention_temperature", float("nan")),
        ("max_notes", 0),
        ("max_note_chars", 0),
        ("max_gaps", 0),
        ("max_pins", 0),
        ("max_pinned_slots", -1),
        ("num_spare_rows", -1),
    ],
)
def test_a_number_out_of_range_is_refused_by_name_and_value(field, value):
    with pytest.raises(ValueError, match=f"{field} must be .*got {value}"):
        MemoryConfig(**{"token_dim": 16, "key_dim": 4, field: value})


def test_config_is_frozen_and_knows_its_limits():
    config = MemoryConfig(token_dim=10, key_dim=4, num_tokens=6, spatial_capacity=2, temporal_capacity=5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.token_dim = 11
    assert config.frame_bytes == 6 * 10 * 4
    assert config.max_visual_tokens == (2 + 5) * 6 + config.trace_capacity + config.abstract_capacity
    assert config.max_bytes > 7 * config.frame_bytes


def test_pins_leave_two_slots_to_merge_and_rows_are_counted_once():
    sizes = {"token_dim": 10, "key_dim": 4, "num_tokens": 6}
    assert MemoryConfig(**sizes).pinnable_slots == 12
    assert MemoryConfig(**sizes, temporal_capacity=8, protected_slots=4).pinnable_slots == 3
    assert MemoryConfig(**sizes, temporal_capacity=2, protected_slots=1).pinnable_slots == 0
    config = MemoryConfig(**sizes, spatial_capacity=2, temporal_capacity=8, num_spare_rows=5)
    assert config.num_rows == 2 + 8 + 4 + 5
