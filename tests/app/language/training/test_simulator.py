"""Simulated streams."""

import numpy as np
import pytest

from app.language.embedded.reading import read_snapshot
from app.language.training.simulator import NoiseConfig, Simulator
from vision.encoders import CONCEPTS, GridLayout

LAYOUT = GridLayout(num_concepts=len(CONCEPTS))


def test_the_same_seed_gives_the_same_memory() -> None:
    first, second = (Simulator(CONCEPTS, LAYOUT).snapshot(11, max_frames=30) for _ in range(2))
    assert first.t_now_s == second.t_now_s
    assert first.ledger == second.ledger
    assert np.array_equal(first.temporal.tokens.numpy(), second.temporal.tokens.numpy())


def test_streams_vary_in_length_and_content() -> None:
    readings = [read_snapshot(Simulator(CONCEPTS, LAYOUT).snapshot(seed, max_frames=40), LAYOUT) for seed in range(12)]
    assert len({round(reading.t_now_s, 3) for reading in readings}) >= 10
    assert len({concept for reading in readings for concept in reading.records}) >= 15


def test_without_noise_a_stream_holds_no_false_concepts() -> None:
    quiet = NoiseConfig(
        miss_rates=(0.0,) * 5,
        miss_persistence=0.0,
        doubtful_rate=0.0,
        false_bursts_per_stream=0.0,
        evidence_spread=0.0,
        evidence_mean=1.0,
    )
    reading = read_snapshot(Simulator(CONCEPTS, LAYOUT, quiet).snapshot(3, max_frames=30), LAYOUT)
    assert all(record.peak_count >= 1 for record in reading.records.values())


def test_a_miss_rate_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="miss rates"):
        NoiseConfig(miss_rates=(0.9,) * 5)
