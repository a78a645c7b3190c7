"""What the ledger tells a reader: for each channel that was ever present, when, how often, how long and how many.

Comes in: plain numbers. Goes out: frozen records. Any thread: they never change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["ChannelRecord", "LazyRecords", "Ledger", "Span"]


@dataclass(frozen=True, kw_only=True, slots=True)  # there may be thousands
class Span:
    """One unbroken presence, or several that were merged for want of room."""

    start_s: float
    end_s: float  # last frame that showed it; of a presence that goes on: the last so far
    peak_count: int
    peak_frame_id: int
    first_frame_id: int
    last_frame_id: int


@dataclass(frozen=True, kw_only=True)
class ChannelRecord:
    """All that is known of one channel since the start of the stream."""

    spans: tuple[Span, ...]  # in order of time
    peak_count: int
    peak_time_s: float
    peak_frame_id: int
    present_s: float  # sum of end - start over the true appearances: gaps inside merged spans are not counted
    num_appearances: int  # true number, also when spans were merged
    is_present: bool
    count_now: int  # 0 when not present


class LazyRecords(Mapping[int, ChannelRecord]):
    """Records by channel that are made when first read. Copied and pickled as the plain dict that they are."""

    def __init__(self, make: Callable[[], dict[int, ChannelRecord]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[int, ChannelRecord]:
        return self._make()  # two readers may get here at once: both results are equal

    def __getitem__(self, channel: int) -> ChannelRecord:
        return self._made[channel]

    def __iter__(self) -> Iterator[int]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return repr(self._made)

    def __reduce__(self) -> tuple[type, tuple[dict[int, ChannelRecord]]]:
        return dict, (self._made,)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The records of the channels that were ever present, by channel number. Read-only."""

    channels: Mapping[int, ChannelRecord] = field(default_factory=dict)
