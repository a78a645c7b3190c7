import numpy as np
import pytest
import torch

import memory.parts as parts
from memory import MemoryConfig, StreamMemory, TokensError
from memory.token_store import DeviceTokenStore, HostTokenStore, make_token_store

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def make_config(device="cpu"):
    return MemoryConfig(
        num_tokens=5,
        token_dim=7,
        key_dim=6,
        num_evidence_channels=4,
        spatial_capacity=3,
        temporal_capacity=6,
        device=device,
    )


def written(config, as_tensor, num_frames=80):
    memory, rng = StreamMemory(config), np.random.default_rng(3)
    for number in range(num_frames):
        tokens, key = rng.random((5, 7), np.float32), rng.standard_normal(6).astype(np.float32)
        memory.write(as_tensor(tokens), as_tensor(key), number * 0.5, number)
    return memory


def assert_same_state(one, other):
    for tier in ("spatial", "temporal", "traces", "abstract"):
        a, b = getattr(one, tier), getattr(other, tier)
        for name in ("times_s", "weights", "frame_ids", "first_frame_ids", "last_frame_ids", "mean_times_s", "keys"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name
        torch.testing.assert_close(a.tokens.cpu(), b.tokens.cpu(), rtol=1e-6, atol=1e-6)
    assert one.ledger == other.ledger


def test_the_device_decides_the_store():
    assert isinstance(make_token_store(make_config()), HostTokenStore)
    assert isinstance(make_token_store(make_config("meta")), DeviceTokenStore)


@pytest.mark.parametrize("as_tensor", [np.array, torch.from_numpy], ids=["numpy", "torch"])
def test_both_stores_hold_the_same_memory(monkeypatch, as_tensor):
    on_host = written(make_config(), as_tensor).snapshot()
    monkeypatch.setattr(parts, "make_token_store", DeviceTokenStore)
    elsewhere = written(make_config(), as_tensor)
    assert_same_state(on_host, elsewhere.snapshot())
    assert elsewhere.stats().bytes > 0
    assert StreamMemory(make_config()).snapshot().temporal.tokens.shape == (0, 5, 7)


def test_device_store_refuses_what_the_host_store_refuses(monkeypatch):
    monkeypatch.setattr(parts, "make_token_store", DeviceTokenStore)
    memory = StreamMemory(make_config())
    for value in (float("nan"), float("inf"), 3e38):
        with pytest.raises(TokensError):
            memory.write(torch.full((5, 7), value), torch.ones(6), 0.0, 0)
        with pytest.raises(TokensError):
            memory.write(torch.ones(5, 7), np.full(6, value * 10), 0.0, 0)
    assert memory.snapshot().version == 0


def test_device_store_is_exported_restored_and_forgets_like_the_host_store(monkeypatch):
    on_host = written(make_config(), np.array)
    monkeypatch.setattr(parts, "make_token_store", DeviceTokenStore)
    elsewhere = written(make_config(), np.array)
    loaded = StreamMemory.from_state(*elsewhere.export_state())
    for memory in (on_host, elsewhere, loaded):
        memory.forget(5.0, 20.0)
    assert_same_state(on_host.snapshot(), elsewhere.snapshot())
    assert_same_state(elsewhere.snapshot(), loaded.snapshot())
    torch.testing.assert_close(on_host.snapshot().abstract.tokens, loaded.snapshot().abstract.tokens)
    loaded.forget(-1.0, 1e6)
    assert len(loaded.snapshot().temporal) == 0 and not loaded._parts.store._rows._block.any()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("as_tensor", [np.array, lambda x: torch.from_numpy(x).cuda()], ids=["from_host", "on_device"])
def test_gpu_memory_equals_cpu_memory(as_tensor):
    on_gpu = written(make_config("cuda"), as_tensor).snapshot()
    assert on_gpu.temporal.tokens.is_cuda and not on_gpu.temporal.times_s.is_cuda
    assert_same_state(written(make_config(), np.array).snapshot(), on_gpu)


@pytest.mark.gpu
@needs_gpu
def test_reader_on_its_own_stream_sees_finished_tokens():
    memory = StreamMemory(make_config("cuda"))
    writing, reading = torch.cuda.Stream(), torch.cuda.Stream()
    totals, expected = [], []
    for number in range(1, 400):
        with torch.cuda.stream(writing):
            torch.cuda._sleep(20_000)
            tokens = torch.full((5, 7), float(number), device="cuda")
            memory.write(tokens, np.eye(6, dtype=np.float32)[number % 6], number, number)
        with torch.cuda.stream(reading):
            tier = memory.snapshot().temporal
            totals.append((tier.tokens[:, 0, 0] * tier.weights.to("cuda")).sum())
            expected.append(number * (number + 1) / 2)
    torch.cuda.synchronize()
    np.testing.assert_allclose(torch.stack(totals).cpu(), expected, rtol=1e-5)
