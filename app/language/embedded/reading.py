"""What the embedded LMM reads from a memory snapshot: moments, records, the present, as concepts, counts and places.

In: a `memory.Snapshot` of semantic grids. Out: a `Reading`, plain numbers without tensors. Called by the answer thread,
once per question. Grids are what the memory can average; a 135M model reads names, counts and regions side by side, so
this is where one becomes the other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memory import ChannelRecord, Snapshot, Span, Tier
from vision.encoders import GridLayout

__all__ = ["MAX_COUNT", "REGIONS", "Moment", "Reading", "Record", "Sighting", "read_snapshot"]

REGIONS = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
MAX_COUNT = 13  # "many" begins here
_MIN_SHARE = 0.5  # a concept belongs to an event slot when it was there for at least this share of it
_MIN_EVIDENCE = 0.25  # the ledger's own threshold: below it a single frame says nothing


@dataclass(frozen=True)
class Sighting:
    """One concept at one moment: how many, and the evidence-weighted centre of them as fractions of the picture."""

    concept: int
    count: int
    x: float
    y: float

    @property
    def region(self) -> int:
        """Index into REGIONS: which ninth of the picture holds the centre."""
        return min(int(self.y * 3), 2) * 3 + min(int(self.x * 3), 2)


@dataclass(frozen=True)
class Moment:
    """A span of stream time that the memory kept as one entry; `sightings` run from left to right."""

    start_s: float
    end_s: float
    frame_id: int
    sightings: tuple[Sighting, ...]

    def distance_s(self, time_s: float) -> float:
        """Seconds between `time_s` and this moment; 0 inside it."""
        return max(self.start_s - time_s, time_s - self.end_s, 0.0)

    def sighting(self, concept: int) -> Sighting | None:
        return next((sighting for sighting in self.sightings if sighting.concept == concept), None)


@dataclass(frozen=True)
class Record:
    """Everything the ledger knows of one concept over the whole stream."""

    concept: int
    is_present: bool
    count_now: int
    peak_count: int
    peak_time_s: float
    peak_frame_id: int
    present_s: float
    num_appearances: int
    spans: tuple[Span, ...]

    @property
    def first_s(self) -> float:
        return self.spans[0].start_s

    @property
    def last_s(self) -> float:
        return self.spans[-1].end_s


@dataclass(frozen=True)
class Reading:
    """A snapshot in reach of words: the present, the kept moments in order of time, a record per concept ever seen."""

    started_s: float
    t_now_s: float
    now: Moment
    moments: tuple[Moment, ...]
    recent: tuple[Moment, ...]
    records: Mapping[int, Record]

    def moment_at(self, time_s: float) -> Moment:
        """The kept moment nearest to `time_s`: a recent frame where one is as near, else the tightest event slot."""
        candidates = (*self.recent, *self.moments)
        return min(candidates, key=lambda moment: (round(moment.distance_s(time_s), 2), moment.end_s - moment.start_s))

    def count_at(self, concept: int, moment: Moment, time_s: float) -> Sighting | None:
        """The concept at `time_s` within `moment`: the ledger's spans say whether, the moment how many and where."""
        found = moment.sighting(concept)
        record = self.records.get(concept)
        inside = min(max(time_s, moment.start_s), moment.end_s)
        if record is None or not any(span.start_s - 0.01 <= inside <= span.end_s + 0.01 for span in record.spans):
            return None
        return found or Sighting(concept, 1, 0.5, 0.5)

    def at(self, time_s: float) -> tuple[Moment, tuple[Sighting, ...]]:
        """The moment nearest to `time_s` and what was in view then, from left to right."""
        moment = self.moment_at(time_s)
        seen = (self.count_at(concept, moment, time_s) for concept in self.records)
        return moment, tuple(sorted((one for one in seen if one is not None), key=lambda one: one.x))


def read_snapshot(snapshot: Snapshot, layout: GridLayout) -> Reading:
    """Turn a snapshot into a `Reading`. Raises ValueError when it holds no frame: there is nothing to answer from."""
    if snapshot.frames_seen == 0:
        raise ValueError("the memory is empty: no frame has been seen yet")
    records = {channel: _record(channel, entry) for channel, entry in snapshot.ledger.channels.items() if entry.spans}
    recent = _moments(snapshot.spatial, layout, records)
    moments = _moments(snapshot.temporal, layout, records)
    started_s = min(moment.start_s for moment in (*moments, *recent))
    now = _present(snapshot.t_now_s, recent, records)
    return Reading(started_s, snapshot.t_now_s, now, moments, recent, records)


