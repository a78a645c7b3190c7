"""Spans of presence: kept few by merging neighbours, and told as records.

Comes in: finished spans. Goes out: at most max_spans of them, and a channel's record. Any thread: nothing is changed
in place.
"""

from typing import NamedTuple

from memory.records import ChannelRecord, Span

__all__ = ["History", "TimedSpan", "record_of"]


class TimedSpan(NamedTuple):
    """A span with what its merged successors need to know."""

    span: Span
    peak_time_s: float
    present_s: float  # end - start, less the gaps of merged spans

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
        return TimedSpan(span, peak.peak_time_s, self.present_s + later.present_s)


class History(NamedTuple):
    """The finished spans of one channel, in order of time, and the record they make while it is absent."""

    spans: tuple[TimedSpan, ...] = ()
    record: ChannelRecord | None = None

    def with_span(self, span: TimedSpan, num_appearances: int, max_spans: int) -> "History":
        spans = _merged_to_limit((*self.spans, span), max_spans)
        return History(spans, record_of(spans, num_appearances, count_now=None))

    def record_while_present(
        self, span: TimedSpan, num_appearances: int, count_now: int, max_spans: int
    ) -> ChannelRecord:
        """The record with the span that goes on as its last."""
        return record_of(_merged_to_limit((*self.spans, span), max_spans), num_appearances, count_now)


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


def _merged_to_limit(spans: tuple[TimedSpan, ...], max_spans: int) -> tuple[TimedSpan, ...]:
    """At most max_spans: neighbours with the smallest gap are joined, the older ones in a tie."""
    while len(spans) > max_spans:
        left = min(range(len(spans) - 1), key=lambda i: spans[i + 1].span.start_s - spans[i].span.end_s)
        spans = (*spans[:left], spans[left].joined(spans[left + 1]), *spans[left + 2 :])
    return spans
