"""The capture thread: reads a source as its frames come and hands them on.

Comes in: one Source, which this thread alone opens, reads and closes. Goes out: Frames, into a hand-off. Where the
stream does not wait the newest frame wins; where it can (a file at full speed) reading waits, so that nothing is lost.
Beside them go the gaps: when nothing could be seen. A gap is there before the first frame after it.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from app.attention import Attention
from app.handoff import Handoff
from app.worker import StopSignal, Worker
from vision import END, Frame, SourceLostError
from vision.sources import (
    ConnectionStatus,
    Source,
    SourceConfig,
    SourceCounters,
    StreamGap,
    set_idle,
    source_connection,
    source_counters,
    take_gaps,
)

__all__ = ["CaptureConfig", "CaptureWorker", "StreamOutcome"]

_log = logging.getLogger(__name__)
_MAX_GAPS_WAITING = 64
_POLL_S = 0.2  # how long one wait may keep the thread from looking at the stop event


class StreamOutcome(Enum):
    """How far the stream is. A lost source and a finished one are different outcomes."""

    PLAYING = "frames are still coming"
    ENDED = "the source is over"
    REACHED_STOP = "the source reached the time at which reading stops"
    LOST = "the source stopped that should not have"


@dataclass(frozen=True, kw_only=True)
class CaptureConfig:
    """How a stream is read, and how long."""

    reading: SourceConfig = field(default_factory=SourceConfig)
    stop_at_s: float | None = None  # no frame later than this is handed on; None: to the end
    max_live_s: float | None = None  # the same for live sources when stop_at_s is None, for they have no end

    def __post_init__(self) -> None:
        for name in ("stop_at_s", "max_live_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number >= 0 or None, got {value}")

    def is_lossless(self, *, is_live: bool) -> bool:
        """A source that can wait, and need not keep pace, waits for the encoder instead of losing frames."""
        return self.reading.speed == "max" and not is_live

    def stop_time_s(self, *, is_live: bool) -> float:
        """The stream time at which reading stops."""
        stop_s = self.max_live_s if self.stop_at_s is None and is_live else self.stop_at_s
        return math.inf if stop_s is None else stop_s


class CaptureWorker(Worker):
    """Owns the source. What it knows of the stream (below) is written by its thread and may be read by any."""

    def __init__(
        self,
        make_source: Callable[[], Source],
        handoff: Handoff[Frame],
        config: CaptureConfig,
        *,
        stop: StopSignal,
        may_play: threading.Event,
        attention: Attention | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """may_play: set when frames can be used; a source that is not live is not read before that.
        attention: whether a live source may be read idly; without it it never is."""
        super().__init__("capture", stop)
        self.source: Source | None = None
        self.outcome = StreamOutcome.PLAYING
        self.lost_error: SourceLostError | None = None
        self.newest: tuple[Frame, float] | None = None  # the newest frame, and the clock when it was read
        self.num_gaps = 0
        self._gaps: deque[StreamGap] = deque()  # waiting for whoever keeps the memory
        self._gaps_lock = threading.Lock()
        self._make_source, self._handoff, self._config = make_source, handoff, config
        self._may_play, self._attention, self._clock = may_play, attention, clock
        self._waiting: Frame | None = None  # read, but there was no room for it yet
        self._stop_time_s = math.inf
        self._first_clock_s: float | None = None

    @property
    def num_seen(self) -> int:
        """Frames of the source so far, also those that were left out because of `max_fps`."""
        num_read = 0 if self.newest is None else self.newest[0].index + 1
        counters = self.counters
        if self.outcome is not StreamOutcome.ENDED or counters is None:
            return num_read
        left_out = counters.frames_skipped_by_rate + counters.frames_skipped_late
        return max(num_read, counters.frames_delivered + left_out)

    @property
    def counters(self) -> SourceCounters | None:
        return None if self.source is None else source_counters(self.source)

    @property
    def connection(self) -> ConnectionStatus | None:
        """How the connection of a live source stands; None for a source that has none to lose."""
        return source_connection(self.source)

    def take_gaps(self) -> list[StreamGap]:
        """The times without pictures since the last call, in order. Any thread."""
        with self._gaps_lock:
            gaps = list(self._gaps)
            self._gaps.clear()
        return gaps

    def open(self) -> None:
        self.source = self._make_source()
        self.source.open()
        self._stop_time_s = self._config.stop_time_s(is_live=self.source.is_live)

    def step(self) -> bool:
        assert self.source is not None
        if self._waiting is not None:
            self._hand_on(self._waiting)
            return True
        if not self.source.is_live and not self._may_play.is_set():
            self._may_play.wait(_POLL_S)
            return True
        return self._read(self.source)

    def close(self) -> None:
        try:
            if self.source is not None:
                self.source.close()
                self._note_gaps(self.source)  # what was not seen up to the end
        finally:
            self._handoff.finish()

    def _read(self, source: Source) -> bool:
        """Reads once. False when the stream is over, for whichever reason."""
        if self._attention is not None and source.is_live:
            set_idle(source, self._attention.is_idle())
        try:
            frame = source.read(_POLL_S)
        except SourceLostError as error:
            self.lost_error = error
            return self._end(StreamOutcome.LOST)
        self._note_gaps(source)
        if frame is None:
            return self._end(StreamOutcome.REACHED_STOP) if self._is_overdue(source) else True
        if frame is END:
            return self._end(StreamOutcome.ENDED)
        assert isinstance(frame, Frame)
        if frame.time_s > self._stop_time_s:
            return self._end(StreamOutcome.REACHED_STOP)
        self._note(frame)
        self._hand_on(frame)
        return True

    def _note(self, frame: Frame) -> None:
        now_s = self._clock()
        if self._first_clock_s is None:
            self._first_clock_s = now_s
        self.newest = (frame, now_s)
        if self._attention is not None:
            self._attention.frame()

    def _hand_on(self, frame: Frame) -> None:
        assert self.source is not None
        if self._config.is_lossless(is_live=self.source.is_live):
            self._waiting = None if self._handoff.put(frame, _POLL_S) else frame
        else:
            self._handoff.put_newest(frame)

    def _note_gaps(self, source: Source) -> None:
        """Those that nobody takes are joined into one: too long a gap is true enough, a lost one is not."""
        gaps = take_gaps(source)
        with self._gaps_lock:
            for gap in gaps:
                self.num_gaps += 1
                is_full = len(self._gaps) >= _MAX_GAPS_WAITING
                self._gaps.append(self._gaps.pop().joined(gap) if is_full else gap)

    def _is_overdue(self, source: Source) -> bool:
        """A live source that has gone quiet does not keep anyone waiting past the stop time."""
        is_running = source.is_live and self._first_clock_s is not None
        return is_running and self._clock() - (self._first_clock_s or 0.0) > self._stop_time_s

    def _end(self, outcome: StreamOutcome) -> bool:
        self.outcome = outcome
        frame, _ = self.newest or (None, 0.0)
        last_s = -1.0 if frame is None else frame.time_s
        _log.info("stream over after %d frames, last at %.2f s: %s", self.num_seen, last_s, outcome.value)
        return False
