import gc

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


@pytest.mark.parametrize("store", [HostTokenStore, DeviceTokenStore])
def test_every_kind_of_array_is_taken_and_copied(monkeypatch, store):
    monkeypatch.setattr(parts, "make_token_store", store)
    plain = np.arange(35, dtype=np.float32).reshape(5, 7) / 8
    read_only = plain.copy()
    read_only.flags.writeable = False
    kinds = [plain, read_only, plain.astype(np.float64), plain.astype(np.float16), plain.astype(np.longdouble)]
    kinds += [np.ascontiguousarray(plain[::-1])[::-1], np.asfortranarray(plain), torch.from_numpy(plain).bfloat16()]
    memory = StreamMemory(make_config())
    for number, tokens in enumerate(kinds):
        memory.write(tokens, np.eye(6)[0], number, number)
        newest = memory.snapshot().spatial.tokens[-1].clone()
        torch.testing.assert_close(newest, torch.from_numpy(plain), rtol=1e-2, atol=0)
        if tokens is plain:
            plain[0, 0] = 5.0
            assert torch.equal(memory.snapshot().spatial.tokens[-1], newest)
            plain[0, 0] = 0.0


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
def test_gpu_memory_is_exported_restored_and_forgets_like_the_host_one():
    on_host, on_gpu = written(make_config(), np.array), written(make_config("cuda"), np.array)
    loaded = StreamMemory.from_state(*on_gpu.export_state(), device="cuda")
    for memory in (on_host, on_gpu, loaded):
        memory.pin(30.0, 32.0, "kept")
        memory.forget(5.0, 20.0)
        memory.write(np.ones((5, 7), np.float32), np.ones(6, np.float32), 41.0, 82)
    assert_same_state(on_host.snapshot(), on_gpu.snapshot())
    assert_same_state(on_gpu.snapshot(), loaded.snapshot())
    for name, array in on_host.export_state()[0].items():
        np.testing.assert_allclose(on_gpu.export_state()[0][name], array, rtol=1e-5, atol=1e-6, err_msg=name)
    loaded.forget(-1.0, 1e6)
    assert len(loaded.snapshot().temporal) == 0 and loaded.snapshot().traces.tokens.shape == (0, 1, 7)
    torch.cuda.synchronize()
    assert not loaded._parts.store._rows._block.any()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("where", ["cuda", "cpu"])
def test_gpu_memory_takes_tokens_and_keys_of_any_floating_dtype_from_host_and_device(dtype, where):
    def as_tensor(values):
        return torch.from_numpy(values).to(where, dtype)

    on_host = written(make_config(), lambda values: torch.from_numpy(values).to(dtype)).snapshot()
    assert_same_state(on_host, written(make_config("cuda"), as_tensor).snapshot())


@pytest.mark.gpu
@needs_gpu
def test_gpu_memory_refuses_what_the_host_memory_refuses_and_keeps_no_row_of_it():
    memory = StreamMemory(make_config("cuda"))
    free = len(memory._parts.store._rows._places.free)
    for value in (float("nan"), float("inf"), 3e38):
        for where in ("cuda", "cpu"):
            with pytest.raises(TokensError):
                memory.write(torch.full((5, 7), value, device=where), torch.ones(6), 0.0, 0)
            with pytest.raises(TokensError):
                memory.write(torch.ones(5, 7), torch.full((6,), float("nan"), device=where), 0.0, 0)
    gc.collect()
    assert memory.snapshot().version == 0 and len(memory._parts.store._rows._places.free) == free


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
