"""Compressed packets into one MP4 file in fragments, each of which is whole when it is on the disk.

Comes in: packets of one stream, from a key picture on. Goes out: an MP4 that plays as far as it was written. Whoever
makes a `SegmentWriter` alone uses it.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, Any

import av

__all__ = ["CodecRefusedError", "KeptPacket", "SegmentWriter", "kept_packet", "parameter_sets"]

_OPTIONS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "2000000"}  # in microseconds
_START_CODE = re.compile(b"\x00\x00\x01")


@dataclass(frozen=True, kw_only=True)
class KeptPacket:
    """A copy of a packet, whose own bytes belong to the decoder."""

    data: bytes
    pts: int | None
    dts: int | None
    time_base: Fraction
    is_key: bool
    arrival_s: float  # monotonic


def kept_packet(packet: Any, arrival_s: float) -> KeptPacket:
    """packet: an av.Packet. A camera's first ones may be without a time."""
    return KeptPacket(
        data=bytes(packet),
        pts=packet.pts,
        dts=packet.pts if packet.dts is None else packet.dts,
        time_base=packet.time_base,
        is_key=packet.is_keyframe,
        arrival_s=arrival_s,
    )


def parameter_sets(data: bytes, codec: str) -> bytes:
    """What a decoder must know before the first picture, where a packet of H.264 or HEVC (Annex B) brings it."""
    if codec not in ("h264", "hevc") or not data.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
        return b""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    units = [data[start:end].rstrip(b"\x00") for start, end in zip(starts, ends, strict=True)]
    wanted = dict.fromkeys(unit for unit in units if unit and _is_parameter_set(unit[0], codec))  # some send them twice
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in wanted)


def _is_parameter_set(head: int, codec: str) -> bool:
    return head & 31 in (7, 8) if codec == "h264" else head >> 1 & 63 in (32, 33, 34)


class CodecRefusedError(Exception):
    """MP4 cannot hold such video. The message is a sentence."""


class SegmentWriter:
    """Raises CodecRefusedError, and OSError or av.FFmpegError for what the disk cannot take."""

    def __init__(self, file: IO[bytes], template: av.VideoStream, parameters: bytes = b"") -> None:
        self._file = file
        self._first_arrival_s: float | None = None
        self._offset: int | None = None  # from the packets' times to those of the file
        self._last_dts = -1
        try:
            self._container = av.open(file, "w", format="mp4", options=_OPTIONS)
            codec = template.codec_context.name
            if codec not in self._container.supported_codecs:
                raise CodecRefusedError(
                    f"Video of the kind {codec} cannot go into MP4 without encoding it anew: pictures alone are kept."
                )
            self._stream = self._container.add_stream_from_template(template)
            if parameters:
                self._stream.codec_context.extradata = parameters
        except BaseException:
            file.close()
            raise

    def write(self, packet: KeptPacket) -> None:
        """Times start at 0 and go on whatever the camera says."""
        if self._first_arrival_s is None:
            self._first_arrival_s = packet.arrival_s
        arrived = round((packet.arrival_s - self._first_arrival_s) / packet.time_base)
        if packet.dts is not None and self._offset is None:
            self._offset = max(arrived, self._last_dts + 1) - packet.dts
        dts = arrived if packet.dts is None or self._offset is None else packet.dts + self._offset
        dts = self._last_dts = max(dts, self._last_dts + 1)
        pts = dts if packet.pts is None or self._offset is None else max(packet.pts + self._offset, dts)
        copy = av.Packet(packet.data)
        copy.dts, copy.pts = dts, pts
        copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_key, self._stream
        self._container.mux(copy)

    def close(self) -> None:
        """May raise what write() may; the file is closed all the same."""
        try:
            self._container.close()
            with contextlib.suppress(OSError, ValueError):
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
