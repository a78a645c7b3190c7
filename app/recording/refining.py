"""A second look at the archive for the times that a question names: what was there then, second by second.

Comes in: a snapshot, the spans of stream time that are asked about, and the archive. Goes out: the snapshot with finer
records and moments in these spans. The memory merges what lies hours back (a concept has few spans, a slot may stand
for minutes); the archive keeps the evidence of a frame a second, and the ledger's own rule is run over it anew.
Nothing is decoded or encoded. Belongs to the thread that owns the reader.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from memory import ChannelRecord, Ledger, MemoryConfig, Snapshot, Span, StreamMemory, Tier
from memory.archive import ArchiveError, StoredFrame

if TYPE_CHECKING:
    from memory.archive import ArchiveReader

__all__ = ["refined"]

MAX_FRAMES = 1800  # of one span: what is longer is answered from the memory alone
_MARGIN_S = 1.0  # the question names whole seconds
_CONTEXT_S = 10.0  # before and after: presence is told by several frames
_MAX_HOLE_S = 5.0  # between two kept frames: over a longer time nothing is concluded
_APART_S = 0.01  # so that what is before a span does not touch it
_NEAR_S = 1.5
_MIN_EVIDENCE = 0.25


def refined(snapshot: Snapshot, spans: Iterable[tuple[float, float]], reader: "ArchiveReader") -> Snapshot:
    """Spans of which the archive keeps too little, or which are too long, are left as the memory has them."""
    for start_s, end_s in spans:
        low_s, high_s = start_s - _MARGIN_S, min(end_s + _MARGIN_S, snapshot.t_now_s)
        frames = _frames(reader, low_s - _CONTEXT_S, high_s + _CONTEXT_S)
        if not _is_dense(frames, max(low_s, 0.0), high_s, snapshot):
            continue
        fine = _records(frames)
        channels = {
            channel: _spliced(record, _cut(fine.get(channel), frames, channel, low_s, high_s), low_s, high_s)
            for channel, record in snapshot.ledger.channels.items()
        }
        snapshot = replace(snapshot, ledger=Ledger(channels=channels))
        if start_s == end_s:
            snapshot = _with_moment(snapshot, min(frames, key=lambda frame: abs(frame.time_s - start_s)), start_s)
    return snapshot


def _frames(reader: "ArchiveReader", low_s: float, high_s: float) -> list[StoredFrame]:
    """Empty: there are too many. One that is damaged or erased is a hole."""
    rows = reader.between(low_s, high_s)
    if len(rows) > MAX_FRAMES:
        return []
    found = []
    for row in rows:
        try:
            frame = reader.get(row.frame_id)
        except ArchiveError:
            continue
        if frame is not None:
            found.append(frame)
    return found


def _is_dense(frames: Sequence[StoredFrame], low_s: float, high_s: float, snapshot: Snapshot) -> bool:
    """True if no part of the span is without frames, but for times in which nothing could be seen."""
    if not frames:
        return False
    times_s = [low_s, *(frame.time_s for frame in frames if low_s < frame.time_s < high_s), high_s]
    holes = [(a, b) for a, b in zip(times_s, times_s[1:], strict=False) if b - a > _MAX_HOLE_S]
    blind = [gap for gap in snapshot.gaps if gap.kind == "disconnected"]
    return all(any(gap.start_s - _MAX_HOLE_S <= a and b <= gap.end_s + _MAX_HOLE_S for gap in blind) for a, b in holes)


def _records(frames: Sequence[StoredFrame]) -> Mapping[int, ChannelRecord]:
    """What the ledger says of these frames alone."""
    num_channels, key_dim = len(frames[0].evidence), len(frames[0].key)
    config = MemoryConfig(
        token_dim=num_channels,
        key_dim=key_dim,
        num_tokens=1,
        num_evidence_channels=num_channels,
        spatial_capacity=1,
        trace_capacity=0,
        max_spans_per_channel=MAX_FRAMES,
    )
    memory = StreamMemory(config)
    try:
        for frame in frames:
            memory.write(frame.evidence[None], frame.key, frame.time_s, frame.frame_id)  # [C] -> [1, C]
        return dict(memory.snapshot().ledger.channels)
    finally:
        memory.close()


def _cut(
    fine: ChannelRecord | None, frames: Sequence[StoredFrame], channel: int, low_s: float, high_s: float
) -> list[Span]:
    """What of the finer spans lies from low_s to high_s, with the most that was there at once within these times."""
    touching = [] if fine is None else [one for one in fine.spans if one.end_s >= low_s and one.start_s <= high_s]
    spans = [replace(one, start_s=max(one.start_s, low_s), end_s=min(one.end_s, high_s)) for one in touching]
    return [_with_peak(one, [f for f in frames if one.start_s <= f.time_s <= one.end_s], channel) for one in spans]


def _with_peak(span: Span, frames: Sequence[StoredFrame], channel: int) -> Span:
    """By the ledger's rule: the median of three frames, and what held for two running."""
    if not frames:
        return span
    evidence = np.array([frame.evidence[channel] for frame in frames])
    around = np.pad(evidence, 1, mode="edge")
    counts = np.rint(np.median([around[:-2], evidence, around[2:]], axis=0))
    held = np.minimum(counts, np.append(counts[1:], counts[-1]))
    best = int(held.argmax())
    return replace(span, peak_count=max(int(held[best]), 1), peak_frame_id=frames[best].frame_id)


