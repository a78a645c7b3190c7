"""Binary messages of the WebSocket: eight bytes that say what it is and what it belongs to, then the payload.

Comes in: a kind, a number and bytes. Goes out: one message, and the same back. Pure; static/connection.js is its twin.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

__all__ = ["HEADER_BYTES", "Packet", "PacketKind", "pack", "unpack"]

_HEADER = struct.Struct(">II")
HEADER_BYTES = _HEADER.size


class PacketKind(IntEnum):
    """What the payload is."""

    PICTURE = 1  # to the page: float64 stream time and a JPEG; from it: a JPEG
    SPEECH = 2  # to the page: 16-bit little-endian PCM of spoken answer `number`
    VOICE = 3  # from the page: the same, of the microphone's utterance `number`


class Packet(NamedTuple):
    kind: PacketKind
    number: int
    payload: bytes


def pack(kind: PacketKind, payload: bytes, number: int = 0) -> bytes:
    return _HEADER.pack(kind, number) + payload


def unpack(message: bytes) -> Packet | None:
    """None for what is no message of ours."""
    if len(message) < HEADER_BYTES:
        return None
    kind, number = _HEADER.unpack_from(message)
    try:
        return Packet(PacketKind(kind), number, message[HEADER_BYTES:])
    except ValueError:
        return None
