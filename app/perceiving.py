"""The perceive thread: takes frames, decides which are worth encoding, and files them in the memory.

Comes in: Frames from the hand-off. Goes out: writes to the stream memory, which this thread alone changes, and small
pictures for evidence. It loads the vision encoder itself.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.encoder import Encoder
from app.errands import Errands
from app.frame_store import FrameStore, FrameStoreConfig
from app.handoff import Handoff, Signal
from app.keeping import Keeper
from app.worker import StopSignal, Worker
from vision import Frame, FrameSampler
from vision.sources import StreamGap

if TYPE_CHECKING:  # the memory brings torch with it, which this module must not wait for
    from memory import Snapshot, StreamMemory

__all__ = ["PerceiveConfig", "PerceiveWorker"]

_log = logging.getLogger(__name__)
_POLL_S = 0.2
_LATELY = 0.2  # weight of the newest frame in the running mean of the encoding time


@dataclass(frozen=True, kw_only=True)
class PerceiveConfig:
    """How much of the stream is looked at."""

    fps: float = 2.0  # frames a second of stream time that are encoded at most
    frames: FrameStoreConfig = field(default_factory=FrameStoreConfig)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and 0.01 <= self.fps <= 60):
            raise ValueError(f"fps must be in 0.01..60, got {self.fps}")


class PerceiveWorker(Worker):
    """Owns the encoder and, as its only writer, the memory."""

    def __init__(
        self,
        handoff: Handoff[Frame],
        load_encoder: Callable[[], Encoder],
        make_memory: "Callable[[Encoder], StreamMemory]",
        config: PerceiveConfig,
        *,
        stop: StopSignal,
        keeper: Keeper | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """keeper: puts on the disk what is to outlive the session; this thread opens, feeds and closes it."""
        super().__init__("perceive", stop)
        self.keeper = keeper
        self.memory: StreamMemory | None = None  # published when open; read by any thread through its snapshots
        self.frames = FrameStore(config.frames)
        self.num_encoded = 0
        self.encode_ms: float | None = None
        self.before_write: Callable[[float], None] = _nothing  # called with the time of a frame about to be written
        self.take_gaps: Callable[[], list[StreamGap]] = list  # when nothing could be seen, since the last call
        self.errands = Errands()  # what others want done to the memory between two frames
        self._handoff, self._config, self._clock = handoff, config, clock
        self._load_encoder, self._make_memory = load_encoder, make_memory
        self._sampler = FrameSampler(config.fps)
        self._encoder: Encoder | None = None
        self._skipped: Frame | None = None  # the newest frame that was not sampled
        self._last_time_s = -math.inf
        self._forgotten: tuple[tuple[float, float], ...] = ()  # spans of which frames may still come in

    def open(self) -> None:
        started_s = self._clock()
        self._encoder = self._load_encoder()
        encoder, make_memory = self._encoder, self._make_memory
        if self.keeper is None:
            self.memory = make_memory(encoder)
        else:
            self.memory = self.keeper.open(encoder.layout, lambda: make_memory(encoder))
        _log.info("encoder ready after %.1f s", self._clock() - started_s)

    def step(self) -> bool:
        self.errands.run()
        frame = self._handoff.take(_POLL_S)
        if frame is Signal.NOTHING:
            return True
        if frame is Signal.FINISHED:
            self._perceive_last()
            self.mark_gaps()  # what was not seen up to the end
            return False
        assert isinstance(frame, Frame)
        if self.keeper is not None:
            frame = self.keeper.placed(frame)
        if self.was_forgotten(frame.time_s):
            return True
        if self._sampler.accept(frame.time_s):
            self._perceive(frame)
        else:
            self._skipped = frame
        return True

    def close(self) -> None:
        """The memory stays: a stream that is over can still be asked about. The session closes it."""
        self._handoff.finish()
        self._handoff.drain()
        self._skipped = None
        self.errands.close()
        close_encoder = getattr(self._encoder, "close", None)
        self._encoder = None
        try:
            if close_encoder is not None:
                close_encoder()
        finally:
            if self.keeper is not None:
                self.keeper.close()

    def forget_frames(self, start_s: float, end_s: float) -> int:
        """Erases the small pictures of a span, and lets no frame of it in any more; how many they were. An errand."""
        known = (span for span in self._forgotten if span[1] > self._last_time_s)
        self._forgotten = (*known, (start_s, end_s))
        if self._skipped is not None and self.was_forgotten(self._skipped.time_s):
            self._skipped = None
        return self.frames.forget(start_s, end_s)

    def was_forgotten(self, time_s: float) -> bool:
        """True for a frame of a span that was forgotten before the frame came in. Any thread."""
        return any(start_s <= time_s <= end_s for start_s, end_s in self._forgotten)

    def _perceive(self, frame: Frame) -> None:
        assert self._encoder is not None and self.memory is not None
        started_s = self._clock()
        encoded = self._encoder.encode(frame.image)
        self._time_encoding((self._clock() - started_s) * 1e3)
        self.before_write(frame.time_s)
        self.frames.put(frame, self._cited)
        self.mark_gaps()
        self.memory.write(encoded.tokens, encoded.key, frame.time_s, frame.index)
        if self.keeper is not None:
            self.keeper.keep(frame, encoded)
        self.num_encoded += 1
        self._last_time_s = frame.time_s
        self._skipped = None

    def mark_gaps(self) -> None:
        """A stall and a lost connection are the same to the memory: it could not see. In the perceive thread, or in the
        session's when that is over."""
        if self.memory is not None:
            offset_s = 0.0 if self.keeper is None else self.keeper.time_offset_s
            for gap in self.take_gaps():
                start_s, end_s = gap.start_s + offset_s, gap.end_s + offset_s
                self.memory.mark_gap("disconnected", start_s, end_s)
                if self.keeper is not None:
                    self.keeper.mark_gap(start_s, end_s)

    def _perceive_last(self) -> None:
        """People ask about the end: the very last frame counts too, if it is much newer than the last sample."""
        if self._skipped is not None and self._skipped.time_s - self._last_time_s >= 0.5 / self._config.fps:
            self._perceive(self._skipped)

    def _time_encoding(self, encode_ms: float) -> None:
        before_ms = encode_ms if self.encode_ms is None else self.encode_ms
        self.encode_ms = before_ms + _LATELY * (encode_ms - before_ms)

    def _cited(self) -> Iterator[int]:
        assert self.memory is not None
        return _cited_frame_ids(self.memory.snapshot())


def _nothing(time_s: float) -> None:
    return


def _cited_frame_ids(snapshot: "Snapshot") -> Iterator[int]:
    """Every frame that an answer from this snapshot could point at."""
    for tier in (snapshot.spatial, snapshot.temporal):
        for ids in (tier.frame_ids, tier.first_frame_ids, tier.last_frame_ids):
            yield from (int(frame_id) for frame_id in ids.tolist())
    for record in snapshot.ledger.channels.values():
        yield record.peak_frame_id
        yield from (span.peak_frame_id for span in record.spans)
