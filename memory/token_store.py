"""Where visual tokens live: in numpy arrays on the CPU, whose calls are cheap, in torch tensors elsewhere.

Comes in: one frame's tokens and key, of any floating dtype, on any device. Goes out: the tokens in a row of their own
(memory/token_rows.py), the sum over the frame's tokens on the host; and, for a reader, the mean tokens of many entries
stacked into one tensor. take(), restore() and fetch() run under the memory's lock, stack() on the reader's thread.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.stream_tensor import StreamTensor
from memory.token_rows import DeviceRows, HostRows, TokenRow

__all__ = ["DeviceTokenStore", "HostTokenStore", "TokenStore", "make_token_store"]

Floats = torch.Tensor | np.ndarray


class TokenStore(Protocol):
    @property
    def reserved_bytes(self) -> int:
        """Bytes of the rows, lent or free; constant."""

    def take(self, tokens: Floats, key: Floats) -> tuple[TokenRow, np.ndarray, np.ndarray]:
        """(own copy [P, D]; on the host: sum over tokens [D], own copy of the key [key_dim]), all float32."""

    def restore(self, token_sum: np.ndarray) -> TokenRow:
        """A row that holds token_sum, float32 [P, D]."""

    def fetch(self, entries: Sequence[Entry]) -> np.ndarray:
        """The sums themselves, on the host: float32 [N, P, D]."""

    def mark_ready(self) -> Any:
        """A token that stack() waits for before it reads what was written up to now."""

    def stack(self, entries: Sequence[Entry], ready: Any) -> torch.Tensor | StreamTensor:
        """Mean tokens, [N, P, D] float32, newly made, on the memory's device; on CUDA safe for any reader's stream."""

    def place(self, values: np.ndarray) -> torch.Tensor | StreamTensor:
        """A small array as a tensor on the memory's device, likewise."""

    def erase_free(self) -> None:
        """Overwrites the rows that nobody holds: after forgetting, what they held must not lie about."""


def make_token_store(config: MemoryConfig) -> TokenStore:
    is_host = torch.device(config.device).type == "cpu"
    return HostTokenStore(config) if is_host else DeviceTokenStore(config)


class HostTokenStore:
    def __init__(self, config: MemoryConfig) -> None:
        self._shape = (config.num_tokens, config.token_dim)
        self._rows = HostRows(config.num_rows, self._shape)
        self.erase_free = self._rows.erase_free

    @property
    def reserved_bytes(self) -> int:
        return self._rows.nbytes

    def take(self, tokens: Floats, key: Floats) -> tuple[TokenRow, np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the sum
            row = self._rows.empty()
            np.copyto(row.values, _on_host(tokens), casting="unsafe")
            return row, np.add.reduce(row.values, axis=0), _host_copy(key)

    def restore(self, token_sum: np.ndarray) -> TokenRow:
        row = self._rows.empty()
        np.copyto(row.values, token_sum)
        return row

    def fetch(self, entries: Sequence[Entry]) -> np.ndarray:
        return np.array([entry.token_sum.values for entry in entries], np.float32).reshape(-1, *self._shape)

    def mark_ready(self) -> None:
        return None

    def stack(self, entries: Sequence[Entry], ready: Any) -> torch.Tensor:
        means = self._rows.means([entry.token_sum for entry in entries], [entry.weight for entry in entries])
        return torch.from_numpy(means)

    def place(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values)


class DeviceTokenStore:
    """The tokens stay on the device. A reader's stream waits for the writer's by an event; its host does not wait."""

    def __init__(self, config: MemoryConfig) -> None:
        self._shape = (config.num_tokens, config.token_dim)
        self._device = torch.device(config.device)
        self._rows = DeviceRows(config.num_rows, self._shape, self._device)
        self.erase_free = self._rows.erase_free

    @property
    def reserved_bytes(self) -> int:
        return self._rows.nbytes

    def take(self, tokens: Floats, key: Floats) -> tuple[TokenRow, np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the sum
            given = _as_tensor(tokens)
            self._follow_caller(given, key)
            with self._rows.writing():
                row = self._rows.empty()
                row.values.copy_(given)
                pooled = row.values.sum(dim=0)
                if isinstance(key, torch.Tensor) and key.device == row.values.device:
                    pooled_and_key = torch.cat([pooled, key.detach().to(torch.float32)])
                    both = pooled_and_key.cpu().numpy()  # sync: the writer's only one
                    return row, both[: self._shape[1]], both[self._shape[1] :]
                return row, pooled.cpu().numpy(), _host_copy(key)  # sync: the writer's only one

    def restore(self, token_sum: np.ndarray) -> TokenRow:
        with self._rows.writing():
            row = self._rows.empty()
            row.values.copy_(torch.from_numpy(token_sum))
        return row

    def fetch(self, entries: Sequence[Entry]) -> np.ndarray:
        if not entries:
            return np.empty((0, *self._shape), np.float32)
        with self._rows.writing():
            on_host: np.ndarray = torch.stack([entry.token_sum.values for entry in entries]).cpu().numpy()
        return on_host

    def mark_ready(self) -> torch.cuda.Event | None:
        if self._rows.stream is None:
            return None
        event = torch.cuda.Event()
        event.record(self._rows.stream)
        return event

    def stack(self, entries: Sequence[Entry], ready: torch.cuda.Event | None) -> torch.Tensor | StreamTensor:
        rows, weights = [entry.token_sum for entry in entries], [entry.weight for entry in entries]
        return self._shared(self._rows.means(rows, weights, ready))

    def place(self, values: np.ndarray) -> torch.Tensor | StreamTensor:
        return self._shared(self._rows.from_host(torch.from_numpy(values)))

    def _shared(self, tensor: torch.Tensor) -> torch.Tensor | StreamTensor:
        return tensor if self._rows.stream is None else StreamTensor(tensor)

    def _follow_caller(self, tokens: torch.Tensor, key: Floats) -> None:
        """What the caller's stream has under way must be done before the writer's stream reads it."""
        stream = self._rows.stream
        if stream is None:
            return
        stream.wait_stream(torch.cuda.current_stream(self._device))
        for given in (tokens, key):
            if isinstance(given, torch.Tensor) and given.device == self._rows.device:
                given.record_stream(stream)  # the caller may drop it while this stream still reads it


def _as_tensor(values: Floats) -> torch.Tensor:
    """An array is copied: PyTorch takes no strides below zero, not every dtype, and no arrays that are read-only."""
    if isinstance(values, torch.Tensor):
        return values.detach()
    return torch.from_numpy(_host_copy(values))


def _on_host(values: Floats) -> np.ndarray:
    """Without a copy where there need not be one."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return values


def _host_copy(values: Floats) -> np.ndarray:
    """A float32 copy that nobody else can write into."""
    return np.array(_on_host(values), np.float32, order="C")
