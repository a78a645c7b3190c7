"""CUDA's ordering without a CUDA device: streams with vector clocks, events, and rows that check who may touch them.

The tensors lie on the CPU; what is checked is what a device would not forgive: a row that is read before the stream
that fills it is known to be through, and a row that is filled anew while another stream may still read it.
"""

import contextlib

import torch

from memory.token_rows import DeviceRows
from memory.token_store import DeviceTokenStore


class FakeStream:
    """`knows[other]`: how many steps of that stream are sure to be over before the next one of this."""

    num_made = 0

    def __init__(self, device=None, priority=0):
        FakeStream.num_made += 1
        self.cuda_stream, self.priority, self.knows = FakeStream.num_made, priority, {}

    def step(self):
        self.knows[self.cuda_stream] = self.knows.get(self.cuda_stream, 0) + 1
        return self.knows[self.cuda_stream]

    def _learn(self, knows):
        for stream, steps in knows.items():
            self.knows[stream] = max(steps, self.knows.get(stream, 0))

    def wait_event(self, event):
        self._learn(event.knows)

    def wait_stream(self, other):
        self._learn(other.knows)


class FakeEvent:
    """Is over when the test says so."""

    pending: list["FakeEvent"] = []

    def __init__(self):
        self.knows, self.is_over = {}, False

    def record(self, stream):
        self.knows = dict(stream.knows)
        FakeEvent.pending.append(self)

    def query(self):
        return self.is_over


class FakeCuda:
    """Stands in for what the memory uses of torch.cuda."""

    def __init__(self, monkeypatch):
        self.current = FakeStream()
        FakeEvent.pending = []
        monkeypatch.setattr(torch.cuda, "Stream", FakeStream)
        monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: self.current)
        number = lambda index: self.current.cuda_stream  # noqa: E731
        monkeypatch.setattr(torch._C, "_cuda_getCurrentRawStream", number, raising=False)
        monkeypatch.setattr(torch.cuda, "stream", self.stream)
        monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: None)
        monkeypatch.setattr("memory.parts.make_token_store", CheckedStore)

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    def finish(self, rng, share):
        """A share of what is under way is over."""
        for event in FakeEvent.pending:
            event.is_over = event.is_over or rng.random() < share
        FakeEvent.pending = [event for event in FakeEvent.pending if not event.is_over]


class CheckedRows(DeviceRows):
    """DeviceRows that believe to be on CUDA, and check."""

    def __init__(self, num_rows, shape, device):
        super().__init__(num_rows, shape, device)
        self._is_cuda, self.stream = True, torch.cuda.Stream(device, priority=0)
        self.filled, self.num_beside, self.num_checked = {}, 0, 0

    def empty(self):
        assert torch.cuda.current_stream() is self.stream, "a row is filled on another stream than the writer's"
        free = dict(self._places.free)
        row = super().empty()
        if row.place < 0:
            self.num_beside += 1
        else:
            assert all(event.query() for event in free[row.place].values()), "lent while a stream may still read it"
            self.filled[row.place] = self.stream.step()
        return row

    def means(self, rows, weights, ready):
        reader = torch.cuda.current_stream()
        stacked = super().means(rows, weights, ready)
        for row in rows:
            if row.place >= 0 and reader is not self.stream:
                known = reader.knows.get(self.stream.cuda_stream, 0)
                assert known >= self.filled[row.place], "read before the writer's stream has filled it"
                assert reader.cuda_stream in {stream for stream, _ in row.reads}, (
                    "nobody would know that this stream reads it"
                )
                self.num_checked += 1
        return stacked

    def from_host(self, values):
        return values.clone()


class CheckedStore(DeviceTokenStore):
    def __init__(self, config):
        super().__init__(config)
        self._rows = CheckedRows(config.num_rows, self._shape, self._device)
        self.erase_free = self._rows.erase_free

    @property
    def rows(self):
        return self._rows
