import numpy as np
import torch

from memory import MemoryConfig, StreamMemory


def test_last_frames_are_kept_whole_in_order_whatever_they_show():
    config = MemoryConfig(num_tokens=2, token_dim=3, key_dim=2, spatial_capacity=3)
    memory = StreamMemory(config)
    for number in range(7):
        tokens = np.full((2, 3), number, np.float32)
        memory.write(tokens, np.ones(2, np.float32), number * 0.5, 100 + number)
        tier = memory.snapshot().spatial
        expected = list(range(max(0, number - 2), number + 1))
        assert tier.frame_ids.tolist() == [100 + n for n in expected]
        assert tier.first_frame_ids.tolist() == tier.last_frame_ids.tolist() == tier.frame_ids.tolist()
        assert tier.times_s.tolist() == [[n * 0.5, n * 0.5] for n in expected]
        assert tier.mean_times_s.tolist() == [n * 0.5 for n in expected]
        assert tier.weights.tolist() == [1.0] * len(expected)
        assert torch.equal(tier.tokens[-1], torch.from_numpy(tokens))


def test_one_place_holds_the_newest_frame():
    memory = StreamMemory(MemoryConfig(num_tokens=1, token_dim=1, key_dim=1, spatial_capacity=1))
    for number in range(3):
        memory.write(np.full((1, 1), number, np.float32), np.ones(1, np.float32), number, number)
    assert memory.snapshot().spatial.tokens.tolist() == [[[2.0]]]
