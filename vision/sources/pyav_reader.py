"""Pictures out of a container, packet by packet, whatever is wrong with some of the packets.

In: an open PyAV container and its video stream. Out: decoded pictures, or END. Owned by the reading thread, which alone
opens, reads and closes the container: closing it while another thread is inside the decoder crashes the process.

PyAV's exceptions carry the address with its password, so none of them leaves this module: they are turned into our own
outside the `except` block, which leaves no trace of them, not even as context.
"""

from collections import deque
from collections.abc import Iterator

import av
from av.container import InputContainer

from vision.frame import END, EndOfStream
from vision.sources.packets import PacketTap
from vision.sources.source import MAX_FRAME_MEGAPIXELS, SourceCounters

__all__ = ["ReadFailed", "ReadInterrupted", "VideoReader", "is_timeout"]

_MAX_DAMAGED_READS = 50  # in a row, without one packet between them


class ReadInterrupted(Exception):
    """Nothing came within the read time-out. Whether reading can go on depends on the protocol."""


class ReadFailed(Exception):
    """The container can give no more packets, and this is not its proper end."""


class VideoReader:
    """Reads one video stream. `counters` are the source's; this class counts decoded pictures and damaged packets."""

    def __init__(
        self,
        container: InputContainer,
        stream: av.VideoStream,
        counters: SourceCounters,
        *,
        is_live: bool = False,
        tap: PacketTap | None = None,
    ):
        """tap: is told of every packet; whoever made this reader tells it of the end."""
        self.num_packets = 0
        self._tap = tap
        self._container, self._stream, self._counters = container, stream, counters
        context = stream.codec_context
        # Frame threads delay a live picture by one frame each; a file does not mind, and is faster with them.
        context.thread_type = "SLICE" if is_live else "AUTO"
        context.options = {"max_pixels": str(MAX_FRAME_MEGAPIXELS * 1_000_000)}
        self._packets: Iterator[av.Packet] = container.demux(stream)
        self._pictures: deque[av.VideoFrame] = deque()
        self._num_damaged_in_a_row = 0
        self._is_over = False
        self._has_failed = False
        self._wants_key_pictures_alone = self._skips = False
        if tap is not None:
            tap.begin(stream)

    @property
    def skips(self) -> bool:
        """True while key pictures alone are decoded."""
        return self._skips

    def set_key_pictures_alone(self, is_wanted: bool) -> None:
        """From the next packet on. All pictures are decoded again from the next key picture on: before it they could
        only be wrong, since they lean on those that were left out."""
        self._wants_key_pictures_alone = is_wanted

    def read(self) -> av.VideoFrame | EndOfStream | None:
        """The next picture; None if one more packet was read and none came of it; END after the last.

        Raises ReadInterrupted or ReadFailed; the latter only when the pictures read before have been handed out.
        """
        if not self._pictures and not self._is_over and not self._has_failed:
            packet = self._next_packet()
            if packet is not None:
                self._decode(packet)
        if self._pictures:
            self._counters.frames_decoded += 1
            return self._pictures.popleft()
        if self._has_failed:
            raise ReadFailed
        return END if self._is_over else None

    def _next_packet(self) -> av.Packet | None:
        """None if the packet is damaged or there are no more."""
        is_interrupted = False
        try:
            packet = next(self._packets, None)
            self._num_damaged_in_a_row = 0
            self._is_over = packet is None
            if packet is not None:
                self.num_packets += 1
                if self._tap is not None:
                    self._tap.packet(packet)
                self._choose_pictures(packet)
            return packet
        except av.error.InvalidDataError:
            self._counters.packets_damaged += 1
            self._num_damaged_in_a_row += 1
            self._is_over = self._num_damaged_in_a_row > _MAX_DAMAGED_READS
        except (av.FFmpegError, OSError) as error:
            is_interrupted = is_timeout(error)
            self._has_failed = not is_interrupted
        if is_interrupted:
            self._packets = self._container.demux(self._stream)  # the old iterator ended with its exception
            raise ReadInterrupted
        if self._is_over or self._has_failed:
            self._decode(None)
        else:
            self._packets = self._container.demux(self._stream)
        return None

    def _choose_pictures(self, packet: av.Packet) -> None:
        if self._wants_key_pictures_alone == self._skips:
            return
        if self._wants_key_pictures_alone or packet.is_keyframe:
            self._skips = self._wants_key_pictures_alone
            self._stream.codec_context.skip_frame = "NONKEY" if self._skips else "DEFAULT"

    def _decode(self, packet: av.Packet | None) -> None:
        """None: let the decoder give out what it still holds."""
        try:
            self._pictures.extend(self._stream.codec_context.decode(packet))
        except EOFError:
            pass  # it had given out everything before
        except (av.FFmpegError, OSError, ValueError):
            self._counters.packets_damaged += 1


def is_timeout(error: Exception) -> bool:
    """True if the error means that nothing came in time: PyAV's own interruption, or the protocol's time-out."""
    return isinstance(error, (av.error.ExitError, TimeoutError, BlockingIOError))
