"""The running record of what was present when, and how many: exact for hours, whatever the tiers merge.

Comes in: the pooled evidence [C] of each frame (the sum of each evidence channel over the frame's tokens), its time
and id. Goes out: LedgerState, frozen at a frame, from which any thread makes a Ledger. The recorder is changed under
the memory's lock alone.

The rule, for each channel with evidence e:
- presence is s <- 0.5 s + 0.5 min(e, 1): it begins at s >= 0.4 and ends at s < 0.2, so one doubtful frame is no
  appearance and one missed frame no departure; its span runs from the first to the last frame with e >= 0.25;
- what is present needs less to go on: a frame with e >= 0.1 lifts s to 0.4, and the span runs on to it;
- a channel that is back within 4 s of the last frame that showed it was missed, not gone: the same span goes on;
- the count is the median of the last three e, rounded, and at least 1 while present;
- a span's peak is the highest count that held for two frames running; a span of one or two frames uses what it has.
"""

import math
from typing import NamedTuple

import numpy as np

from memory.intervals import Interval
from memory.records import ChannelRecord, LazyRecords, Ledger, Span
from memory.spans import History, TimedSpan, record_of

__all__ = ["LedgerRecorder", "LedgerState"]

SEEN_EVIDENCE = 0.25
KEPT_EVIDENCE = 0.1
APPEAR_LEVEL = 0.4
VANISH_LEVEL = 0.2
# A missed thing is missed again half a second later in 60 % of cases (bench/encoder_noise.py): 98 % of such runs end
# within eight frames.
BRIDGED_S = 4.0

START_S, LAST_S, PEAK_S = range(3)  # rows of the recorder's times
START_ID, LAST_ID, PEAK_ID, START_INDEX, LAST_INDEX, SHORT_PEAK, PEAK, NUM_APPEARANCES = range(8)  # rows of its numbers


