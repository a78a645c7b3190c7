"""A live source that comes back: what is lost is tried again, for ever, and stream time goes on meanwhile.

In: a function that makes the source anew. Out: its frames on one clock, a `ConnectionStatus`, and a `StreamGap` for
each time without pictures. The reading thread opens, reads and closes it, and makes every connection itself. A source
that turns out to be finite (a video of the web) is passed through as it is.
"""

import logging
import math
import random
from collections.abc import Callable
from dataclasses import replace

from vision.errors import OpenFailureKind, SourceLostError, SourceOpenError
from vision.frame import END, EndOfStream, Frame
from vision.sources.backoff import Backoff
from vision.sources.clock import Clock, SystemClock
from vision.sources.connection import ConnectionConfig, ConnectionStatus, ConnectionWatch, StreamGap
from vision.sources.packets import PacketTap, set_packet_tap
from vision.sources.source import (
    MAX_WAIT_S,
    Source,
    SourceConfig,
    SourceCounters,
    ThreadGuard,
    set_idle,
    source_counters,
    source_notes,
)

__all__ = ["ReconnectingSource"]

_log = logging.getLogger(__name__)

# The camera itself said no, or our own rules did. Asking again at once helps nobody.
_REFUSALS: tuple[OpenFailureKind, ...] = ("unauthorized", "missing", "untrusted", "forbidden", "bad_url")
# A try that is under way cannot be called off, so the first ones are short; one that was too short is followed by a
# longer one.
_FIRST_OPEN_TIMEOUT_S = 2.0
_QUIET_S = 30.0  # between two warnings about a camera that comes and goes


