"""When the memory could not see, or no longer knows: rows of the memory like any other, so that an answer can say so.

Comes in: a kind and an interval. Goes out: at most `capacity` gaps in order of start. Changed under the memory's lock
alone; what is published never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from memory.errors import InvalidNoteError
from memory.intervals import Interval, cut_out

__all__ = ["GAP_KINDS", "Gap", "GapLog"]

GAP_KINDS = ("disconnected", "dropped", "dark", "evicted", "forgotten")


@dataclass(frozen=True, kw_only=True)
class Gap:
    """From start to end, both included, nothing was seen, or what was seen is gone."""

    kind: str  # one of GAP_KINDS
    start_s: float
    end_s: float
    num_joined: int = 1  # how many marks it stands for; time between them that was seen may lie inside when it is > 1


class GapLog:
    """Gaps of one kind that touch become one. When full, the two of one kind with the least between them do."""

    def __init__(self, capacity: int) -> None:
        self._capacity = max(capacity, len(GAP_KINDS))  # a gap of each kind can always be held
        self._gaps: tuple[Gap, ...] = ()

    def add(self, kind: str, interval: Interval) -> None:
        """Raises InvalidNoteError for an unknown kind."""
        if kind not in GAP_KINDS:
            raise InvalidNoteError(f"a gap is one of {', '.join(GAP_KINDS)}, got {kind!r}")
        new = Gap(kind=kind, start_s=interval[0], end_s=interval[1])
        others = []
        for gap in self._gaps:
            if gap.kind == kind and gap.start_s <= new.end_s and new.start_s <= gap.end_s:
                new = _joined(gap, new)
            else:
                others.append(gap)
        self._gaps = _in_order([*others, new])
        if len(self._gaps) > self._capacity:
            self._join_nearest()

    def forget(self, interval: Interval) -> int:
        """Cuts the interval out of every gap; how many gaps it touched."""
        pieces: list[Gap] = []
        num_touched = 0
        for gap in self._gaps:
            left = cut_out((gap.start_s, gap.end_s), interval)
            num_touched += left != ((gap.start_s, gap.end_s),)
            pieces += [
                Gap(kind=gap.kind, start_s=start_s, end_s=end_s, num_joined=gap.num_joined) for start_s, end_s in left
            ]
        self._gaps = _in_order(pieces)
        while len(self._gaps) > self._capacity:
            self._join_nearest()
        return num_touched

    def restore(self, gaps: Sequence[Gap]) -> None:
        self._gaps = tuple(gaps)

    def publish(self) -> tuple[Gap, ...]:
        return self._gaps

    def _join_nearest(self) -> None:
        """Those of one kind, neighbours in order of start, with the least time between them."""
        pairs: list[tuple[float, int, int]] = []
        newest: dict[str, int] = {}  # place of the last gap of each kind so far
        for place, gap in enumerate(self._gaps):
            if gap.kind in newest:
                before = self._gaps[newest[gap.kind]]
                pairs.append((gap.start_s - before.end_s, newest[gap.kind], place))
            newest[gap.kind] = place
        _, i, j = min(pairs)
        others = [gap for place, gap in enumerate(self._gaps) if place not in (i, j)]
        self._gaps = _in_order([*others, _joined(self._gaps[i], self._gaps[j])])


def _joined(one: Gap, other: Gap) -> Gap:
    return Gap(
        kind=one.kind,
        start_s=min(one.start_s, other.start_s),
        end_s=max(one.end_s, other.end_s),
        num_joined=one.num_joined + other.num_joined,
    )


def _in_order(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    return tuple(sorted(gaps, key=lambda gap: (gap.start_s, gap.end_s, gap.kind)))
