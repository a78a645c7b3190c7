"""An RTSP camera for tests, on 127.0.0.1: just enough of RTSP/1.0 over TCP to serve H.264, with faults on request.

It plays a short looped scene, may ask for a user and password, and after `num_frames` pictures does what `ending`
says: go on for ever ("loop"), fall silent ("stall"), fall silent for a while and go on ("pause"), or hang up ("close").
"""

import base64
import contextlib
import re
import socket
import struct
import threading
from fractions import Fraction
from types import TracebackType
from typing import Literal

import av
import numpy as np

__all__ = ["RtspServer"]

Ending = Literal["loop", "stall", "pause", "close"]


class RtspServer:
    """Use as a context manager; `url` is what a client opens. One thread accepts, one more serves each client."""

    def __init__(
        self,
        *,
        ending: Ending = "loop",
        num_frames: int = 10,
        fps: int = 50,
        credentials: tuple[str, str] | None = None,
        size: tuple[int, int] = (64, 48),
        pause_s: float = 1.5,
    ):
        self.num_clients_served = 0
        self.credentials_seen: list[tuple[str, str]] = []
        self._ending, self._num_frames, self._fps, self._pause_s = ending, num_frames, fps, pause_s
        self._credentials = credentials
        self._pictures = _encode(*size)
        self._stop = threading.Event()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/camera"

    def __enter__(self) -> "RtspServer":
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def hang_up(self) -> None:
        """Disconnect every client and accept no more."""
        self._stop.set()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # it may have left already
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="rtsp-server", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(10)
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as lines:
                while not self._stop.is_set():
                    request = _read_request(lines)
                    if request is None or not self._answer(connection, *request):
                        break
        except OSError:
            pass  # the client has left, as clients do

    def _answer(self, connection: socket.socket, method: str, url: str, headers: dict[str, str]) -> bool:
        """Reply to one request; False when the conversation is over."""
        sequence = headers.get("cseq", "0")
        if method != "OPTIONS" and not self._is_authorized(headers):
            _reply(connection, sequence, "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"')
            return True
        if method == "OPTIONS":
            _reply(connection, sequence, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE" and not url.rstrip("/").endswith("camera"):
            _reply(connection, sequence, "404 Not Found")
        elif method == "DESCRIBE":
            _reply(connection, sequence, "200 OK", "Content-Type: application/sdp", body=self._sdp())
        elif method == "SETUP":
            _reply(
                connection,
                sequence,
                "200 OK",
                "Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
                "Session: 1;timeout=60",
            )
        elif method == "PLAY":
            _reply(connection, sequence, "200 OK", "Session: 1")
            self.num_clients_served += 1
            return self._play(connection)
        else:
            _reply(connection, sequence, "200 OK", "Session: 1")
        return method != "TEARDOWN"

    def _is_authorized(self, headers: dict[str, str]) -> bool:
        if self._credentials is None:
            return True
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        user, _, password = base64.b64decode(value).decode().partition(":")
        self.credentials_seen.append((user, password))
        return (user, password) == self._credentials

    def _sdp(self) -> str:
        first = self._pictures[0]
        sets = ",".join(base64.b64encode(unit).decode() for unit in first if unit[0] & 31 in (7, 8))
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:track1\r\n"
        )

    def _play(self, connection: socket.socket) -> bool:
        """Send pictures until the script, the client or the test ends. False: hang up."""
        sequence = index = 0
        while not self._stop.is_set():
            if index == self._num_frames and self._ending == "close":
                connection.shutdown(socket.SHUT_RDWR)
                return False
            if index == self._num_frames and self._ending == "stall":
                self._stop.wait()
                return False
            if index == self._num_frames and self._ending == "pause":
                self._stop.wait(self._pause_s)
            units = self._pictures[index % len(self._pictures)]
            for position, unit in enumerate(units):
                marker = 0x80 if position == len(units) - 1 else 0
                timestamp = index * 90_000 // self._fps
                header = struct.pack(">BBHII", 0x80, 96 | marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7)
                packet = header + unit
                connection.sendall(b"$\x00" + struct.pack(">H", len(packet)) + packet)
                sequence += 1
            index += 1
            self._stop.wait(1 / self._fps)
        return False


def _read_request(lines: object) -> tuple[str, str, dict[str, str]] | None:
    first = lines.readline().decode("latin-1").strip()  # type: ignore[attr-defined]
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := lines.readline().decode("latin-1").strip():  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    method, url, _ = first.split(" ", 2)
    return method, url, headers


def _reply(connection: socket.socket, sequence: str, status: str, *headers: str, body: str = "") -> None:
    lines = [f"RTSP/1.0 {status}", f"CSeq: {sequence}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1"))


def _encode(width: int, height: int) -> list[list[bytes]]:
    """Ten pictures, a key picture first, each as its H.264 units."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
    packets = []
    for index in range(10):
        image = np.full((height, width, 3), 30 + 20 * index, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [[unit for unit in re.split(rb"\x00\x00\x00?\x01", bytes(packet)) if unit] for packet in packets]
