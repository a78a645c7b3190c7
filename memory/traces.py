"""The fine grain of the long-term memory: many more entries than there are event slots, of one visual token each.

Comes in: the entry of each frame. Goes out: traces, in order of start. Changed under the memory's lock alone.

A trace is to an event slot what a line in a diary is to a picture: the key, times, runs, ids and weight are all there,
the grid is summed to one token. A hundred and forty-four of them take the room of one slot, so what is short and rare
keeps an entry of its own for hours, where slots had to join it to its neighbours. They live by the slots' own rule
(memory/temporal.py), with less weight on time: what comes back joins what it was.
"""

from collections.abc import Sequence

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.intervals import Interval
from memory.temporal import TemporalTier

__all__ = ["TraceTier"]

_NO_POOLED = np.zeros(0, np.float32)


class TraceTier:
    """At most `trace_capacity` traces; none at all when that is 0. A trace's token_sum is pooled: float32 [D]."""

    def __init__(self, config: MemoryConfig) -> None:
        self._tier = TemporalTier(config.of_traces) if config.trace_capacity else None

    @property
    def nbytes(self) -> int:
        """Bytes of the book-keeping, constant; the traces' own arrays are not in it."""
        return 0 if self._tier is None else self._tier.nbytes

    def push(self, frame: Entry) -> None:
        if self._tier is not None:
            self._tier.push(_trace_of(frame))

    def interrupt(self) -> None:
        if self._tier is not None:
            self._tier.interrupt()

    def pin(self, pins: Sequence[Interval]) -> None:
        if self._tier is not None:
            self._tier.pin(pins)

    def forget(self, interval: Interval, recent: Sequence[Entry]) -> int:
        """Drops every trace that may hold a frame of the interval; how many. `recent`: as TemporalTier.forget says."""
        if self._tier is None:
            return 0
        return self._tier.forget(interval, [_trace_of(frame) for frame in recent])[0]

    def publish(self) -> tuple[Entry, ...]:
        return () if self._tier is None else self._tier.publish()

    def export(self) -> dict[str, np.ndarray]:
        return {} if self._tier is None else self._tier.export()

    def restore(self, traces: Sequence[Entry], pins: Sequence[Interval], arrays: dict[str, np.ndarray]) -> None:
        if self._tier is not None:
            self._tier.restore(traces, pins, arrays)

    def rebuild(self, slots: Sequence[Entry], pins: Sequence[Interval]) -> None:
        """Traces of these event slots: what a state that was saved without traces can still give."""
        if self._tier is not None:
            self._tier.adopt([_trace_of(slot) for slot in slots])
            self._tier.pin(pins)


def _trace_of(entry: Entry) -> Entry:
    return entry._replace(token_sum=entry.pooled_sum, pooled_sum=_NO_POOLED)