class ReconnectingSource:
    """`make` gives an unopened source for a configuration; it is called again for every connection."""

    def __init__(
        self,
        make: Callable[[SourceConfig], Source],
        config: SourceConfig | None = None,
        clock: Clock | None = None,
        *,
        random_number: Callable[[], float] = random.random,
    ):
        self._make, self._config, self._clock = make, config or SourceConfig(), clock or SystemClock()
        self._rules = self._config.connection or ConnectionConfig()
        self._backoff = Backoff(self._rules, random_number)
        self._watch = ConnectionWatch(self._rules, self._clock.monotonic_s())
        self._source: Source | None = make(self._config)
        self.name = self._source.name
        self.is_live = self._source.is_live
        self.is_idle = False
        """Any thread may set it: True for key pictures alone, where there are any."""
        self.packet_tap: PacketTap | None = None
        self._guard = ThreadGuard()
        self._past = SourceCounters()  # of the connections before this one
        self._was_opened = self._is_closed = False
        self._open_timeout_s = min(_FIRST_OPEN_TIMEOUT_S, self._config.open_timeout_s)
        self._retry_at_s = 0.0
        self._start_s: float | None = None  # monotonic time of the very first frame
        self._offset_s: float | None = None  # from this connection's stream time to ours
        self._first_index = self._next_index = 0
        self._last_time_s = 0.0
        self._live_since_s: float | None = None
        self._warned_s = -math.inf

    @property
    def connection(self) -> ConnectionStatus:
        """Any thread."""
        return self._watch.status

    @property
    def counters(self) -> SourceCounters:
        source = self._source
        return self._past if source is None else self._past.plus(source_counters(source))

    def take_gaps(self) -> list[StreamGap]:
        return self._watch.take_gaps()

    def open(self) -> None:
        """Raises SourceOpenError, unless the configuration says to wait for the first connection too."""
        self._guard.claim()
        self._was_opened = True
        source = self._source or self._make(self._config)
        self._source = source
        set_packet_tap(source, self.packet_tap)
        try:
            source.open()
        except SourceOpenError as error:
            self._let_go()
            if not self._rules.waits_for_first:
                raise
            self._note_failure(error)
        else:
            self._note_connected(source)

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        if not self._was_opened:
            raise ValueError("read() before open()")
        self._guard.check(self.name)
        if self._is_closed:
            return END
        if self._source is None:
            self._wait_or_connect(min(timeout_s, MAX_WAIT_S))
            return None
        set_idle(self._source, self.is_idle)
        failure: SourceLostError
        try:
            item = self._source.read(timeout_s)
        except SourceLostError as error:
            if not self.is_live:
                raise
            failure = error
        else:
            return self._passed_on(item, self._source)
        self._let_go()
        self._note_failure(failure)
        return None

    def close(self) -> None:
        """Also during a pause, and twice. What was not seen until now becomes a gap."""
        self._is_closed = True
        self._let_go()
        now_s = self._clock.monotonic_s()
        self._watch.ended(now_s, None if self._start_s is None else now_s - self._start_s)

    def _passed_on(self, item: Frame | EndOfStream | None, source: Source) -> Frame | EndOfStream | None:
        now_s = self._clock.monotonic_s()
        if isinstance(item, Frame):
            return self._on_our_clock(item, now_s)
        if item is END:
            self._watch.ended(now_s)
        else:
            self._watch.quiet(now_s, getattr(source, "progress_s", None))
        return item

    def _on_our_clock(self, frame: Frame, now_s: float) -> Frame:
        """The frame as one of the whole stream: times and numbers go on where the last connection ended."""
        if self._start_s is None:
            self._start_s = now_s - frame.time_s
        if self._offset_s is None:
            self._offset_s = max(now_s - self._start_s - frame.time_s, 0.0) if self._next_index else 0.0
        if self._live_since_s is None:
            self._live_since_s = now_s
        self._last_time_s = max(frame.time_s + self._offset_s, self._last_time_s)
        self._next_index = self._first_index + frame.index + 1
        self._watch.picture(self._last_time_s, now_s)
        return replace(frame, time_s=self._last_time_s, index=self._next_index - 1)

    def _wait_or_connect(self, timeout_s: float) -> None:
        remaining_s = self._retry_at_s - self._clock.monotonic_s()
        if remaining_s > 0:
            self._clock.wait(min(remaining_s, timeout_s))
            return
        self._watch.connecting(self._clock.monotonic_s())
        source = self._source = self._make(replace(self._config, open_timeout_s=self._open_timeout_s))
        set_packet_tap(source, self.packet_tap)
        failure: SourceOpenError
        try:
            source.open()
        except SourceOpenError as error:
            failure = error
        else:
            self._note_connected(source)
            return
        if failure.kind == "timeout":
            self._open_timeout_s = min(2 * self._open_timeout_s, self._config.open_timeout_s)
        self._let_go()
        self._note_failure(failure)

    def _note_connected(self, source: Source) -> None:
        self.is_live = source.is_live
        self._offset_s, self._first_index, self._live_since_s = None, self._next_index, None
        notes = source_notes(source)
        for note in notes:
            if note not in self._watch.status.notes:  # said once, not at every connection
                _log.warning("%s", note)
        self._watch.connected(self._clock.monotonic_s(), notes)

    def _note_failure(self, error: SourceOpenError | SourceLostError) -> None:
        now_s = self._clock.monotonic_s()
        if self._live_since_s is not None:
            self._backoff.lost_after(now_s - self._live_since_s)
            self._live_since_s = None
        is_refused = isinstance(error, SourceOpenError) and error.kind in _REFUSALS
        pause_s = self._backoff.delay_s(is_refused=is_refused)
        self._retry_at_s = now_s + pause_s
        is_first = self._watch.status.num_failures == 0 and now_s - self._warned_s >= _QUIET_S
        is_news = is_first or (is_refused and self._watch.status.state != "refused")
        self._warned_s = now_s if is_news else self._warned_s
        self._watch.failed(str(error), now_s, retry_at_s=self._retry_at_s, is_refused=is_refused)
        # As text: a record that is kept somewhere would keep the error's frames, and with them the decoder.
        level = logging.WARNING if is_news else logging.DEBUG
        _log.log(level, "%s It is tried again in %.1f s.", str(error), pause_s)

    def _let_go(self) -> None:
        """Of this connection; its counters stay."""
        source = self._source
        if source is not None:
            source.close()
            self._past = self._past.plus(source_counters(source))
            self._source = None
