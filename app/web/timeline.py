"""The timeline of a stream, as the page draws it: event slots, newest frames, gaps, pins.

Comes in: the moments of a session. Goes out: a message with what has changed since the last one, at most one a second.
Its size is bounded by the memory's own bounds, however long the stream. The page's event loop.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.web.watching import Watch

if TYPE_CHECKING:
    from memory import Snapshot, Tier

__all__ = ["TimelineTeller", "timeline_sections"]

_PERIOD_S = 1.0


class TimelineTeller:
    """Tells one page. Sections that did not change are left out of a message."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._watch: Watch | None = None
        self._version: int | None = None
        self._due_s = 0.0

    def hurry(self) -> None:
        """Something was done to the memory: the page is told at once."""
        self._due_s = 0.0

    def news(self, watch: Watch | None, now_s: float) -> dict[str, Any] | None:
        """The message that is due; None: there is none."""
        if watch is not self._watch:
            self._watch, self._told, self._version, self._due_s = watch, {}, None, 0.0
        if watch is None or now_s < self._due_s or not watch.session.moments.is_there:
            return None
        self._due_s = now_s + _PERIOD_S
        snapshot = watch.session.moments.snapshot()
        if snapshot.version == self._version:
            return None
        self._version = snapshot.version
        sections = timeline_sections(snapshot)
        changed = {name: value for name, value in sections.items() if self._told.get(name) != value}
        self._told = sections
        return {"type": "timeline", "watch": watch.number, **changed} if changed else None


def timeline_sections(snapshot: "Snapshot") -> dict[str, Any]:
    """Times in seconds, to the hundredth: slots [start, end, frames, frame id, pinned], frames [time, frame id], gaps
    [kind, start, end], pins [start, end, label], and the newest time."""
    pins = [(pin.start_s, pin.end_s) for pin in snapshot.pins]
    slots = [
        [_short(start_s), _short(end_s), weight, frame_id, int(_is_touched(start_s, end_s, pins))]
        for start_s, end_s, weight, frame_id in _rows(snapshot.temporal)
    ]
    return {
        "now_s": _short(snapshot.t_now_s),
        "slots": slots,
        "frames": [[_short(start_s), frame_id] for start_s, _, _, frame_id in _rows(snapshot.spatial)],
        "gaps": [[gap.kind, _short(gap.start_s), _short(gap.end_s)] for gap in snapshot.gaps],
        "pins": [[_short(pin.start_s), _short(pin.end_s), pin.label] for pin in snapshot.pins],
    }


def _rows(tier: "Tier") -> Iterable[tuple[float, float, int, int]]:
    """(start, end, number of frames, frame id) of each entry."""
    for (start_s, end_s), weight, frame_id in zip(
        tier.times_s.tolist(), tier.weights.tolist(), tier.frame_ids.tolist(), strict=True
    ):
        yield start_s, end_s, round(weight), int(frame_id)


def _is_touched(start_s: float, end_s: float, spans: Iterable[tuple[float, float]]) -> bool:
    return any(span_start_s <= end_s and start_s <= span_end_s for span_start_s, span_end_s in spans)


def _short(time_s: float) -> float:
    return round(time_s, 2)
