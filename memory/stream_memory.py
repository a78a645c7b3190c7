"""The memory of one stream.

Comes in: visual tokens [P, D], a key [key_dim], a time and a frame id a frame, from ONE thread, the writer's.
Goes out: immutable snapshots, to any thread; a reader never waits for the writer, nor the writer for a reader.
"""

import math
import operator
from dataclasses import dataclass

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import single_frame
from memory.errors import InvalidFrameError, MemoryClosedError, TimeOrderError, TokensError
from memory.ledger import LedgerRecorder
from memory.published import MemoryStats, Published
from memory.snapshot import Snapshot
from memory.spatial import SpatialTier
from memory.temporal import TemporalTier
from memory.token_store import make_token_store

__all__ = ["StreamMemory", "WriteReport"]


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What became of one frame."""

    kept: bool  # True: a new event slot; False: so like the last kept frame that it extended the newest slot
    merged: tuple[int, int] | None  # positions of the two slots that were merged to make room, the older first


class StreamMemory:
    """One stream's memory. write() and close() belong to one thread; snapshot() and stats() may be called from any."""

    def __init__(self, config: MemoryConfig) -> None:
        self.config = config
        self._store = make_token_store(config)
        self._spatial = SpatialTier(config.spatial_capacity)
        self._temporal = TemporalTier(config)
        self._ledger = LedgerRecorder(config.num_evidence_channels, config.max_spans_per_channel)
        self._fixed_bytes = self._temporal.nbytes + self._ledger.nbytes
        self._is_closed = False
        self._published = self._publish(version=0, t_now_s=0.0)

    def write(
        self, tokens: torch.Tensor | np.ndarray, key: torch.Tensor | np.ndarray, time_s: float, frame_id: int
    ) -> WriteReport:
        """Files one frame and publishes the new state.

        tokens: [P, D], key: [key_dim], any floating dtype, on any device; both are copied. time_s never decreases.
        Raises TokensError, TimeOrderError or InvalidFrameError, with nothing changed, or MemoryClosedError.
        """
        if self._is_closed:
            raise MemoryClosedError(f"frame {frame_id} was written after close(); open a new StreamMemory for it")
        time_s, frame_id = self._check_order(time_s, frame_id)
        config = self.config
        _check_floats("tokens [P, D]", tokens, (config.num_tokens, config.token_dim))
        _check_floats("key [key_dim]", key, (config.key_dim,))
        own_tokens, pooled, own_key = self._store.take(tokens, key)
        if not np.isfinite(pooled).all():
            raise TokensError(f"tokens of frame {frame_id} hold NaN, infinity or numbers too large for a float32 sum")
        frame = single_frame(own_tokens, _normalised(own_key, frame_id), time_s, frame_id)

        self._spatial.push(frame)
        kept, merged = self._temporal.push(frame)
        self._ledger.update(pooled[: config.num_evidence_channels], time_s, frame_id)
        self._published = self._publish(self._published.version + 1, time_s)  # readers see the new state from here on
        return WriteReport(kept=kept, merged=merged)

    def snapshot(self) -> Snapshot:
        """The state after the last write; after close() too."""
        return self._published.snapshot()

    def stats(self) -> MemoryStats:
        """The size after the last write."""
        return self._published.stats(self._fixed_bytes)

    def close(self) -> None:
        """Ends writing. May be called twice; the last state stays readable."""
        self._is_closed = True

    def _publish(self, version: int, t_now_s: float) -> Published:
        frames, slots, ledger = self._spatial.publish(), self._temporal.publish(), self._ledger.publish()
        return Published(version, t_now_s, frames, slots, ledger, self._store)

    def _check_order(self, time_s: float, frame_id: int) -> tuple[float, int]:
        try:
            seconds, number = float(time_s), operator.index(frame_id)
        except (TypeError, ValueError, OverflowError) as error:
            message = f"expected time_s as a number and frame_id as a whole number, got {time_s!r} and {frame_id!r}"
            raise InvalidFrameError(message) from error
        if not -(2**63) <= number < 2**63:
            raise InvalidFrameError(f"frame_id must fit 64 bits, got {number}")
        if not math.isfinite(seconds):
            raise TimeOrderError(f"time_s of frame {number} must be finite, got {seconds}")
        last = self._published
        if last.version and seconds < last.t_now_s:
            message = f"time went backwards: frame {number} is at {seconds} s, the one before at {last.t_now_s} s"
            raise TimeOrderError(f"{message}; a source that restarts needs times that go on")
        return seconds, number


def _check_floats(name: str, values: torch.Tensor | np.ndarray, shape: tuple[int, ...]) -> None:
    if not isinstance(values, torch.Tensor | np.ndarray):
        raise TokensError(f"expected {name} as a torch tensor or a numpy array, got {type(values).__name__}")
    if tuple(values.shape) != shape:
        raise TokensError(f"expected {name} = {shape}, got {tuple(values.shape)}")
    is_floating = values.is_floating_point() if isinstance(values, torch.Tensor) else values.dtype.kind == "f"
    if not is_floating:
        raise TokensError(f"expected {name} of a floating dtype, got {values.dtype}")


def _normalised(key: np.ndarray, frame_id: int) -> np.ndarray:
    """The key with length 1, float32; a key of zeros stays as it is."""
    length = math.sqrt(float(np.einsum("d,d->", key, key, dtype=np.float64)))
    if not math.isfinite(length):
        raise TokensError(f"key of frame {frame_id} holds NaN or infinity")
    return key if length == 0.0 else key / np.float32(length)
