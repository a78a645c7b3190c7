"""Where visual tokens live: in numpy arrays on the CPU, whose calls are cheap, in torch tensors elsewhere.

Comes in: one frame's tokens and key, of any floating dtype, on any device. Goes out: private float32 copies, the sum
over the frame's tokens on the host; and, for a reader, the mean tokens of many entries stacked into one tensor.
take() runs on the writer's thread, stack() on the reader's.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import Entry

__all__ = ["DeviceTokenStore", "HostTokenStore", "TokenStore", "make_token_store"]

Floats = torch.Tensor | np.ndarray


class TokenStore(Protocol):
    key_dim: int

    def take(self, tokens: Floats, key: Floats) -> tuple[Any, np.ndarray, np.ndarray]:
        """(own copy [P, D]; on the host: sum over tokens [D], own copy of the key [key_dim]), all float32."""

    def mark_ready(self) -> Any:
        """A token that stack() waits for before it reads what was written up to now."""

    def stack(self, entries: Sequence[Entry], ready: Any) -> torch.Tensor:
        """Mean tokens, [N, P, D] float32, newly made, on the memory's device."""


def make_token_store(config: MemoryConfig) -> TokenStore:
    is_host = torch.device(config.device).type == "cpu"
    return HostTokenStore(config) if is_host else DeviceTokenStore(config)


class HostTokenStore:
    def __init__(self, config: MemoryConfig) -> None:
        self.key_dim = config.key_dim
        self._shape = (config.num_tokens, config.token_dim)

    def take(self, tokens: Floats, key: Floats) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the sum
            own = _host_copy(tokens)
            return own, np.add.reduce(own, axis=0), _host_copy(key)

    def mark_ready(self) -> None:
        return None

    def stack(self, entries: Sequence[Entry], ready: Any) -> torch.Tensor:
        stacked = np.empty((len(entries), *self._shape), np.float32)
        for place, entry in zip(stacked, entries, strict=True):
            np.divide(entry.token_sum, np.float32(entry.weight), out=place)
        return torch.from_numpy(stacked)


class DeviceTokenStore:
    """The tokens stay on the device. A reader's stream waits for the writer's by an event; its host does not wait."""

    def __init__(self, config: MemoryConfig) -> None:
        self.key_dim = config.key_dim
        self._shape = (config.num_tokens, config.token_dim)
        self._device = torch.device(config.device)

    def take(self, tokens: Floats, key: Floats) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        own = torch.as_tensor(tokens).detach().to(self._device, torch.float32, copy=True)
        pooled = own.sum(dim=0)
        if isinstance(key, torch.Tensor) and key.device == own.device:
            both = torch.cat([pooled, key.detach().to(torch.float32)]).cpu().numpy()  # sync: the writer's only one
            return own, both[: self._shape[1]], both[self._shape[1] :]
        with np.errstate(over="ignore", invalid="ignore"):
            return own, pooled.cpu().numpy(), _host_copy(key)  # sync: the writer's only one

    def mark_ready(self) -> torch.cuda.Event | None:
        if self._device.type != "cuda":
            return None
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(self._device))
        return event

    def stack(self, entries: Sequence[Entry], ready: torch.cuda.Event | None) -> torch.Tensor:
        if not entries:
            return torch.empty((0, *self._shape), device=self._device)
        sums = [entry.token_sum for entry in entries]
        if ready is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(ready)
            for token_sum in sums:
                token_sum.record_stream(stream)  # the writer may drop it while this stream still reads it
        weights = torch.tensor([entry.weight for entry in entries], dtype=torch.float32).to(
            self._device, non_blocking=True
        )
        return torch.stack(sums).div_(weights[:, None, None])  # [N, P, D]


def _host_copy(values: Floats) -> np.ndarray:
    """A float32 copy that nobody else can write into."""
    if isinstance(values, torch.Tensor):
        on_host = values.detach().to("cpu", torch.float32)
        is_shared = on_host.data_ptr() == values.data_ptr()
        return on_host.numpy().copy() if is_shared else np.ascontiguousarray(on_host.numpy())
    return np.array(values, np.float32, order="C")
