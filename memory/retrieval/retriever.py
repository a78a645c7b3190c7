"""Bringing back what a question needs: frames of the archive by content, by time, or as an overview, in order of time.

Comes in: a snapshot (for the present and what it shows already), a Query, how many. Goes out: frames to look at again.
Nothing later than the snapshot. Belongs to the thread that opened its ArchiveReader; the same archive, snapshot and
query give the same frames.
"""

import numpy as np
from numpy.typing import NDArray

from memory.archive import ArchiveReader, FrameRow, Hit
from memory.retrieval.query import Query, RetrievedFrame, RetrieverConfig
from memory.retrieval.selection import SeenKeys, choose_balanced, overview_targets, spread_targets
from memory.snapshot import Snapshot

__all__ = ["Retriever"]

_MAX_FRAMES = 256
_SPARE = 4  # candidates for each place in an interval: near-duplicates fall out
_MIN_HITS = 8  # candidates of each stretch of the stream


class Retriever:
    """Reads one archive."""

    def __init__(self, reader: ArchiveReader, config: RetrieverConfig | None = None) -> None:
        self._reader = reader
        self._config = config or RetrieverConfig()

    def retrieve(self, snapshot: Snapshot, query: Query, k: int) -> tuple[RetrievedFrame, ...]:
        """At most k frames in order of time; none when nothing fits, or when all asked times lie in the future.

        A question with times and content gets the best frames by content of each interval; an interval that shows
        nothing of it is filled up with frames that show the interval. Raises ValueError, and ArchiveError as
        `ArchiveReader.search` does.
        """
        if not 1 <= k <= _MAX_FRAMES:
            raise ValueError(f"k must be in 1..{_MAX_FRAMES}, got {k}")
        recent_ids, seen = self._recent(snapshot, query)
        if query.times:
            found = self._by_time(query, snapshot.t_now_s, recent_ids, seen, k)
        elif query.has_content:
            found = self._by_content(query, snapshot.t_now_s, recent_ids, seen, k)
        else:
            found = self._overview(snapshot.t_now_s, recent_ids, seen, k)
        return tuple(sorted(found, key=lambda frame: (frame.time_s, frame.frame_id)))

    def _by_content(
        self, query: Query, now_s: float, recent_ids: set[int], seen: SeenKeys, k: int
    ) -> list[RetrievedFrame]:
        first_s = self._reader.first_s()
        if first_s is None or first_s > now_s:
            return []
        edges = np.linspace(first_s, now_s, self._config.num_stretches + 1)
        stretches = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        hits = self._hits(query, stretches, recent_ids, max(k, _MIN_HITS))
        chosen = choose_balanced(hits, k, seen, lambda time_s: _stretch(edges, time_s), self._config.balance)
        return [_retrieved(hit, "content", hit.score) for hit in chosen]

    def _by_time(
        self, query: Query, now_s: float, recent_ids: set[int], seen: SeenKeys, k: int
    ) -> list[RetrievedFrame]:
        asked = [(start_s, min(end_s, now_s)) for start_s, end_s in query.times if start_s <= now_s][:k]
        found: dict[int, RetrievedFrame] = {}
        for i, (start_s, end_s) in enumerate(asked):
            room = k // len(asked) + (i < k % len(asked))
            reach_s = self._config.near_s if start_s == end_s else 0.0
            low_s, high_s = start_s - reach_s, min(end_s + reach_s, now_s)
            here: list[RetrievedFrame] = []
            if query.has_content:
                hits = self._hits(query, [(low_s, high_s)], set(found), _SPARE * room)
                chosen = choose_balanced(hits, room, seen, lambda _: 0, 0.0)
                here = [_retrieved(hit, "content", hit.score) for hit in chosen]
            anchor = [] if here else self._anchor(start_s, end_s, (low_s, high_s), now_s, set(found))
            self._add_keys(seen, anchor)
            targets = spread_targets(low_s, high_s, room)
            rows = [self._reader.nearest(target_s, low_s, high_s) for target_s in targets]
            taken_ids = {*found, *(frame.frame_id for frame in here), *(row.frame_id for row in anchor)}
            others = self._new_rows(rows, seen, taken_ids, room - len(here) - len(anchor))
            here += [_retrieved(row, "time", 0.0) for row in (*anchor, *others)]
            found.update({frame.frame_id: frame for frame in here})
        return list(found.values())

    def _anchor(
        self, start_s: float, end_s: float, within: tuple[float, float], now_s: float, taken_ids: set[int]
    ) -> list[FrameRow]:
        """The frame nearest to the middle of an interval, however far it is if there is none within."""
        middle_s = (start_s + end_s) / 2
        row = self._reader.nearest(middle_s, *within) or self._reader.nearest(middle_s, end_s=now_s)
        return [] if row is None or row.frame_id in taken_ids else [row]

    def _overview(self, now_s: float, recent_ids: set[int], seen: SeenKeys, k: int) -> list[RetrievedFrame]:
        first_s = self._reader.first_s()
        if first_s is None or first_s > now_s:
            return []
        targets = overview_targets(first_s, now_s, k)
        rows = [self._reader.nearest(target_s, end_s=now_s) for target_s in targets]
        return [_retrieved(row, "overview", 0.0) for row in self._new_rows(rows, seen, recent_ids, k)]

    def _hits(self, query: Query, intervals: list[tuple[float, float]], left_out: set[int], k: int) -> list[Hit]:
        config = self._config
        hits = self._reader.search_intervals(intervals, key=query.key, channels=query.channels, k=k)
        lowest = config.min_similarity if query.key is not None else 0.0
        if query.channels:
            one_of_them = config.min_evidence / (config.min_evidence + 1.0) / len(query.channels)
            lowest = one_of_them if query.key is None else min(lowest, one_of_them) / 2
        return [hit for hit in hits if hit.score >= lowest and hit.frame_id not in left_out]

    def _new_rows(self, rows: list[FrameRow | None], seen: SeenKeys, taken_ids: set[int], room: int) -> list[FrameRow]:
        """Those that are not there yet and look different, in the order given."""
        unique = {row.frame_id: row for row in rows if row is not None and row.frame_id not in taken_ids}
        keys = self._reader.keys(list(unique))
        chosen: list[FrameRow] = []
        for frame_id, row in unique.items():
            if len(chosen) < room and frame_id in keys and not seen.has(keys[frame_id]):
                seen.add(keys[frame_id])
                chosen.append(row)
        return chosen

    def _add_keys(self, seen: SeenKeys, rows: list[FrameRow]) -> None:
        for key in self._reader.keys([row.frame_id for row in rows]).values():
            seen.add(key)

    def _recent(self, snapshot: Snapshot, query: Query) -> tuple[set[int], SeenKeys]:
        """What the snapshot shows already. A time that was asked about is shown again."""
        if not query.skip_recent or query.times:
            return set(), SeenKeys(np.empty((0, 0), np.float32), self._config.duplicate_similarity)
        ids = {int(frame_id) for frame_id in snapshot.spatial.frame_ids.tolist()}
        keys: NDArray[np.float32] = snapshot.spatial.keys.numpy()
        return ids, SeenKeys(keys, self._config.duplicate_similarity)


def _stretch(edges: NDArray[np.float64], time_s: float) -> int:
    return int(np.searchsorted(edges, time_s, side="right"))


def _retrieved(row: FrameRow, reason: str, score: float) -> RetrievedFrame:
    return RetrievedFrame(
        frame_id=row.frame_id, time_s=row.time_s, wall_time_s=row.wall_time_s, score=score, reason=reason
    )
