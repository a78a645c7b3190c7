"""A file of the web as the decoder wants it: an object with read, seek and tell.

In: an address. Out: its bytes, by ranges where the host gives them. Every read ends by the deadline that the owner of
the file sets. Reading thread only.
"""

import io
import os

from vision.sources.access import SourceAccess
from vision.sources.tls import TlsRules
from vision.sources.web_client import WebResponse, fetch
from vision.sources.web_connection import Deadline

__all__ = ["WebFile"]

_CHUNK_BYTES = 65_536
_SKIP_BYTES = 262_144  # so far ahead it is quicker to read on than to ask anew


class WebFile:
    """Opened by its construction. Raises SourceOpenError then; TimeoutError and OSError while reading."""

    def __init__(
        self,
        url: str,
        label: str,
        access: SourceAccess,
        deadline: Deadline,
        *,
        tls: TlsRules,
    ):
        """label: how to call it in messages."""
        self._url, self._label, self._access = url, label, access
        self.deadline, self._tls = deadline, tls
        self._web: WebResponse | None = self._fetch(0)
        headers = self._web.response.headers
        length = headers.get("Content-Length", "")
        self.size: int | None = int(length) if length.isdecimal() and not headers.get("Content-Encoding") else None
        gives_parts = self._web.response.status == 206 or headers.get("Accept-Ranges", "").lower() == "bytes"
        self._has_ranges = self.size is not None and gives_parts
        self.content_type = self._web.content_type
        self.name = self._web.url  # without a password: the decoder takes relative addresses from it
        self._position = self._wanted = 0
        self._pending = b""  # read ahead, not yet given out

    def _fetch(self, start: int) -> WebResponse:
        return fetch(self._url, self._label, self._access, self.deadline, start=start, tls=self._tls)

    @property
    def web(self) -> WebResponse:
        """The answer itself, for whoever reads it in another way."""
        assert self._web is not None
        return self._web

    def peek(self, num_bytes: int) -> bytes:
        """The first bytes, which `read` gives again. To be called once, before it."""
        while len(self._pending) < num_bytes and (more := self.web.read(num_bytes - len(self._pending))):
            self._pending += more
        return self._pending

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._has_ranges

    def read(self, num_bytes: int = _CHUNK_BYTES) -> bytes:
        if self._wanted != self._position:
            self._go_to_wanted()
        if self.size is not None and self._position >= self.size:
            return b""
        data, self._pending = self._pending[:num_bytes], self._pending[num_bytes:]
        data = data or self.web.read(num_bytes)
        self._position += len(data)
        self._wanted = self._position
        if not data and self.size is not None:
            raise ConnectionError("the host hung up in the middle of the file")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Nothing is asked of the host before something is read."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._wanted, os.SEEK_END: self.size or 0}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start")
        self._wanted = base + offset
        return self._wanted

    def tell(self) -> int:
        return self._wanted

    def _go_to_wanted(self) -> None:
        wanted = self._wanted
        if self._web is not None and 0 < wanted - self._position <= _SKIP_BYTES:
            while self._position < wanted:
                self._wanted = self._position
                if not self.read(min(_CHUNK_BYTES, wanted - self._position)):
                    break
            self._wanted = self._position
        else:
            self._reopen(wanted)

    def _reopen(self, start: int) -> None:
        self.close()
        self._pending, self._position = b"", start
        if self.size is not None and start >= self.size:
            return
        self._web = self._fetch(start)
        if start and self._web.response.status != 206:
            raise io.UnsupportedOperation("the host does not give parts of the file")

    def close(self) -> None:
        if self._web is not None:
            self._web.close()
            self._web = None
