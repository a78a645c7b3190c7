"""The memory of one stream.

Comes in: visual tokens [P, D], a key [key_dim], a time and a frame id a frame, from ONE thread, the writer's; commands
(pin, unpin, forget, note, mark_gap) from any thread. Goes out: immutable snapshots, to any thread.

Writes and commands take one short lock, so a command waits for one write at most, and the reverse. Readers take none:
a reader never waits for the writer, nor the writer for a reader. A command is in force when it returns.
"""

import math
import operator
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from memory.config import MemoryConfig
from memory.entry import single_frame
from memory.errors import InvalidFrameError, MemoryClosedError, TimeOrderError, TokensError
from memory.intervals import checked_interval
from memory.parts import Parts
from memory.pins import Pin
from memory.receipts import ForgetReceipt, WriteReport
from memory.snapshot import Snapshot
from memory.state import State, checked_config
from memory.stats import MemoryStats

if TYPE_CHECKING:  # storage brings the archive with it, and that FAISS; a memory that is not saved needs neither
    from memory.storage import About

__all__ = ["StreamMemory"]


class StreamMemory:
    """One stream's memory. write() and close() belong to one thread; all else may be called from any."""

    def __init__(self, config: MemoryConfig) -> None:
        self.config = config
        self._changing = threading.Lock()  # held by one write or one command; never by a reader
        self._parts = Parts(config)
        self._is_closed = False
        self._published = self._parts.publish()

    def write(
        self, tokens: torch.Tensor | np.ndarray, key: torch.Tensor | np.ndarray, time_s: float, frame_id: int
    ) -> WriteReport:
        """Files one frame and publishes the new state.

        tokens: [P, D], key: [key_dim], any floating dtype, on any device; both are copied. time_s never decreases.
        Raises TokensError, TimeOrderError or InvalidFrameError, with nothing changed, or MemoryClosedError.
        """
        config = self.config
        with self._changing:
            self._require_open(f"frame {frame_id} was written")
            time_s, frame_id = self._check_order(time_s, frame_id)
            _check_floats("tokens [P, D]", tokens, (config.num_tokens, config.token_dim))
            _check_floats("key [key_dim]", key, (config.key_dim,))
            own_tokens, pooled, own_key = self._parts.store.take(tokens, key)
            if not np.isfinite(pooled).all():
                raise TokensError(
                    f"tokens of frame {frame_id} hold NaN, infinity or numbers too large for a float32 sum"
                )
            frame = single_frame(own_tokens, pooled, _normalised(own_key, frame_id), time_s, frame_id)
            kept, merged = self._parts.push(frame)
            self._publish()
        return WriteReport(kept=kept, merged=merged)

    def snapshot(self) -> Snapshot:
        """The state after the last write or command; after close() too."""
        return self._published.snapshot()

    def stats(self) -> MemoryStats:
        """The size after the last write or command."""
        return self._published.stats(self._parts.fixed_bytes)

    def pin(self, start_s: float, end_s: float, label: str) -> Pin:
        """Keeps a moment, past or still going on, both ends included.

        Its event slots are not merged any more (as many as `max_pinned_slots` allows, the earliest first), its spans
        and notes are the last to go. Raises InvalidIntervalError, InvalidNoteError, PinLimitError, MemoryClosedError.
        """
        interval = checked_interval(start_s, end_s)
        with self._changing:
            self._require_open("pin() was called")
            pin = self._parts.pins.add(interval, label)
            self._parts.apply_pins()
            self._publish()
        return pin

    def unpin(self, start_s: float, end_s: float) -> int:
        """Takes off every pin that touches the interval; how many. Raises InvalidIntervalError, MemoryClosedError."""
        interval = checked_interval(start_s, end_s)
        with self._changing:
            self._require_open("unpin() was called")
            num_removed = self._parts.pins.remove(interval)
            self._parts.apply_pins()
            self._publish()
        return num_removed

    def forget(self, start_s: float, end_s: float) -> ForgetReceipt:
        """Erases all evidence of an interval, both ends included, from every tier; a pin does not stand against it.

        An event slot that may hold a frame of the interval goes whole; frames of it that the spatial tier still holds
        come back as slots. What remains of the interval is a gap of the kind "forgotten". Snapshots taken before keep
        what they held for as long as their holders keep them. Raises InvalidIntervalError, MemoryClosedError.
        """
        interval = checked_interval(start_s, end_s)
        with self._changing:
            self._require_open("forget() was called")
            receipt = self._parts.forget(interval)
            self._publish()
            self._parts.store.erase_free()
        return receipt

    def note(self, kind: str, text: str, start_s: float, end_s: float) -> None:
        """Files a caption, an answer or a user's note about an interval.

        Raises InvalidIntervalError, InvalidNoteError or MemoryClosedError.
        """
        interval = checked_interval(start_s, end_s)
        with self._changing:
            self._require_open("note() was called")
            self._parts.log.add(kind, text, interval, self._parts.pins.intervals)
            self._publish()

    def mark_gap(self, kind: str, start_s: float, end_s: float) -> None:
        """Files that nothing could be seen in an interval: "disconnected", "dropped", "dark" or "evicted".

        Raises InvalidIntervalError, InvalidNoteError or MemoryClosedError.
        """
        interval = checked_interval(start_s, end_s)
        with self._changing:
            self._require_open("mark_gap() was called")
            self._parts.gaps.add(kind, interval)
            self._publish()

    def export_state(self) -> State:
        """(arrays, document): a copy of the whole state, from which from_state() makes a memory that goes on alike.

        The document holds only what JSON can; its config leaves out the device. After close() too.
        """
        with self._changing:
            return self._parts.export()

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], document: Mapping[str, Any], device: str = "cpu") -> Self:
        """The memory of an exported state, on `device`. Raises StateError for what is no state of this version."""
        memory = cls(checked_config(document, device))
        memory._parts.restore(arrays, document)
        memory._published = memory._parts.publish()
        return memory

    def save(self, path: Path, about: "About") -> None:
        """Writes the whole state to one file, which it replaces as a whole. Any thread; after close() too.

        Raises SaveFailedError, and the file that was there stands.
        """
        from memory.storage import save_memory

        save_memory(path, self.export_state(), about)

    @classmethod
    def load(cls, path: Path, fingerprint: str, device: str = "cpu") -> "tuple[Self, About]":
        """The memory that save() wrote, and whose it is. fingerprint: of the encoder that will write to it.

        Raises NothingSavedError, ForeignMemoryError, DamagedMemoryError or StateError; each says what to do.
        """
        from memory.storage import load_memory

        saved = load_memory(path, fingerprint)
        return cls.from_state(saved.arrays, saved.document, device), saved.about

    def close(self) -> None:
        """Ends writing. May be called twice; the last state stays readable."""
        self._is_closed = True

    def _publish(self) -> None:
        self._parts.version += 1
        self._published = self._parts.publish()  # readers see the new state from here on

    def _require_open(self, what: str) -> None:
        if self._is_closed:
            raise MemoryClosedError(f"{what} after close(); open a new StreamMemory for it")

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
        last_s = self._parts.last_time_s
        if last_s is not None and seconds < last_s:
            message = f"time went backwards: frame {number} is at {seconds} s, the one before at {last_s} s"
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