class LedgerState(NamedTuple):
    """The ledger after one frame. The arrays are copies, the histories are shared and immutable."""

    times_s: np.ndarray  # float64 [3, C]
    numbers: np.ndarray  # int64 [8, C]
    counts: np.ndarray  # float32 [C]
    is_present: np.ndarray  # bool [C]
    histories: dict[int, History]
    max_spans: int
    pins: tuple[Interval, ...] = ()  # spans that touch them are joined last

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, and of the spans by their number of fields."""
        num_spans = sum(len(history.spans) for history in self.histories.values())
        return self.times_s.nbytes + self.numbers.nbytes + self.counts.nbytes + self.is_present.nbytes + 64 * num_spans

    @property
    def num_channels(self) -> int:
        """How many were ever present."""
        present = set(np.flatnonzero(self.is_present).tolist())
        return len(present | {channel for channel, history in self.histories.items() if history.record})

    def ledger(self) -> Ledger:
        """The records for a reader, made when it first looks at them."""
        return Ledger(channels=LazyRecords(self._records))

    def _records(self) -> dict[int, ChannelRecord]:
        """A presence that goes on is the last span of its channel."""
        records = {channel: history.record for channel, history in self.histories.items() if history.record}
        for channel in np.flatnonzero(self.is_present).tolist():
            records[channel] = self.histories.get(channel, History()).record_while_present(
                self.current_span(channel),
                int(self.numbers[NUM_APPEARANCES, channel]),
                count_now=max(1, int(self.counts[channel])),
                max_spans=self.max_spans,
                pins=self.pins,
            )
        return dict(sorted(records.items()))

    def current_span(self, channel: int) -> TimedSpan:
        """The span that channel is in, as if it ended at the last frame that showed it."""
        start_s, last_s, peak_s = self.times_s[:, channel].tolist()
        start_id, last_id, peak_id, start_index, last_index, short_peak, peak, _ = self.numbers[:, channel].tolist()
        if last_index - start_index < 2:
            peak, peak_id, peak_s = short_peak, start_id, start_s
        elif peak < 1:
            peak_id, peak_s = start_id, start_s
        span = Span(
            start_s=start_s,
            end_s=last_s,
            peak_count=max(1, peak),
            peak_frame_id=peak_id,
            first_frame_id=start_id,
            last_frame_id=last_id,
        )
        return TimedSpan(span, peak_s, last_s - start_s)


class LedgerRecorder:
    """Some twenty vector operations over the channels a frame; Python looks only at channels that appear or vanish."""

    def __init__(self, num_channels: int, max_spans: int) -> None:
        self._smoothed = np.zeros(num_channels, np.float32)
        self._threshold = np.full(num_channels, APPEAR_LEVEL, np.float32)
        self._was_seen = np.zeros(num_channels, bool)
        self._evidence: list[np.ndarray] = []  # of the last two frames, newest first
        self._evidence_times_s: list[float] = []  # of the last three frames, newest first: the counts are made of them
        self._fresh = np.zeros(0, np.int64)  # channels whose run began with the last frame
        self._last_frame = (0.0, 0)
        self._num_frames = 0
        self._unknown_until_s = -math.inf  # nothing is taken to have gone on over this time
        self._state = LedgerState(
            times_s=np.zeros((3, num_channels)),
            numbers=np.zeros((8, num_channels), np.int64),
            counts=np.zeros(num_channels, np.float32),
            is_present=np.zeros(num_channels, bool),
            histories={},
            max_spans=max_spans,
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the recorder's own arrays, constant."""
        num_channels = self._smoothed.size
        return self._state.times_s.nbytes + self._state.numbers.nbytes + num_channels * (4 + 4 + 1 + 2 * 4 + 4 + 1)

    def update(self, evidence: np.ndarray, time_s: float, frame_id: int) -> None:
        """One frame. evidence: float32 [C], handed over: the caller must not write into it again."""
        is_kept = self._state.is_present & (evidence >= KEPT_EVIDENCE)
        is_seen = is_kept | (evidence >= SEEN_EVIDENCE)
        self._count(evidence)
        self._begin_runs(evidence, is_seen, time_s, frame_id)
        seen = np.flatnonzero(is_seen)
        self._state.times_s[LAST_S, seen] = time_s
        self._state.numbers[LAST_ID, seen] = frame_id
        self._state.numbers[LAST_INDEX, seen] = self._num_frames
        self._smoothed *= 0.5
        self._smoothed += 0.5 * np.minimum(evidence, 1.0)
        self._smoothed[is_kept & (self._smoothed < APPEAR_LEVEL)] = APPEAR_LEVEL
        changed = np.flatnonzero((self._smoothed >= self._threshold) != self._state.is_present)
        for channel in changed.tolist():
            self._vanish(channel) if self._state.is_present[channel] else self._appear(channel)
        self._was_seen, self._last_frame = is_seen, (time_s, frame_id)
        self._evidence_times_s = [time_s, *self._evidence_times_s[:2]]
        self._num_frames += 1

    def publish(self) -> LedgerState:
        state = self._state
        return state._replace(
            times_s=state.times_s.copy(),
            numbers=state.numbers.copy(),
            counts=state.counts.copy(),
            is_present=state.is_present.copy(),
        )

    def _count(self, evidence: np.ndarray) -> None:
        """The counts now; a count that also held at the frame before may be that frame's new peak."""
        counts = np.rint(_median(evidence, *self._evidence))
        held = np.minimum(counts, self._state.counts)
        raised = np.flatnonzero(held > self._state.numbers[PEAK])
        if raised.size:
            self._state.numbers[PEAK, raised] = held[raised]
            self._state.times_s[PEAK_S, raised], self._state.numbers[PEAK_ID, raised] = self._last_frame
        self._state.counts[...] = counts
        self._evidence = [evidence, *self._evidence[:1]]

    def _begin_runs(self, evidence: np.ndarray, is_seen: np.ndarray, time_s: float, frame_id: int) -> None:
        """Channels seen now, neither seen before nor present, start a run: a presence that grows of it began here."""
        numbers, times_s = self._state.numbers, self._state.times_s
        second = self._fresh[is_seen[self._fresh]]
        numbers[SHORT_PEAK, second] = np.minimum(numbers[SHORT_PEAK, second], np.rint(evidence[second]))
        self._fresh = fresh = np.flatnonzero(is_seen & ~(self._was_seen | self._state.is_present))
        if fresh.size:
            times_s[START_S, fresh] = time_s
            numbers[START_ID, fresh], numbers[START_INDEX, fresh] = frame_id, self._num_frames
            numbers[SHORT_PEAK, fresh], numbers[PEAK, fresh] = np.rint(evidence[fresh]), 0

    def _appear(self, channel: int) -> None:
        self._state.is_present[channel] = True
        self._threshold[channel] = VANISH_LEVEL
        if not self._resume(channel):
            self._state.numbers[NUM_APPEARANCES, channel] += 1

    def _resume(self, channel: int) -> bool:
        """Goes on with the last span of a channel that was missed for a short while. False: there is none such."""
        state = self._state
        history = state.histories.get(channel, History())
        if not history.spans or history.spans[-1].num_appearances > 1:
            return False
        last = history.spans[-1]
        times_s, numbers, span = state.times_s[:, channel], state.numbers[:, channel], last.span
        if times_s[START_S] - span.end_s > BRIDGED_S or span.end_s <= self._unknown_until_s:
            return False
        if numbers[PEAK] <= span.peak_count:
            numbers[PEAK], numbers[PEAK_ID], times_s[PEAK_S] = span.peak_count, span.peak_frame_id, last.peak_time_s
        times_s[START_S], numbers[START_ID] = span.start_s, span.first_frame_id
        numbers[START_INDEX] -= 2  # it is no longer a span of one or two frames
        before = history.spans[:-1]
        histories = {number: one for number, one in state.histories.items() if number != channel}
        if before:
            histories[channel] = History(before, record_of(before, int(numbers[NUM_APPEARANCES]) - 1, count_now=None))
        self._state = state._replace(histories=histories)  # published states keep theirs
        return True

    def _vanish(self, channel: int) -> None:
        state = self._state
        state.is_present[channel] = False
        self._threshold[channel] = APPEAR_LEVEL
        history = state.histories.get(channel, History()).with_span(
            state.current_span(channel), int(state.numbers[NUM_APPEARANCES, channel]), state.max_spans, state.pins
        )
        self._state = state._replace(histories={**state.histories, channel: history})  # published states keep theirs


def _median(newest: np.ndarray, *before: np.ndarray) -> np.ndarray:
    """Of the last three frames, or of as many as there are."""
    if not before:
        return newest
    last = before[0]
    if len(before) == 1:
        return (newest + last) * 0.5
    low, high = np.minimum(newest, last), np.maximum(newest, last)
    return np.maximum(low, np.minimum(high, before[1]))
