"""Spans of presence: kept few by merging neighbours, and told as records.

Comes in: finished spans. Goes out: at most max_spans of them, and a channel's record. Any thread: nothing is changed
in place. Spans that touch a pinned interval are joined last of all.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from memory.intervals import Interval, cut_out, do_overlap
from memory.records import ChannelRecord, Span

__all__ = ["History", "TimedSpan", "record_of"]


class TimedSpan(NamedTuple):
    """A span with what its merged successors need to know."""

    span: Span
    peak_time_s: float
    present_s: float  # end - start, less the gaps of merged spans
    num_appearances: int = 1

    def joined(self, later: "TimedSpan") -> "TimedSpan":
        """Both in one. Of equal peaks the earlier is kept."""
        peak = later if later.span.peak_count > self.span.peak_count else self
        span = Span(
            start_s=self.span.start_s,
            end_s=later.span.end_s,
            peak_count=peak.span.peak_count,
            peak_frame_id=peak.span.peak_frame_id,
            first_frame_id=self.span.first_frame_id,
            last_frame_id=later.span.last_frame_id,
        )
        num_appearances = self.num_appearances + later.num_appearances
        return TimedSpan(span, peak.peak_time_s, self.present_s + later.present_s, num_appearances)

    @property
    def interval(self) -> Interval:
        return self.span.start_s, self.span.end_s

    def without(self, hole: Interval) -> tuple["TimedSpan", ...]:
        """What may still be said of it when nothing of `hole` may be known: none, one or two spans outside of it.

        A piece knows the frame at its own outer end, and the peak if that lay in it; else its count is 1. A piece of
        merged spans counts as one appearance, present for its share of the time.
        """
        pieces = cut_out(self.interval, hole)
        return (self,) if pieces == (self.interval,) else tuple(self._piece(piece) for piece in pieces)

    def _piece(self, piece: Interval) -> "TimedSpan":
        span, (start_s, end_s) = self.span, piece
        is_first = start_s == span.start_s
        known_id, known_s = (span.first_frame_id, start_s) if is_first else (span.last_frame_id, end_s)
        has_peak = start_s <= self.peak_time_s <= end_s
        peak_id = span.peak_frame_id if has_peak else known_id
        cut = Span(
            start_s=start_s,
            end_s=end_s,
            peak_count=span.peak_count if has_peak else 1,
            peak_frame_id=peak_id,
            first_frame_id=known_id if is_first else peak_id,
            last_frame_id=peak_id if is_first else known_id,
        )
        share = (end_s - start_s) / (span.end_s - span.start_s)
        return TimedSpan(cut, self.peak_time_s if has_peak else known_s, self.present_s * share)


class History(NamedTuple):
    """The finished spans of one channel, in order of time, and the record they make while it is absent."""

    spans: tuple[TimedSpan, ...] = ()
    record: ChannelRecord | None = None

    def with_span(
        self, span: TimedSpan, num_appearances: int, max_spans: int, pins: Sequence[Interval] = ()
    ) -> "History":
        spans = _merged_to_limit((*self.spans, span), max_spans, pins)
        return History(spans, record_of(spans, num_appearances, count_now=None))

    def record_while_present(
        self, span: TimedSpan, num_appearances: int, count_now: int, max_spans: int, pins: Sequence[Interval] = ()
    ) -> ChannelRecord:
        """The record with the span that goes on as its last."""
        return record_of(_merged_to_limit((*self.spans, span), max_spans, pins), num_appearances, count_now)


def record_of(spans: tuple[TimedSpan, ...], num_appearances: int, count_now: int | None) -> ChannelRecord:
    """count_now: None when the channel is not present."""
    peak = max(spans, key=lambda timed: timed.span.peak_count)  # the first of equals
    return ChannelRecord(
        spans=tuple(timed.span for timed in spans),
        peak_count=peak.span.peak_count,
        peak_time_s=peak.peak_time_s,
        peak_frame_id=peak.span.peak_frame_id,
        present_s=sum(timed.present_s for timed in spans),
        num_appearances=num_appearances,
        is_present=count_now is not None,
        count_now=count_now or 0,
    )


def _merged_to_limit(spans: tuple[TimedSpan, ...], max_spans: int, pins: Sequence[Interval]) -> tuple[TimedSpan, ...]:
    """At most max_spans: neighbours with the smallest gap are joined, the older ones in a tie, pinned ones last."""
    while len(spans) > max_spans:
        gaps_s = [later.span.start_s - one.span.end_s for one, later in pairwise(spans)]
        are_pinned = [_is_pinned(one, later, pins) for one, later in pairwise(spans)] if pins else [False] * len(gaps_s)
        left = min(range(len(gaps_s)), key=lambda place: (are_pinned[place], gaps_s[place]))
        spans = (*spans[:left], spans[left].joined(spans[left + 1]), *spans[left + 2 :])
    return spans


def _is_pinned(one: TimedSpan, later: TimedSpan, pins: Sequence[Interval]) -> bool:
    return any(do_overlap(timed.interval, pin) for timed in (one, later) for pin in pins)