def _record(channel: int, entry: ChannelRecord) -> Record:
    return Record(
        concept=channel,
        is_present=entry.is_present,
        count_now=min(entry.count_now, MAX_COUNT) if entry.is_present else 0,
        peak_count=min(max(entry.peak_count, 1), MAX_COUNT),
        peak_time_s=entry.peak_time_s,
        peak_frame_id=entry.peak_frame_id,
        present_s=entry.present_s,
        num_appearances=entry.num_appearances,
        spans=entry.spans,
    )


def _moments(tier: Tier, layout: GridLayout, records: Mapping[int, Record]) -> tuple[Moment, ...]:
    """Every entry of a tier as a moment. tier.tokens: [N, P, D]."""
    if len(tier.weights) == 0:
        return ()
    channels = sorted(records)
    tokens = tier.tokens.float().cpu().numpy()
    evidence = tokens[:, :, channels]  # [N, P, D] -> [N, P, records]
    cells = np.arange(layout.num_tokens)
    xs = (cells % layout.grid_size + tokens[:, :, layout.offset.start]) / layout.grid_size  # [N, P]
    ys = (cells // layout.grid_size + tokens[:, :, layout.offset.start + 1]) / layout.grid_size  # [N, P]
    mass = evidence.sum(axis=1)  # [N, records]
    safe_mass = np.maximum(mass, 1e-6)
    centre_x = np.einsum("npc,np->nc", evidence, xs) / safe_mass
    centre_y = np.einsum("npc,np->nc", evidence, ys) / safe_mass
    times = np.asarray(tier.times_s)
    frame_ids = np.asarray(tier.frame_ids)
    moments = []
    for entry in range(len(mass)):
        start_s, end_s = float(times[entry, 0]), float(times[entry, 1])
        sightings = []
        for column in np.flatnonzero(mass[entry] > 0.02):
            spans = _within(records[channels[column]].spans, start_s, end_s)
            share = _share(spans, start_s, end_s)
            if share <= 0.0:
                continue
            # A slot need not hold all frames between its ends: then the share is too small, and the spans know better.
            most = max(round(float(mass[entry, column])), *(span.peak_count for span in spans))
            count = int(np.clip(round(float(mass[entry, column]) / share), 1, min(max(most, 1), MAX_COUNT)))
            if share >= _MIN_SHARE or mass[entry, column] >= _MIN_EVIDENCE:
                x, y = float(centre_x[entry, column]), float(centre_y[entry, column])
                sightings.append(Sighting(channels[column], count, min(x, 0.999), min(y, 0.999)))
        moments.append(Moment(start_s, end_s, int(frame_ids[entry]), tuple(sorted(sightings, key=lambda one: one.x))))
    return tuple(moments)


def _within(spans: tuple[Span, ...], start_s: float, end_s: float) -> tuple[Span, ...]:
    """Those of a record's spans, which are in order and apart, that touch [start_s, end_s]."""
    first = bisect_left(spans, start_s - 0.01, key=lambda span: span.end_s)
    return spans[first : bisect_right(spans, end_s + 0.01, lo=first, key=lambda span: span.start_s)]


def _share(spans: tuple[Span, ...], start_s: float, end_s: float) -> float:
    """Which share of [start_s, end_s] the spans cover; an instant is covered or not."""
    if end_s - start_s < 1e-6:
        return float(any(span.start_s - 0.01 <= start_s <= span.end_s + 0.01 for span in spans))
    covered = sum(max(min(span.end_s, end_s) - max(span.start_s, start_s), 0.0) for span in spans)
    if covered == 0.0 and any(span.end_s >= start_s and span.start_s <= end_s for span in spans):
        covered = 0.1 * (end_s - start_s)  # a sighting of a single frame has no length of its own
    return min(covered / (end_s - start_s), 1.0)


def _present(t_now_s: float, recent: tuple[Moment, ...], records: Mapping[int, Record]) -> Moment:
    """What is in view now: the ledger says what and how many, the newest frame that shows it says where."""
    sightings = []
    for concept, record in records.items():
        if record.is_present:
            newest = next((found for moment in reversed(recent) if (found := moment.sighting(concept))), None)
            x, y = (newest.x, newest.y) if newest else (0.5, 0.5)
            sightings.append(Sighting(concept, max(record.count_now, 1), x, y))
    frame_id = recent[-1].frame_id if recent else -1
    return Moment(t_now_s, t_now_s, frame_id, tuple(sorted(sightings, key=lambda one: one.x)))
