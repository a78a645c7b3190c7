"""A source that the user can end: what was seen until then stays, and can be asked about.

Comes in: any source, not yet opened. Goes out: its frames, then END as soon as somebody asked for the end.
"""

import threading

from vision import END, EndOfStream, Frame
from vision.sources import (
    ConnectionStatus,
    PacketTap,
    Source,
    SourceCounters,
    StreamGap,
    set_idle,
    set_packet_tap,
    source_connection,
    source_counters,
    take_gaps,
)

__all__ = ["StoppableSource"]


class StoppableSource:
    """`finish` may be called by any thread; the rest by the reading thread."""

    def __init__(self, source: Source, name: str | None = None) -> None:
        """name: what is shown in place of the source's own name."""
        self.name = source.name if name is None else name
        self.is_live = source.is_live
        self._source = source
        self._is_over = threading.Event()
        self._packet_tap: PacketTap | None = None

    @property
    def counters(self) -> SourceCounters:
        return source_counters(self._source)

    @property
    def connection(self) -> ConnectionStatus | None:
        return source_connection(self._source)

    @property
    def is_idle(self) -> bool:
        return bool(getattr(self._source, "is_idle", False))

    @is_idle.setter
    def is_idle(self, is_idle: bool) -> None:
        set_idle(self._source, is_idle)

    @property
    def packet_tap(self) -> PacketTap | None:
        return self._packet_tap

    @packet_tap.setter
    def packet_tap(self, tap: PacketTap | None) -> None:
        """Before it is opened. A source without packets leaves it alone, and pictures are all that is kept."""
        self._packet_tap = tap if set_packet_tap(self._source, tap) else None

    def take_gaps(self) -> list[StreamGap]:
        return take_gaps(self._source)

    def finish(self) -> None:
        """The stream ends here."""
        self._is_over.set()

    def open(self) -> None:
        self._source.open()
        self.is_live = self._source.is_live

    def read(self, timeout_s: float) -> Frame | EndOfStream | None:
        return END if self._is_over.is_set() else self._source.read(timeout_s)

    def close(self) -> None:
        self._source.close()
