"""What leaves an archive: frames that are too old or too many, and moments that the user wants forgotten.

Works on a Shelf, in the writer's thread. Forgetting overwrites the bytes where they lie, so that it needs hardly any
room, and is entered into the index first: a kill or a full disk in the midst of it only delays the rest.
"""

import sqlite3

from memory.archive.records import GAP_KINDS, Receipt
from memory.archive.schema import transaction
from memory.archive.segments import overwrite, segment_paths
from memory.archive.shelf import Place, Shelf, frames_of, pieces

__all__ = ["evict_oldest", "finish_forgets", "forget", "oldest_sealed_end_s", "pinned_bytes"]

_IS_PINNED = "EXISTS (SELECT 1 FROM pins WHERE frames.time_s BETWEEN pins.start_s AND pins.end_s)"
_OVERLAPS = "start_s <= ? AND end_s >= ?"
# Sealed segments by their end; those that hold pinned frames alone have nothing to give.
_EVICTABLE = f"""
SELECT segment, MAX(time_s) FROM frames JOIN segments USING (segment)
WHERE is_sealed AND segment IN (SELECT segment FROM frames WHERE NOT {_IS_PINNED})
GROUP BY segment ORDER BY MAX(time_s), segment LIMIT 1
"""


def oldest_sealed_end_s(shelf: Shelf) -> float | None:
    """The time of the newest frame in the oldest segment that eviction would take; None: there is none."""
    found = shelf.connection.execute(_EVICTABLE).fetchone()
    return None if found is None else float(found[1])


def evict_oldest(shelf: Shelf) -> int:
    """Drops the oldest sealed segment but for its pinned frames; returns the number of frames that left."""
    found = shelf.connection.execute(_EVICTABLE).fetchone()
    if found is None:
        return 0
    segment, end_s = found
    kept = frames_of(shelf.connection, f"segment = ? AND {_IS_PINNED}", (segment,))
    start_s, num_frames = shelf.connection.execute(
        "SELECT MIN(time_s), COUNT(*) FROM frames WHERE segment = ?", (segment,)
    ).fetchone()
    shelf.drop_segment(segment, kept)
    with transaction(shelf.connection):
        changed = shelf.connection.execute(
            "UPDATE events SET start_s = MIN(start_s, ?), end_s = MAX(end_s, ?) WHERE kind = 'evicted'",
            (start_s, end_s),
        )
        if not changed.rowcount:
            _add_gap(shelf.connection, "evicted", start_s, end_s)
    return int(num_frames) - len(kept)


def pinned_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the pictures that are exempt from eviction."""
    return int(connection.execute(f"SELECT TOTAL(num_bytes) FROM frames WHERE {_IS_PINNED}").fetchone()[0])


def forget(shelf: Shelf, start_s: float, end_s: float) -> Receipt:
    """Erases frames, texts and pins of an interval, both ends included. The segment being written must be sealed."""
    with transaction(shelf.connection):
        shelf.connection.execute("INSERT INTO unfinished_forgets VALUES (?, ?)", (start_s, end_s))
    return _carry_out(shelf, start_s, end_s)


def finish_forgets(shelf: Shelf) -> None:
    """Goes on with what a kill or a slow reader held up."""
    for start_s, end_s in shelf.connection.execute("SELECT start_s, end_s FROM unfinished_forgets").fetchall():
        _carry_out(shelf, start_s, end_s)


def _carry_out(shelf: Shelf, start_s: float, end_s: float) -> Receipt:
    connection = shelf.connection
    places = frames_of(connection, "time_s BETWEEN ? AND ?", (start_s, end_s))
    whole: list[tuple[int, list[Place]]] = []
    partly: list[tuple[int, list[Place]]] = []
    for segment, gone in pieces(places):
        total = connection.execute("SELECT COUNT(*) FROM frames WHERE segment = ?", (segment,)).fetchone()[0]
        (whole if len(gone) == total else partly).append((segment, gone))
    for segment, gone in whole:
        _blank(shelf, gone)
        shelf.empty_frames(segment)  # first of all: on a full disk it makes the room that the index needs
    for _, gone in partly:
        _blank(shelf, gone)
    with transaction(connection):
        connection.executemany("DELETE FROM frames WHERE position = ?", [(p.position,) for _, g in partly for p in g])
        num_texts = _forget_texts(connection, start_s, end_s)
        num_pins = _cut_pins(connection, start_s, end_s)
        if places:
            shelf.count_erasure()
    for segment, _ in whole:
        shelf.drop_segment(segment)
        shelf.sync()  # lets the index's log start again instead of growing
    is_complete = shelf.scrub()
    if is_complete:
        with transaction(connection):
            connection.execute("DELETE FROM unfinished_forgets WHERE start_s = ? AND end_s = ?", (start_s, end_s))
    return Receipt(
        start_s=start_s,
        end_s=end_s,
        num_frames=len(places),
        num_bytes=sum(place.num_bytes + shelf.layout.row_bytes for place in places),
        num_texts=num_texts,
        num_pins=num_pins,
        is_complete=is_complete,
    )


def _blank(shelf: Shelf, places: list[Place]) -> None:
    """Zeros over frames of one segment. They arrived one after the other: two writes."""
    frames, vectors = segment_paths(shelf.folder, places[0].segment)
    for run in _runs(places):
        start = run[0].offset
        overwrite(frames, start, run[-1].offset + run[-1].num_bytes - start)
        overwrite(vectors, run[0].row * shelf.layout.row_bytes, len(run) * shelf.layout.row_bytes)


def _runs(places: list[Place]) -> list[list[Place]]:
    """Places that lie side by side, together."""
    runs: list[list[Place]] = []
    for place in sorted(places, key=lambda place: place.row):
        is_next = bool(runs) and runs[-1][-1].row + 1 == place.row
        is_next = is_next and runs[-1][-1].offset + runs[-1][-1].num_bytes == place.offset
        if is_next:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _forget_texts(connection: sqlite3.Connection, start_s: float, end_s: float) -> int:
    """Gaps stay: they tell that nothing was seen. A new one tells that something was forgotten, once."""
    marks = ", ".join("?" * len(GAP_KINDS))
    gone = connection.execute(
        f"DELETE FROM events WHERE {_OVERLAPS} AND kind NOT IN ({marks})", (end_s, start_s, *GAP_KINDS)
    )
    known = "SELECT 1 FROM events WHERE kind = 'forgotten' AND start_s = ? AND end_s = ?"
    if connection.execute(known, (start_s, end_s)).fetchone() is None:
        _add_gap(connection, "forgotten", start_s, end_s)
    return gone.rowcount


def _cut_pins(connection: sqlite3.Connection, start_s: float, end_s: float) -> int:
    """Pins lose what lies in the interval; on either side of it frames stay pinned. Returns how many pins changed."""
    pins = connection.execute(f"SELECT start_s, end_s, label FROM pins WHERE {_OVERLAPS}", (end_s, start_s)).fetchall()
    connection.execute(f"DELETE FROM pins WHERE {_OVERLAPS}", (end_s, start_s))
    for pin_start_s, pin_end_s, label in pins:
        rest = [(pin_start_s, start_s, label), (end_s, pin_end_s, label)]
        rest = [pin for pin in rest if pin[0] < pin[1]]
        connection.executemany("INSERT INTO pins VALUES (?, ?, ?)", rest)
    return len(pins)


def _add_gap(connection: sqlite3.Connection, kind: str, start_s: float, end_s: float) -> None:
    connection.execute("INSERT INTO events (kind, start_s, end_s, text) VALUES (?, ?, ?, '')", (kind, start_s, end_s))
