"""All parts of one memory, kept in step: every frame and every command goes to each of them.

Comes in: checked frames and intervals. Goes out: what is to be published, and the whole state as arrays. Changed under
the memory's lock alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from memory.config import MemoryConfig
from memory.entry import Entry
from memory.errors import StateError
from memory.gaps import Gap, GapLog
from memory.intervals import Interval, do_overlap
from memory.ledger_editing import EditableLedger
from memory.pins import Pin, PinBoard
from memory.published import Contents, Published
from memory.receipts import ForgetReceipt
from memory.spatial import SpatialTier
from memory.state import FORMAT, VERSION, State, export_entries, group, import_entries, rows_of
from memory.summary import SummaryTier
from memory.temporal import TemporalTier
from memory.text_log import Note, TextLog
from memory.token_store import make_token_store
from memory.traces import TraceTier

__all__ = ["Parts"]

_PACE = 4.0  # a slow stream of even pace is no row of silences
_FIRST_STEP_S = 60.0  # before the pace is known, a longer step is one


class Parts:
    """The tiers, the ledger and the logs of one stream, with the counters beside them."""

    def __init__(self, config: MemoryConfig) -> None:
        self.config = config
        self.store = make_token_store(config)
        self.spatial = SpatialTier(config.spatial_capacity)
        self.temporal = TemporalTier(config)
        self.traces = TraceTier(config)
        self.summary = SummaryTier(config)
        self.ledger = EditableLedger(config.num_evidence_channels, config.max_spans_per_channel)
        self.log = TextLog(config.max_notes, config.max_note_chars)
        self.gaps = GapLog(config.max_gaps)
        self.pins = PinBoard(config.max_pins)
        self.version = self.frames_forgotten = 0
        self.last_time_s: float | None = None  # of the newest frame
        self.last_step_s: float | None = None  # from the frame before to the newest
        kept = (self.temporal, self.traces, self.summary, self.ledger)
        self.fixed_bytes = sum(part.nbytes for part in kept)

    def push(self, frame: Entry) -> tuple[bool, tuple[int, int] | None]:
        """One frame to every tier; what TemporalTier.push says."""
        if self.last_time_s is not None:
            self._mind_silence(self.last_time_s, frame.start_s)
        self.spatial.push(frame)
        result = self.temporal.push(frame)
        self.traces.push(frame)
        self.summary.push(frame)
        self.ledger.update(frame.pooled_sum[: self.config.num_evidence_channels], frame.start_s, frame.medoid_id)
        self.last_time_s = frame.start_s
        return result

    def _mind_silence(self, last_s: float, now_s: float) -> None:
        """Nothing goes on over a silence: one longer than the limit, and than what the stream's own pace explains."""
        step_s, before_s = now_s - last_s, self.last_step_s
        self.last_step_s = step_s
        explained_s = _FIRST_STEP_S if before_s is None else _PACE * before_s
        if step_s <= max(self.config.max_silence_s, explained_s):
            return
        self.ledger.interrupt()
        self.temporal.interrupt()
        self.traces.interrupt()
        if not any(do_overlap((gap.start_s, gap.end_s), (last_s, now_s)) for gap in self.gaps.publish()):
            self.gaps.add("dropped", (last_s, now_s))

    def apply_pins(self) -> None:
        """After the pins have changed."""
        self.temporal.pin(self.pins.intervals)
        self.traces.pin(self.pins.intervals)
        self.ledger.pin(self.pins.intervals)

    def forget(self, interval: Interval) -> ForgetReceipt:
        """Erases the interval from every part and files a gap that says so."""
        num_spatial = self.spatial.forget(interval)
        recent = self.spatial.publish()
        num_slots, num_frames = self.temporal.forget(interval, recent)
        if num_slots:
            self.summary.rebuild(self.temporal.publish())
        self.frames_forgotten += num_frames
        receipt = ForgetReceipt(
            start_s=interval[0],
            end_s=interval[1],
            frames_forgotten=num_frames,
            num_spatial=num_spatial,
            num_slots=num_slots,
            num_traces=self.traces.forget(interval, recent),
            num_spans=self.ledger.forget(interval),
            num_notes=self.log.forget(interval),
            num_gaps=self.gaps.forget(interval),
            version=self.version + 1,
        )
        self.pins.forget(interval)
        self.apply_pins()
        self.gaps.add("forgotten", interval)
        return receipt

    def publish(self) -> Published:
        contents = Contents(
            version=self.version,
            t_now_s=self.last_time_s or 0.0,
            frames_forgotten=self.frames_forgotten,
            frames=self.spatial.publish(),
            slots=self.temporal.publish(),
            traces=self.traces.publish(),
            themes=self.summary.publish(),
            ledger=self.ledger.publish(),
            notes=self.log.publish(),
            gaps=self.gaps.publish(),
            pins=self.pins.publish(),
            num_pinned_slots=self.temporal.num_pinned,
            num_evicted_notes=self.log.num_evicted,
        )
        return Published(contents, self.store, self.config)

    def export(self) -> State:
        """Copies of everything."""
        frames, slots = self.spatial.publish(), self.temporal.publish()
        traces, themes = self.traces.publish(), self.summary.publish()
        groups = {
            "spatial": export_entries(frames, self.store.fetch(frames), self.config.key_dim),
            "temporal": export_entries(slots, self.store.fetch(slots), self.config.key_dim),
            "traces": export_entries(traces, self._pooled_sums(traces), self.config.key_dim),
            "abstract": export_entries(themes, self._pooled_sums(themes), self.config.key_dim),
            "temporal_cache": self.temporal.export(),
            "traces_cache": self.traces.export(),
            "abstract_cache": self.summary.export(),
            "ledger": self.ledger.export(),
        }
        arrays = {f"{name}.{column}": each for name, columns in groups.items() for column, each in columns.items()}
        document: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "config": {name: value for name, value in asdict(self.config).items() if name != "device"},
            "num_changes": self.version,
            "frames_forgotten": self.frames_forgotten,
            "last_time_s": self.last_time_s,
            "last_step_s": self.last_step_s,
            "num_evicted_notes": self.log.num_evicted,
            **rows_of(self.log.in_order_of_writing(), self.gaps.publish(), self.pins.publish()),
        }
        return arrays, document

    def _pooled_sums(self, entries: Sequence[Entry]) -> np.ndarray:
        return np.array([entry.token_sum for entry in entries], np.float32).reshape(-1, self.config.token_dim)

    def restore(self, arrays: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> None:
        """Becomes what was exported. Raises StateError when something is missing or has another size."""
        try:
            self._restore(arrays, document)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise StateError(f"the state is not complete or was changed: {type(error).__name__}: {error}") from error

    def _restore(self, arrays: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> None:
        self.pins.restore([Pin(**row) for row in document["pins"]])
        pins = self.pins.intervals
        self.log.restore([Note(**row) for row in document["notes"]], int(document["num_evicted_notes"]))
        self.gaps.restore([Gap(**row) for row in document["gaps"]])
        frames, slots, themes = (group(arrays, name) for name in ("spatial", "temporal", "abstract"))
        self.spatial.restore(import_entries(frames, [self.store.restore(each) for each in frames["token_sums"]]))
        held = [self.store.restore(each) for each in slots["token_sums"]]
        self.temporal.restore(import_entries(slots, held), pins, group(arrays, "temporal_cache"))
        self.summary.restore(import_entries(themes, list(themes["token_sums"])), group(arrays, "abstract_cache"))
        if document["version"] == 1:
            self.traces.rebuild(self.temporal.publish(), pins)
        else:
            traces = group(arrays, "traces")
            entries = import_entries(traces, list(traces["token_sums"]))
            self.traces.restore(entries, pins, group(arrays, "traces_cache"))
        self.ledger.restore(group(arrays, "ledger"), pins)
        self.version, self.frames_forgotten = int(document["num_changes"]), int(document["frames_forgotten"])
        last_time_s = document["last_time_s"]
        self.last_time_s = None if last_time_s is None else float(last_time_s)
        last_step_s = document.get("last_step_s")
        self.last_step_s = None if last_step_s is None else float(last_step_s)
