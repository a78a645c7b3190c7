"""The pieces of a playlist (HLS), downloaded and decoded one after the other.

In: the address of a playlist. Out: decoded pictures, as a `VideoReader` gives them. Each piece is a small video of its
own and is opened as such, from memory. The decoder's own HLS follows a list to any host, waits inside a read for the
next piece, and (PyAV 18) can crash the process when an opening fails half-way. Reading thread only.
"""

import io
from collections import deque
from collections.abc import Callable

import av
from av.container import InputContainer

from vision.errors import SourceOpenError
from vision.frame import END, EndOfStream
from vision.sources.access import SourceAccess, is_public, permitted_addresses
from vision.sources.address import add_credentials, split_address
from vision.sources.clock import Clock
from vision.sources.playlist import MAX_PLAYLIST_BYTES, Piece, Playlist, pick_variant, read_playlist
from vision.sources.pyav_input import open_container, pick_video_stream
from vision.sources.pyav_reader import ReadFailed, ReadInterrupted, VideoReader
from vision.sources.source import MAX_WAIT_S, SourceCounters
from vision.sources.tls import TlsRules
from vision.sources.web_file import WebFile

__all__ = ["SegmentReader"]

_MAX_PIECE_BYTES = 128_000_000
_MAX_FAILURES = 3  # in a row: pieces or lists that do not come
_LIVE_PIECES = 3  # so many before the newest one playing starts, as players do
_SLICE_S = 0.5


