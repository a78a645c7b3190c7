"""The order of streams on a CUDA device, checked without one (tests/memory/fake_cuda.py)."""

import gc
import threading

import numpy as np
import pytest
import torch

from memory import StreamMemory
from memory.stream_tensor import StreamTensor
from tests.memory.fake_cuda import FakeCuda, FakeEvent, FakeStream
from tests.memory.streams import make_config, random_frames


@pytest.fixture
def cuda(monkeypatch):
    return FakeCuda(monkeypatch)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("num_spare_rows", [0, 4])
def test_no_row_is_read_too_early_or_lent_too_early_whatever_the_readers_do(cuda, seed, num_spare_rows):
    rng = np.random.default_rng(seed)
    memory = StreamMemory(make_config(num_spare_rows=num_spare_rows))
    on_host = StreamMemory(make_config())
    rows, streams = memory._parts.store.rows, [FakeStream() for _ in range(3)]
    held, expected = [], {}
    for frame in random_frames(seed, 120):
        memory.write(*frame)
        on_host.write(*frame)
        if rng.random() < 0.5:
            held.append(memory.snapshot())
            expected[held[-1].version] = on_host.snapshot().temporal.tokens.clone()
        while held and rng.random() < 0.4:
            snapshot = held.pop(int(rng.integers(len(held))))
            with cuda.stream(streams[int(rng.integers(3))]):
                torch.testing.assert_close(snapshot.temporal.tokens, expected[snapshot.version])
                assert len(snapshot.spatial.tokens) == len(snapshot.spatial)
        if rng.random() < 0.05:
            memory.forget(frame[2] - 1.0, frame[2] - 0.5)
            on_host.forget(frame[2] - 1.0, frame[2] - 0.5)
        cuda.finish(rng, 0.3)
    assert rows.num_checked > 200


def test_of_two_threads_on_one_stream_neither_hides_the_others_reading(cuda, monkeypatch):
    """The second thread reads between the first one's recording and its filing, so that the first files last."""
    rows = StreamMemory(make_config(num_spare_rows=3))._parts.store.rows
    record, events, reading = FakeEvent.record, [], FakeStream()
    with rows.writing():
        held = [rows.empty()]
    held[0].values.zero_()
    place = held[0].place

    def record_and_let_the_other_read(event, stream):
        record(event, stream)
        events.append(event)
        if len(events) == 1:
            other = threading.Thread(target=rows.means, args=(held, [1], None))
            other.start()
            other.join(timeout=60)

    with cuda.stream(reading):
        reading.wait_stream(rows.stream)
        monkeypatch.setattr(FakeEvent, "record", record_and_let_the_other_read)
        rows.means(held, [1], None)
    held.clear()
    gc.collect()
    first, second = events
    for is_over in (False, True):
        first.is_over, second.is_over = True, is_over
        with rows.writing():
            lent = [rows.empty() for _ in range(len(rows._places.free))]
        assert (place in {row.place for row in lent}) == is_over
        del lent


def test_rows_come_back_into_use_when_the_readers_are_through(cuda):
    rng = np.random.default_rng(0)
    memory = StreamMemory(make_config(num_spare_rows=2))
    rows, reading = memory._parts.store.rows, FakeStream()
    for frame in random_frames(1, 200):
        memory.write(*frame)
        with cuda.stream(reading):
            _ = memory.snapshot().temporal.tokens
        cuda.finish(rng, 1.0)
    assert rows.num_beside == 0


def test_a_reader_that_never_ends_costs_rows_beside_the_block_and_no_waiting(cuda):
    memory = StreamMemory(make_config(num_spare_rows=2))
    rows, reading = memory._parts.store.rows, FakeStream()
    for frame in random_frames(1, 60):
        memory.write(*frame)
        with cuda.stream(reading):
            _ = memory.snapshot().temporal.tokens  # its event never comes
    assert rows.num_beside > 0
    assert memory.snapshot().frames_seen == 60


def test_a_second_readers_stream_waits_for_the_first_ones_stacking_once(cuda):
    memory = StreamMemory(make_config())
    for frame in random_frames(2, 20):
        memory.write(*frame)
    first, second = FakeStream(), FakeStream()
    snapshot = memory.snapshot()
    with cuda.stream(first):
        first.step()
        tokens = snapshot.temporal.tokens
    made_at = first.knows[first.cuda_stream]
    assert first.cuda_stream not in second.knows
    with cuda.stream(second):
        assert snapshot.temporal.tokens is tokens
    assert second.knows[first.cuda_stream] >= made_at
    num_pending = len(FakeEvent.pending)
    with cuda.stream(second):
        assert snapshot.temporal.tokens is tokens and snapshot.traces.tokens.shape[1] == 1
    assert len(FakeEvent.pending) == num_pending + 1  # that of the traces alone


def test_a_shared_tensor_is_free_for_the_stream_that_made_it(cuda):
    own = FakeStream()
    with cuda.stream(own):
        own.step()
        shared = StreamTensor(torch.ones(2))
        before = dict(own.knows)
        assert shared.get().tolist() == [1.0, 1.0]
    assert own.knows == before


def test_who_reads_a_tensor_again_costs_no_stream_object(cuda, monkeypatch):
    own, reading = FakeStream(), FakeStream()
    with cuda.stream(own):
        shared = StreamTensor(torch.ones(2))
    with cuda.stream(reading):
        first = shared.get()
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: pytest.fail("a stream was asked for"))
        assert shared.get() is first


def test_the_writers_stream_follows_the_stream_that_made_the_frame(cuda):
    memory = StreamMemory(make_config())
    encoding = FakeStream()
    tokens, key, time_s, frame_id = next(iter(random_frames(3, 1)))
    with cuda.stream(encoding):
        encoding.step()
        memory.write(torch.from_numpy(tokens), key, time_s, frame_id)
    writer = memory._parts.store.rows.stream
    assert writer.knows[encoding.cuda_stream] == 1 and writer.priority == 0
