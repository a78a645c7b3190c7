"""The places where visual tokens lie: a block of rows made once, lent one by one and taken back when nobody reads them.

Comes in: tokens [P, D] to keep. Goes out: TokenRow, a reference to one row, which any number of entries and snapshots
share. Rows are lent and filled by the writer under the memory's lock; any thread may drop the last reference to a row,
which puts it back. On a CUDA device the rows are filled on the writer's own stream of low priority: a reader's stream
waits for an event, and a row is not lent anew before the streams that read it are through. The writer waits for no one.
"""

import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["DeviceRows", "HostRows", "TokenRow"]

_Reads = dict[tuple[int, int], Any]


class TokenRow:
    """One frame's tokens, or a sum of several, float32 [P, D]. Filled once, then read-only."""

    __slots__ = ("__weakref__", "_pool", "place", "reads", "values")

    def __init__(self, pool: "HostRows | DeviceRows", place: int, values: Any) -> None:
        self._pool, self.place, self.values = pool, place, values  # place -1: beside the block
        # The newest event of each CUDA stream and thread that read the row: two threads on one stream may file their
        # events in another order than they recorded them.
        self.reads: _Reads = {}

    def __add__(self, other: "TokenRow") -> "TokenRow":
        return self._pool.sum_of(self, other)

    def __del__(self) -> None:
        if self.place >= 0:
            self._pool.give_back(self.place, self.reads)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    @property
    def nbytes(self) -> int:
        return 4 * math.prod(self.shape)


class _Places:
    """Which rows are free. Rows are lent newest first, so that a short stream touches only a few of them."""

    def __init__(self, num_rows: int) -> None:
        self._free = [(place, {}) for place in reversed(range(num_rows))]  # type: list[tuple[int, _Reads]]

    def take(self) -> tuple[int, _Reads] | None:
        """(place, events of the streams that may still read it); None when readers hold all spare rows."""
        try:
            return self._free.pop()  # one step of the interpreter: no other thread can come between
        except IndexError:
            return None

    def give_back(self, place: int, reads: _Reads) -> None:
        self._free.append((place, reads))

    @property
    def free(self) -> list[tuple[int, _Reads]]:
        return list(self._free)


class HostRows:
    """Rows in one numpy array, whose calls are cheap."""

    def __init__(self, num_rows: int, shape: tuple[int, int]) -> None:
        self._block = np.empty((num_rows, *shape), np.float32)
        self._places = _Places(num_rows)
        self.give_back = self._places.give_back

    @property
    def nbytes(self) -> int:
        return self._block.nbytes

    def empty(self) -> TokenRow:
        """A row to be filled by the caller, at once. Beside the block when readers of old snapshots hold too many."""
        taken = self._places.take()
        if taken is None:
            return TokenRow(self, -1, np.empty(self._block.shape[1:], np.float32))
        return TokenRow(self, taken[0], self._block[taken[0]])

    def sum_of(self, one: TokenRow, other: TokenRow) -> TokenRow:
        row = self.empty()
        np.add(one.values, other.values, out=row.values)
        return row

    def means(self, rows: Sequence[TokenRow], weights: Sequence[int]) -> np.ndarray:
        """Each row over its weight, [N, P, D], newly made.

        Two large calls in all, not one a row: at each, other threads may take the interpreter.
        """
        stacked = np.empty((len(rows), *self._block.shape[1:]), np.float32)
        places = [max(row.place, 0) for row in rows]
        np.take(self._block, places, axis=0, out=stacked, mode="clip")
        for beside in [number for number, row in enumerate(rows) if row.place < 0]:
            stacked[beside] = rows[beside].values
        stacked /= np.array(weights, np.float32)[:, None, None]
        return stacked

    def erase_free(self) -> None:
        """Zeroes in every row that is not lent."""
        self._block[[place for place, _ in self._places.free]] = 0.0


class DeviceRows:
    """Rows in one tensor on a device. Nothing here makes a host thread wait."""

    def __init__(self, num_rows: int, shape: tuple[int, int], device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        self.stream = torch.cuda.Stream(device, priority=0) if self._is_cuda else None  # 0 is the lowest priority
        self._block = torch.empty((num_rows, *shape), dtype=torch.float32, device=device)
        self._views = list(self._block.unbind(0))
        self._places = _Places(num_rows)
        self.give_back = self._places.give_back
        if self.stream is not None:
            self.stream.wait_stream(torch.cuda.current_stream(device))  # the block belongs to the stream that made it
            self._block.record_stream(self.stream)

    @property
    def nbytes(self) -> int:
        return self._block.nbytes

    @property
    def device(self) -> torch.device:
        return self._block.device

    def writing(self) -> contextlib.AbstractContextManager[Any]:
        """Within it, work goes to the writer's stream."""
        return contextlib.nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def empty(self) -> TokenRow:
        """A row to be filled by the caller, within writing(): no stream reads it any more."""
        busy = []
        while (taken := self._places.take()) and not all(event.query() for event in taken[1].values()):
            busy.append(taken)
        for place, reads in busy:
            self.give_back(place, reads)
        if taken is None:
            return TokenRow(self, -1, torch.empty_like(self._views[0]))
        return TokenRow(self, taken[0], self._views[taken[0]])

    def sum_of(self, one: TokenRow, other: TokenRow) -> TokenRow:
        with self.writing():
            row = self.empty()
            torch.add(one.values, other.values, out=row.values)
        return row

    def means(self, rows: Sequence[TokenRow], weights: Sequence[int], ready: Any) -> torch.Tensor:
        """Each row over its weight, [N, P, D], newly made, on the reader's stream, once `ready` has come."""
        if not rows:
            return self._block.new_empty((0, *self._block.shape[1:]))
        divisors = self.from_host(torch.tensor(weights, dtype=torch.float32))
        stream = torch.cuda.current_stream(self._block.device) if self._is_cuda else None
        if stream is not None and ready is not None:
            stream.wait_event(ready)
        stacked = torch.stack([row.values for row in rows]).div_(divisors[:, None, None])  # [N, P, D]
        if stream is not None:
            self._block.record_stream(stream)
            read = torch.cuda.Event()
            read.record(stream)
            reader = stream.cuda_stream, threading.get_ident()
            for row in rows:
                row.reads[reader] = read
                if row.place < 0:
                    row.values.record_stream(stream)
        return stacked

    def erase_free(self) -> None:
        """Zeroes in every row that is not lent, once the streams that still read one are through."""
        with self.writing():
            for place, reads in self._places.free:
                if self.stream is not None:
                    for event in reads.values():
                        self.stream.wait_event(event)
                self._views[place].zero_()

    def from_host(self, values: torch.Tensor) -> torch.Tensor:
        if not self._is_cuda:
            return values
        return values.pin_memory().to(self._block.device, non_blocking=True)
