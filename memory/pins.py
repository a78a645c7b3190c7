"""Moments that the user wants kept: which intervals are pinned, and under what label.

Comes in: an interval and a label. Goes out: at most `capacity` pins in order of start. Changed under the memory's lock
alone; what is published never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from memory.errors import InvalidNoteError, PinLimitError
from memory.intervals import Interval, cut_out, do_overlap

__all__ = ["Pin", "PinBoard"]

MAX_LABEL_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A pinned interval, both ends included."""

    start_s: float
    end_s: float
    label: str


class PinBoard:
    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._pins: tuple[Pin, ...] = ()

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return tuple((pin.start_s, pin.end_s) for pin in self._pins)

    def add(self, interval: Interval, label: str) -> Pin:
        """A pin of the same interval gets the new label. Raises PinLimitError or InvalidNoteError."""
        if not isinstance(label, str) or len(label) > MAX_LABEL_CHARS:
            raise InvalidNoteError(f"the label of a pin is a text of {MAX_LABEL_CHARS} characters at most")
        others = [pin for pin in self._pins if (pin.start_s, pin.end_s) != interval]
        if len(others) >= self._capacity:
            raise PinLimitError(f"the memory holds {self._capacity} pins already: take one off first")
        pin = Pin(start_s=interval[0], end_s=interval[1], label=label)
        self._pins = _in_order([*others, pin])
        return pin

    def remove(self, interval: Interval) -> int:
        """Takes off every pin that touches the interval; how many."""
        kept = tuple(pin for pin in self._pins if not do_overlap((pin.start_s, pin.end_s), interval))
        num_removed = len(self._pins) - len(kept)
        self._pins = kept
        return num_removed

    def forget(self, interval: Interval) -> None:
        """Cuts the interval out of every pin; where there is room for one of two pieces, the earlier stays."""
        pieces = [
            Pin(start_s=start_s, end_s=end_s, label=pin.label)
            for pin in self._pins
            for start_s, end_s in cut_out((pin.start_s, pin.end_s), interval)
        ]
        self._pins = _in_order(pieces)[: self._capacity]

    def restore(self, pins: Sequence[Pin]) -> None:
        self._pins = tuple(pins)

    def publish(self) -> tuple[Pin, ...]:
        return self._pins


def _in_order(pins: Sequence[Pin]) -> tuple[Pin, ...]:
    return tuple(sorted(pins, key=lambda pin: (pin.start_s, pin.end_s)))
