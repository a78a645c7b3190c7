"""A connection to a web server that goes to the address which was checked, and never waits past its deadline.

In: an address, the IP addresses that may be used for it, and a `Deadline`. Out: what http.client needs of a connection.
A plain time-out would start anew with every byte that comes. Reading thread only.
"""

import http.client
import io
import socket
import time
from typing import Any

from vision.sources.address import SplitAddress
from vision.sources.tls import TlsRules

__all__ = ["Deadline", "PinnedConnection"]


class Deadline:
    """Monotonic time by which what is being read must have come. Moved on by whoever reads."""

    def __init__(self, duration_s: float):
        self.at_s = time.monotonic() + duration_s

    def within(self, duration_s: float) -> None:
        self.at_s = time.monotonic() + duration_s

    def remaining_s(self) -> float:
        """Raises TimeoutError when it is over."""
        remaining_s = self.at_s - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("the deadline has passed")
        return remaining_s


class PinnedConnection(http.client.HTTPConnection):
    """Connects to one of the addresses that were checked, whatever the name means a moment later."""

    def __init__(self, address: SplitAddress, ip_addresses: list[str], deadline: Deadline):
        super().__init__(address.host, address.port)
        self.default_port = 443 if address.scheme == "https" else 80  # left out of the Host line
        self._plain: socket.socket | None = None
        self._address, self._ip_addresses, self._deadline = address, ip_addresses, deadline

    def connect_with(self, tls: TlsRules) -> None:
        plain = self._connect()
        try:
            if self._address.scheme == "https":
                plain = tls.context().wrap_socket(plain, server_hostname=self._address.host)
        except BaseException:
            plain.close()
            raise
        self._plain = plain
        self.sock: Any = _TimedSocket(plain, self._deadline)

    def hang_up(self) -> None:
        if self._plain is not None:
            self._plain.close()

    def _connect(self) -> socket.socket:
        for position, ip_address in enumerate(self._ip_addresses):
            remaining_s = self._deadline.remaining_s()
            try:
                connected = socket.create_connection((ip_address, self._address.port), timeout=remaining_s)
                connected.settimeout(self._deadline.remaining_s())
                return connected
            except OSError:
                if position == len(self._ip_addresses) - 1:
                    raise
        raise ConnectionRefusedError("no address")


class _TimedSocket:
    """What http.client uses of a socket, with the deadline instead of a time-out that every byte starts anew."""

    def __init__(self, plain: socket.socket, deadline: Deadline):
        self._plain, self._deadline = plain, deadline

    def sendall(self, data: bytes) -> None:
        self._plain.settimeout(self._deadline.remaining_s())
        self._plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._plain, self._deadline), 65_536)

    def close(self) -> None:
        """http.client calls this before the body is read, which still needs the socket. `hang_up` closes it."""


class _TimedReader(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: Deadline):
        self._plain, self._deadline = plain, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(min(self._deadline.remaining_s(), 60.0))
        return self._plain.recv_into(buffer)
