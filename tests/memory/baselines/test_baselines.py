"""The layouts for comparison do what the released code does, step by step."""

import numpy as np
import pytest
import torch

from memory.baselines import Fifo, FlashMemory, LastFrames, OfflineKMeans, StarMemory, UniformFrames
from memory.baselines.layout import pooled_grid
from tests.memory.streams import P, make_config, random_frames, write_all

ALL = (LastFrames, Fifo, UniformFrames, OfflineKMeans, StarMemory, FlashMemory)
STREAM = list(random_frames(3, 110))


@pytest.mark.parametrize("layout", ALL)
def test_each_is_written_and_read_like_the_memory_within_its_token_budget(layout):
    config = make_config()
    memory = layout(config)
    assert memory.snapshot().frames_seen == 0 and len(memory.snapshot().temporal) == 0
    for count, frame in enumerate(STREAM[:60], start=1):
        memory.write(*frame)
        if count % 10 == 0:
            snapshot = memory.snapshot()
            assert (snapshot.frames_seen, snapshot.t_now_s) == (count, frame[2])
            held = sum(t.tokens.shape[0] * t.tokens.shape[1] for t in (snapshot.spatial, snapshot.temporal))
            assert held <= config.max_visual_tokens
    memory.close()


@pytest.mark.parametrize("layout", ALL)
def test_same_input_gives_the_same_result(layout):
    one, other = (write_all(layout(make_config()), STREAM[:70]).snapshot() for _ in range(2))
    assert one.temporal.tokens.equal(other.temporal.tokens) and one.spatial.frame_ids.equal(other.spatial.frame_ids)


def test_last_frames_and_uniform_hold_the_frames_that_they_say():
    ids = [frame[3] for frame in STREAM]
    config = make_config(trace_capacity=0)  # its themes, four tokens, make one more frame of four
    assert write_all(LastFrames(config), STREAM).snapshot().spatial.frame_ids.tolist() == ids[-12:]
    uniform = write_all(UniformFrames(config), STREAM).snapshot()
    assert uniform.spatial.frame_ids.tolist() == ids[-3:]
    assert uniform.temporal.frame_ids.tolist() == [ids[step * 110 // 9] for step in range(9)]


def test_fifo_drops_the_oldest_event():
    memory, keys = (
        Fifo(make_config(temporal_capacity=3, trace_capacity=0, abstract_capacity=1)),
        np.eye(8, dtype=np.float32),
    )
    for number in range(10):
        memory.write(np.zeros((P, 6), np.float32), keys[number // 2], float(number), number)
    tier = memory.snapshot().temporal
    assert tier.times_s.tolist() == [[4, 5], [6, 7], [8, 9]] and tier.weights.tolist() == [2, 2, 2]


def test_the_released_2024_writer_loses_its_weights_and_its_order():
    memory = write_all(StarMemory(make_config()), STREAM)
    snapshot = memory.snapshot()
    assert snapshot.temporal.weights.sum() == memory.num_slots + 1  # one for each point of the last step, not 110
    assert (snapshot.temporal.times_s[:, 0].diff() < 0).any()


def test_the_released_2024_summary_collapses_to_one_vector():
    tokens = write_all(StarMemory(make_config()), STREAM).snapshot().abstract.tokens[:, 0]
    assert torch.cosine_similarity(tokens[:1], tokens[1:]).min() > 0.999999


def test_the_released_2024_retrieval_knows_the_first_frames_alone():
    memory = write_all(StarMemory(make_config()), STREAM)
    assert set(memory.retrieved_ids) <= {frame[3] for frame in STREAM[: memory.num_slots]}


def test_the_released_2025_writer_hands_weights_on_and_overwrites_times_with_slot_numbers():
    memory = write_all(FlashMemory(make_config()), STREAM)
    tier = memory.snapshot().temporal
    assert tier.weights.sum() == pytest.approx(110)
    assert tier.mean_times_s.max() <= memory.num_slots < STREAM[-1][2]
    assert (tier.mean_times_s.diff() >= 0).all()


def test_the_released_2025_details_are_real_frames_nearest_to_the_heaviest_slots():
    memory = write_all(FlashMemory(make_config()), STREAM)
    assert set(memory.snapshot().spatial.frame_ids.tolist()) <= {frame[3] for frame in STREAM}
    assert len(memory.snapshot().spatial) == memory.num_details


@pytest.mark.parametrize("layout", [StarMemory, FlashMemory])
def test_copying_the_bank_at_each_step_changes_no_value(layout):
    plain, copying = layout(make_config()), layout(make_config(), republishes_bank=True)
    for memory in (plain, copying):
        write_all(memory, STREAM[:40])
    assert plain.snapshot().temporal.tokens.equal(copying.snapshot().temporal.tokens)


def test_a_grid_is_pooled_by_two_and_what_is_no_even_square_is_refused():
    grid = np.arange(16, dtype=np.float32).reshape(16, 1)
    assert pooled_grid(grid)[:, 0].tolist() == [2.5, 4.5, 10.5, 12.5]
    with pytest.raises(ValueError, match="square grid of even side, got 9 tokens"):
        pooled_grid(np.zeros((9, 1), np.float32))
