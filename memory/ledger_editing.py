"""The ledger as its owner changes it beside the frames: forgetting an interval, pinning, and the whole state as arrays.

Comes in: intervals, interruptions, arrays. Goes out: a recorder that goes on from there. Changed under the memory's
lock alone.

What forgetting means here: no time within the interval, no frame of it, no count that held in it and no presence that
only it showed stays in a record. A span that reaches over an end of the interval is cut there (memory/spans.py); one
that began before and goes on after it becomes two. The smoothing restarts: what goes on is just present, all else is
absent.
"""

import numpy as np

from memory.intervals import Interval
from memory.ledger import (
    APPEAR_LEVEL,
    LAST_ID,
    LAST_INDEX,
    LAST_S,
    NUM_APPEARANCES,
    PEAK,
    PEAK_ID,
    PEAK_S,
    SHORT_PEAK,
    START_ID,
    START_INDEX,
    START_S,
    LedgerRecorder,
)
from memory.records import Span
from memory.spans import History, TimedSpan, record_of

__all__ = ["EditableLedger"]


class EditableLedger(LedgerRecorder):
    """A LedgerRecorder that can also be interrupted, forget, pin, be exported and restored."""

    def pin(self, pins: tuple[Interval, ...]) -> None:
        """From now on, spans that touch these intervals are the last to be joined with others."""
        self._state = self._state._replace(pins=pins)

    def interrupt(self) -> None:
        """Every presence ends at the last frame that showed it; what is seen from now on begins anew."""
        for channel in np.flatnonzero(self._state.is_present).tolist():
            self._vanish(channel)
        self._smoothed[:], self._was_seen = 0, np.zeros_like(self._was_seen)
        self._fresh, self._evidence, self._evidence_times_s = np.zeros(0, np.int64), [], []
        self._state.counts[...] = 0
        self._unknown_until_s = max(self._unknown_until_s, self._last_frame[0])

    def forget(self, interval: Interval) -> int:
        """Removes the evidence of the interval, both ends included; how many spans it touched."""
        num_touched = 0
        for channel in sorted({*self._state.histories, *np.flatnonzero(self._state.is_present).tolist()}):
            num_touched += self._forget_channel(channel, interval)
        self._forget_runs(interval)
        self._forget_last_frames(interval)
        self._smoothed = np.where(self._state.is_present, np.float32(APPEAR_LEVEL), np.float32(0))
        self._unknown_until_s = max(self._unknown_until_s, interval[1])
        return num_touched

    def _forget_channel(self, channel: int, interval: Interval) -> int:
        state = self._state
        before = state.histories.get(channel, History()).spans
        kept = [piece for timed in before for piece in timed.without(interval)]
        num_touched = sum(timed.without(interval) != (timed,) for timed in before)
        if state.is_present[channel]:
            current = state.current_span(channel)
            pieces = current.without(interval)
            num_touched += pieces != (current,)
            if pieces and pieces[-1].span.end_s == current.span.end_s:
                kept += pieces[:-1]
                if pieces != (current,):
                    self._begin_anew(channel, pieces[-1])
            else:
                kept += pieces
                self._end(channel)
        if num_touched:
            self._file(channel, tuple(kept))
        return num_touched

    def _file(self, channel: int, spans: tuple[TimedSpan, ...]) -> None:
        """The finished spans of a channel are these."""
        state = self._state
        num_appearances = sum(timed.num_appearances for timed in spans)
        state.numbers[NUM_APPEARANCES, channel] = num_appearances + state.is_present[channel]
        histories = {number: history for number, history in state.histories.items() if number != channel}
        for timed in spans:
            history = histories.get(channel, History())
            histories[channel] = history.with_span(timed, num_appearances, state.max_spans, state.pins)
        self._state = state._replace(histories=histories)  # published states keep theirs

    def _begin_anew(self, channel: int, piece: TimedSpan) -> None:
        """The presence that goes on began with `piece`."""
        times_s, numbers, span = self._state.times_s, self._state.numbers, piece.span
        times_s[[START_S, PEAK_S], channel] = span.start_s, piece.peak_time_s
        numbers[[START_ID, PEAK_ID], channel] = span.first_frame_id, span.peak_frame_id
        numbers[[SHORT_PEAK, PEAK], channel] = span.peak_count

    def _end(self, channel: int) -> None:
        self._state.is_present[channel] = False
        self._threshold[channel] = APPEAR_LEVEL

    def _forget_runs(self, interval: Interval) -> None:
        """What is still noted of channels that are not present: old presences, and runs that had just begun."""
        start_s, end_s = interval
        times_s = self._state.times_s
        is_noted = (times_s[START_S] <= end_s) & (times_s[LAST_S] >= start_s)
        has_peak = (times_s[PEAK_S] >= start_s) & (times_s[PEAK_S] <= end_s)
        forgotten = np.flatnonzero((is_noted | has_peak) & ~self._state.is_present)
        times_s[:, forgotten] = 0
        for row in (START_ID, LAST_ID, PEAK_ID, START_INDEX, LAST_INDEX, SHORT_PEAK, PEAK):
            self._state.numbers[row, forgotten] = 0
        stale = np.flatnonzero(has_peak & self._state.is_present)  # a peak of an earlier presence
        times_s[PEAK_S, stale] = times_s[START_S, stale]
        self._state.numbers[PEAK_ID, stale] = self._state.numbers[START_ID, stale]
        self._was_seen[forgotten] = False
        self._fresh = np.setdiff1d(self._fresh, forgotten)

    def _forget_last_frames(self, interval: Interval) -> None:
        """The evidence of the last frames, from which the next counts are made."""
        start_s, end_s = interval
        if self._num_frames and start_s <= self._last_frame[0] <= end_s:
            self._last_frame = (0.0, 0)
        is_kept = [not start_s <= time_s <= end_s for time_s in self._evidence_times_s]
        if not all(is_kept):
            self._evidence = [one for one, keep in zip(self._evidence, is_kept, strict=False) if keep]
            self._evidence_times_s = [one for one, keep in zip(self._evidence_times_s, is_kept, strict=True) if keep]
            self._state.counts[...] = 0

    def export(self) -> dict[str, np.ndarray]:
        """The whole state, copied."""
        state = self._state
        timed = [(channel, one) for channel, history in sorted(state.histories.items()) for one in history.spans]
        seconds = [(one.span.start_s, one.span.end_s, one.peak_time_s, one.present_s) for _, one in timed]
        numbers = [
            (number, span.peak_count, span.peak_frame_id, span.first_frame_id, span.last_frame_id, one.num_appearances)
            for number, one in timed
            for span in (one.span,)
        ]
        return {
            "smoothed": self._smoothed.copy(),
            "threshold": self._threshold.copy(),
            "was_seen": self._was_seen.copy(),
            "fresh": self._fresh.copy(),
            "evidence": np.array(self._evidence, np.float32).reshape(len(self._evidence), self._smoothed.size),
            "evidence_times_s": np.array(self._evidence_times_s, np.float64),
            "last_frame_s": np.array([self._last_frame[0]]),
            "unknown_until_s": np.array([self._unknown_until_s]),
            "last_frame": np.array([self._last_frame[1], self._num_frames], np.int64),
            "times_s": state.times_s.copy(),
            "numbers": state.numbers.copy(),
            "counts": state.counts.copy(),
            "is_present": state.is_present.copy(),
            "span_seconds": np.array(seconds, np.float64).reshape(-1, 4),
            "span_numbers": np.array(numbers, np.int64).reshape(-1, 6),
        }

    def restore(self, arrays: dict[str, np.ndarray], pins: tuple[Interval, ...]) -> None:
        """The state as it was exported. The arrays are handed over."""
        self._smoothed, self._threshold = arrays["smoothed"], arrays["threshold"]
        self._was_seen, self._fresh = arrays["was_seen"], arrays["fresh"]
        self._evidence = list(arrays["evidence"])
        self._evidence_times_s = arrays["evidence_times_s"].tolist()
        last_id, self._num_frames = arrays["last_frame"].tolist()
        self._last_frame = (float(arrays["last_frame_s"][0]), last_id)
        # A memory saved before there was bridging: nothing is taken to have gone on over the time of its saving.
        self._unknown_until_s = float(arrays.get("unknown_until_s", arrays["last_frame_s"])[0])
        spans: dict[int, tuple[TimedSpan, ...]] = {}
        for seconds, numbers in zip(arrays["span_seconds"].tolist(), arrays["span_numbers"].tolist(), strict=True):
            channel, peak_count, peak_id, first_id, last_id, num_appearances = numbers
            start_s, end_s, peak_time_s, present_s = seconds
            span = Span(
                start_s=start_s,
                end_s=end_s,
                peak_count=peak_count,
                peak_frame_id=peak_id,
                first_frame_id=first_id,
                last_frame_id=last_id,
            )
            timed = TimedSpan(span, peak_time_s, present_s, num_appearances)
            spans[channel] = (*spans.get(channel, ()), timed)
        totals = arrays["numbers"][NUM_APPEARANCES].tolist()
        self._state = self._state._replace(
            times_s=arrays["times_s"],
            numbers=arrays["numbers"],
            counts=arrays["counts"],
            is_present=arrays["is_present"],
            histories={
                channel: History(each, record_of(each, totals[channel], None)) for channel, each in spans.items()
            },
            pins=pins,
        )
