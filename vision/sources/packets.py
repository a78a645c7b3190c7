"""Compressed packets of a source beside its pictures, for whoever records them as they come.

In: packets, in the reading thread. Out: the same, to one `PacketTap`, before they are decoded. A tap must not raise,
nor change a packet, nor keep it: it belongs to the decoder.
"""

from typing import Protocol

import av

__all__ = ["PacketTap", "set_packet_tap"]


class PacketTap(Protocol):
    """Called by the reading thread alone."""

    def begin(self, stream: av.VideoStream) -> None:
        """A connection is made, or a file is open: packets of this stream follow."""

    def packet(self, packet: av.Packet) -> None: ...

    def end(self) -> None:
        """No more packets of this stream. May be called twice, and without a beginning."""


def set_packet_tap(source: object, tap: PacketTap | None) -> bool:
    """Before the source is opened. False: it has no packets to give (a webcam, the screen, a synthetic scene)."""
    if not hasattr(source, "packet_tap"):
        return False
    source.packet_tap = tap
    return True