class SegmentReader:
    """`stream` is that of the first piece. Nothing takes longer than about two seconds, whatever the host does."""

    def __init__(
        self,
        first: WebFile,
        url: str,
        name: str,
        access: SourceAccess,
        clock: Clock,
        counters: SourceCounters,
        *,
        tls: TlsRules,
        open_timeout_s: float,
    ):
        """first: the answer of the playlist's address, not read yet. Raises SourceOpenError."""
        self._home, self._name, self._access = split_address(url), name, access
        self._clock, self._counters, self._tls = clock, counters, tls
        self._deadline = first.deadline
        self._pieces: deque[Piece] = deque()
        self._newest_number = -1
        self._num_failures = 0
        self._reload_at_s = 0.0
        self._file: WebFile | None = None
        self._piece = bytearray()
        self._heads: dict[str, bytes] = {}
        self._container: InputContainer | None = None
        self._reader: VideoReader | None = None
        self._list_url = first.name
        playlist = self._parse(_read_all(first, MAX_PLAYLIST_BYTES))
        if playlist.variants:
            self._list_url = pick_variant(playlist.variants).url
            playlist = self._load_list()
        self.is_live = not playlist.is_over
        self.duration_s = None if self.is_live else sum(piece.duration_s for piece in playlist.pieces)
        self._take_up(playlist)
        if self.is_live:
            self._pieces = deque(list(self._pieces)[-_LIVE_PIECES:])
        self.stream = self._open_first(open_timeout_s)

    def read(self) -> av.VideoFrame | EndOfStream | None:
        """As VideoReader.read. ReadInterrupted: the next piece is not there yet."""
        if self._reader is not None:
            return self._read_piece(self._reader)
        if self._file is not None:
            self._download(self._file)
            return None
        if self._pieces:
            self._guarded(self._start_piece)
            return None
        if not self.is_live:
            return END
        if self._clock.monotonic_s() < self._reload_at_s:
            raise ReadInterrupted
        self._guarded(lambda: self._take_up(self._load_list()))
        return None

    def close(self) -> None:
        self._close_piece()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_first(self, open_timeout_s: float) -> av.VideoStream:
        end_s = self._clock.monotonic_s() + open_timeout_s
        while self._reader is None and self._clock.monotonic_s() < end_s and (self._pieces or self._file):
            self._download(self._file) if self._file is not None else self._start_piece()
        if self._reader is None or self._container is None:
            raise SourceOpenError(f"The playlist {self._name} has no piece that can be read.", "empty")
        return self._container.streams.video[0]

    def _read_piece(self, reader: VideoReader) -> av.VideoFrame | None:
        try:
            picture = reader.read()
        except (ReadFailed, ReadInterrupted):
            picture = END  # the rest of the piece is damaged; the next one is not
        if isinstance(picture, EndOfStream):
            self._close_piece()
            return None
        return picture

    def _close_piece(self) -> None:
        self._reader = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def _guarded(self, action: Callable[[], None]) -> None:
        """A piece or a list that does not come is tried again with the next one, a few times."""
        try:
            action()
            self._num_failures = 0
        except (SourceOpenError, OSError):
            self._num_failures += 1
            self._reload_at_s = self._clock.monotonic_s() + _SLICE_S
        if self._num_failures > _MAX_FAILURES:
            raise ReadFailed

    def _start_piece(self) -> None:
        piece = self._pieces.popleft()
        if piece.head_url is not None and piece.head_url not in self._heads:
            self._heads = {piece.head_url: _read_all(self._open(piece.head_url), MAX_PLAYLIST_BYTES)}
        self._piece = bytearray(self._heads.get(piece.head_url or "", b""))
        self._file = self._open(piece.url)

    def _download(self, file: WebFile) -> None:
        """A slice of the piece; all of it becomes a container."""
        failed = False
        self._deadline.within(_SLICE_S)
        try:
            data = file.read()
        except TimeoutError:
            raise ReadInterrupted from None
        except OSError:
            data, failed = b"", True
        self._piece += data
        if len(self._piece) > _MAX_PIECE_BYTES:
            failed = True
        if data and not failed:
            return
        file.close()
        self._file = None
        if not failed:
            self._guarded(self._open_piece)

    def _open_piece(self) -> None:
        container = open_container(
            io.BytesIO(self._piece), self._name, options={"protocol_whitelist": "none"}, is_network=True
        )
        self._container = container
        stream = pick_video_stream(container, self._name)
        self._reader = VideoReader(container, stream, self._counters)

    def _load_list(self) -> Playlist:
        self._reload_at_s = self._clock.monotonic_s() + _SLICE_S
        return self._parse(_read_all(self._open(self._list_url), MAX_PLAYLIST_BYTES))

    def _parse(self, data: bytes) -> Playlist:
        return read_playlist(data.decode("utf-8", "replace"), self._list_url, self._name)

    def _take_up(self, playlist: Playlist) -> None:
        """The pieces that are new."""
        news = [piece for piece in playlist.pieces if piece.number > self._newest_number]
        if not news and playlist.pieces and playlist.pieces[-1].number + len(playlist.pieces) < self._newest_number:
            news = list(playlist.pieces)  # the encoder was started anew and counts from the start
        self._pieces.extend(news)
        if news:
            self._newest_number = news[-1].number
        self.is_live = not playlist.is_over
        self._reload_at_s = self._clock.monotonic_s() + playlist.target_s / 2

    def _open(self, url: str) -> WebFile:
        self._deadline.within(MAX_WAIT_S)
        return WebFile(self._permitted(url), self._name, self._access, self._deadline, tls=self._tls)

    def _permitted(self, url: str) -> str:
        """The address, with the password where it is the playlist's own host. Other hosts must be of the open
        internet, whoever asks. Raises SourceOpenError (kind forbidden)."""
        target = split_address(url) if url.lower().startswith(("http://", "https://")) else None
        if target is not None and (target.host, target.port) == (self._home.host, self._home.port):
            if self._home.user is None:
                return url
            return add_credentials(url, self._home.user, self._home.password or "")
        if target is not None:
            addresses = permitted_addresses(self._access, target.host, target.port, self._name)
            if all(is_public(address) for address in addresses):
                return url
        raise SourceOpenError(
            f"{self._name} is a list that points to files or to hosts which are not opened from a list.", "forbidden"
        )


def _read_all(file: WebFile, max_bytes: int) -> bytes:
    """Raises OSError, TimeoutError among them, and SourceOpenError if it is larger than it may be."""
    data = bytearray()
    try:
        while more := file.read():
            data += more
            if len(data) > max_bytes:
                raise SourceOpenError("A playlist of the web is larger than playlists are.", "too_large")
    finally:
        file.close()
    return bytes(data)