def _spliced(record: ChannelRecord, seen: Sequence[Span], low_s: float, high_s: float) -> ChannelRecord:
    """The record with the finer spans in place of its own. What is shorter than the archive can tell stays."""
    touching = [span for span in record.spans if span.end_s >= low_s and span.start_s <= high_s]
    if not touching:
        return record
    seen = [one for one in seen if any(one.end_s >= span.start_s and one.start_s <= span.end_s for span in touching)]
    spans: list[Span] = [span for span in record.spans if span not in touching]
    for span in touching:
        parts = [one for one in seen if one.end_s >= span.start_s and one.start_s <= span.end_s]
        if not parts and low_s <= span.start_s and span.end_s <= high_s:
            spans.append(span)  # too short for a frame a second, but it was seen
            continue
        if span.start_s < low_s:
            spans.append(replace(span, end_s=min(span.end_s, low_s - _APART_S)))
        if span.end_s > high_s:
            spans.append(replace(span, start_s=max(span.start_s, high_s + _APART_S)))
    spans = sorted([*spans, *seen], key=lambda span: span.start_s)
    return replace(record, spans=tuple(spans)) if spans else record


def _with_moment(snapshot: Snapshot, frame: StoredFrame, asked_s: float) -> Snapshot:
    """With an entry for that very frame among those that are kept whole: its evidence, placed where the nearest event
    slot has it. Left as it is where the memory still has the frames of that time, or the archive none."""
    tier, slots = snapshot.spatial, snapshot.temporal
    if len(slots) == 0 or abs(frame.time_s - asked_s) > _NEAR_S or frame.time_s >= float(tier.times_s[0, 0]):
        return snapshot
    away_s = torch.maximum(slots.times_s[:, 0] - frame.time_s, frame.time_s - slots.times_s[:, 1]).clamp(min=0.0)
    tokens = slots.tokens[int(away_s.argmin())].float().clone()  # [P, D]
    evidence = torch.from_numpy(frame.evidence).to(tokens)  # [C]
    mass = tokens[:, : len(evidence)].sum(0)  # [P, C] -> [C]
    tokens[:, : len(evidence)] *= torch.where(mass > 1e-3, evidence / mass.clamp(min=1e-3), 0.0)
    new = (mass <= 1e-3) & (evidence >= _MIN_EVIDENCE)
    tokens[_centre_cell(len(tokens)), : len(evidence)][new] = evidence[new]
    return replace(snapshot, spatial=_with_entry(tier, tokens, frame))


def _with_entry(tier: Tier, tokens: torch.Tensor, frame: StoredFrame) -> Tier:
    """In order of time. tokens: float32 [P, D]."""
    entry = {
        "times_s": torch.tensor([[frame.time_s, frame.time_s]], dtype=torch.float64),
        "weights": torch.ones(1),
        "tokens": tokens[None],  # [P, D] -> [1, P, D]
        "mean_times_s": torch.tensor([frame.time_s], dtype=torch.float64),
        "keys": torch.from_numpy(frame.key)[None],
        **{name: torch.tensor([frame.frame_id]) for name in ("frame_ids", "first_frame_ids", "last_frame_ids")},
    }
    order = torch.argsort(torch.cat((tier.mean_times_s, entry["mean_times_s"])), stable=True)
    joined = {
        name: torch.cat((getattr(tier, name), value.to(getattr(tier, name))))[order] for name, value in entry.items()
    }
    return Tier(**joined)


def _centre_cell(num_cells: int) -> int:
    side = round(num_cells**0.5)
    return side // 2 * side + side // 2
