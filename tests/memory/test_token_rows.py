"""Rows are lent, shared and taken back; on a device nobody reads a row that is being filled anew."""

import gc
import threading

import numpy as np
import pytest
import torch

from memory import MemoryConfig, StreamMemory
from memory.token_rows import DeviceRows, HostRows

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SHAPE = (2, 3)


def make_rows(kind, num_rows=3):
    return HostRows(num_rows, SHAPE) if kind == "host" else DeviceRows(num_rows, SHAPE, torch.device("cpu"))


def filled(rows, value):
    row = rows.empty()
    row.values[...] = value
    return row


@pytest.mark.parametrize("kind", ["host", "device"])
def test_a_row_comes_back_when_nobody_refers_to_it_any_more(kind):
    rows = make_rows(kind)
    one, two = filled(rows, 1.0), filled(rows, 2.0)
    total = one + two
    assert float(total.values[0, 0]) == 3.0
    places = {one.place, two.place, total.place}
    assert places == {0, 1, 2}
    shared, one = one, None
    assert rows.empty().place == -1
    del shared
    gc.collect()
    assert rows.empty().place in places


@pytest.mark.parametrize("kind", ["host", "device"])
def test_rows_beside_the_block_serve_readers_that_hold_too_many(kind):
    rows = make_rows(kind, num_rows=1)
    held = [filled(rows, float(number)) for number in range(4)]
    assert [row.place for row in held] == [0, -1, -1, -1]
    assert [float(row.values[1, 2]) for row in held] == [0.0, 1.0, 2.0, 3.0]
    assert held[1].shape == SHAPE and held[1].nbytes == 24


@pytest.mark.parametrize("kind", ["host", "device"])
def test_free_rows_can_be_erased_and_lent_ones_stay(kind):
    rows = make_rows(kind)
    kept, dropped = filled(rows, 5.0), filled(rows, 6.0)
    place = dropped.place
    del dropped
    rows.erase_free()
    assert not rows._block[place].any() and (kept.values == 5.0).all()


def test_the_block_is_made_once_and_its_size_does_not_depend_on_use():
    config = MemoryConfig(num_tokens=4, token_dim=6, key_dim=5, spatial_capacity=2, temporal_capacity=5)
    memory = StreamMemory(config)
    before = memory.stats()
    rng = np.random.default_rng(0)
    for number in range(200):
        memory.write(rng.random((4, 6), np.float32), rng.standard_normal(5).astype(np.float32), number, number)
    assert memory.stats().reserved_bytes == before.reserved_bytes == config.num_rows * config.frame_bytes
    assert memory.stats().bytes > before.bytes


def gpu_memory(**changes):
    sizes = {"num_tokens": 64, "token_dim": 128, "key_dim": 32, "num_evidence_channels": 8, "device": "cuda"}
    return StreamMemory(MemoryConfig(**{**sizes, **changes}))


@pytest.mark.gpu
@needs_gpu
def test_device_memory_does_not_grow_after_the_start():
    memory, rng = gpu_memory(), np.random.default_rng(0)
    sizes = []
    for number in range(1000):
        tokens = torch.rand(64, 128, device="cuda")
        memory.write(tokens, rng.standard_normal(32).astype(np.float32), number * 0.5, number)
        if number % 50 == 0:
            memory.snapshot().temporal.tokens.sum().item()
        if number in (210, 999):  # no snapshot is held now
            torch.cuda.synchronize()
            gc.collect()
            sizes.append(torch.cuda.memory_allocated())
    assert sizes[1] <= sizes[0]


@pytest.mark.gpu
@needs_gpu
def test_a_slow_reading_stream_sees_its_own_version_though_rows_are_filled_anew():
    memory, reading = gpu_memory(num_spare_rows=0, temporal_capacity=6), torch.cuda.Stream()
    rng, sums, expected = np.random.default_rng(1), [], []
    for number in range(1, 300):
        key = rng.standard_normal(32).astype(np.float32)
        memory.write(torch.full((64, 128), float(number), device="cuda"), key, number, number)
        with torch.cuda.stream(reading):
            torch.cuda._sleep(200_000)  # the gathering waits in its queue while the writer goes on
            tier = memory.snapshot().temporal
            sums.append((tier.tokens[:, 0, 0] * tier.weights.to("cuda")).sum())
            expected.append(number * (number + 1) / 2)
    torch.cuda.synchronize()
    np.testing.assert_allclose(torch.stack(sums).cpu(), expected, rtol=1e-5)


@pytest.mark.gpu
@needs_gpu
def test_writing_does_not_wait_for_the_answering_stream():
    memory, answering = gpu_memory(), torch.cuda.Stream(priority=-1)
    rng = np.random.default_rng(2)
    memory.write(torch.ones(64, 128, device="cuda"), np.ones(32, np.float32), 0.0, 0)
    torch.cuda.synchronize()
    with torch.cuda.stream(answering):
        torch.cuda._sleep(2_000_000_000)
    for number in range(1, 20):
        memory.write(torch.ones(64, 128), rng.standard_normal(32).astype(np.float32), number, number)
    assert not answering.query()  # all writes are through and it is still busy
    torch.cuda.synchronize()


@pytest.mark.gpu
@needs_gpu
def test_a_second_stream_reads_what_a_first_one_is_still_stacking():
    memory, first, second = gpu_memory(), torch.cuda.Stream(), torch.cuda.Stream()
    rng, sums = np.random.default_rng(3), []
    for number in range(1, 60):
        key = rng.standard_normal(32).astype(np.float32)
        memory.write(torch.full((64, 128), float(number), device="cuda"), key, number, number)
        snapshot = memory.snapshot()
        with torch.cuda.stream(first):
            torch.cuda._sleep(2_000_000)
            _ = snapshot.temporal.tokens, snapshot.traces.tokens  # under way, not there yet
        with torch.cuda.stream(second):
            for tier in (snapshot.temporal, snapshot.traces):
                sums.append((tier.tokens[:, 0, 0] * tier.weights.to("cuda")).sum())
    torch.cuda.synchronize()
    expected = [number * (number + 1) / 2 for number in range(1, 60) for _ in range(2)]
    np.testing.assert_allclose(torch.stack(sums).cpu(), expected, rtol=1e-5)


@pytest.mark.gpu
@needs_gpu
def test_eight_threads_with_streams_of_their_own_see_whole_versions():
    memory, stop, failures, num_read = gpu_memory(), threading.Event(), [], []

    def read():
        with torch.cuda.stream(torch.cuda.Stream()):
            while not stop.is_set():
                snapshot = memory.snapshot()
                if snapshot.version == 0:
                    continue
                tier, number = snapshot.temporal, snapshot.version
                total = (tier.tokens[:, 0, 0] * tier.weights.to("cuda")).sum().item()
                if abs(total - number * (number + 1) / 2) > 1e-3 * number**2:
                    failures.append((number, total))
                num_read.append(number)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    rng = np.random.default_rng(4)
    for number in range(1, 600):
        key = rng.standard_normal(32).astype(np.float32)
        memory.write(torch.full((64, 128), float(number), device="cuda"), key, number, number)
    stop.set()
    for reader in readers:
        reader.join(timeout=60)
    assert failures == [] and len(num_read) > 0
