"""An RTSP camera for tests, on 127.0.0.1: just enough of RTSP/1.0 over TCP to serve H.264 or HEVC, with faults.

It plays a short looped scene, may ask for a user and password, and after `num_frames` pictures does what `ending`
says: go on for ever ("loop"), fall silent ("stall"), fall silent for a while and go on ("pause"), hang up ("close"), or
send a byte now and then ("dribble"). `freeze` stops it as SIGSTOP stops a process: the system still accepts connections
for it, and nothing is answered; `thaw` lets it go on. A second server on the same `port` is the camera after a restart.
"""

import base64
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType
from typing import Literal

import av
import numpy as np

__all__ = ["RtspServer", "encode_pictures"]

Ending = Literal["loop", "stall", "pause", "close", "dribble"]
Codec = Literal["h264", "hevc"]


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
        port: int = 0,
        codec: Codec = "h264",
        num_pictures: int = 10,
        sdp: str | None = None,
        has_parameter_sets: bool = True,
        redirect_to: str | None = None,
        pictures: list[list[bytes]] | None = None,
        on_sent: Callable[[int], None] = lambda index: None,
    ):
        """num_pictures: of the looped scene, the first of which is its only key picture. sdp: what DESCRIBE says in
        place of the truth. has_parameter_sets: False leaves out what a decoder needs to know beforehand.
        redirect_to: answer every request with this other address. pictures: the scene itself, each picture as its units
        of H.264. on_sent: told the place in the scene of each picture, just before it is sent."""
        self.num_clients_served = self.num_connections = 0
        self.credentials_seen: list[tuple[str, str]] = []
        self._ending, self._num_frames, self._fps, self._pause_s = ending, num_frames, fps, pause_s
        self.credentials = credentials
        """May be changed while it runs: the next client has to know it."""
        self._codec, self._described, self._redirect_to = codec, sdp, redirect_to
        self._on_sent = on_sent
        self._pictures = pictures or encode_pictures(_grey_pictures(*size, num_pictures), codec)
        if not has_parameter_sets:
            self._pictures = [[unit for unit in units if unit[0] & 31 not in (7, 8)] for units in self._pictures]
        self._stop = threading.Event()
        self._may_run = threading.Event()
        self._may_run.set()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
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

    def freeze(self) -> None:
        self._may_run.clear()

    def thaw(self) -> None:
        self._may_run.set()

    def hang_up(self) -> None:
        """Disconnect every client and accept no more."""
        self._stop.set()
        self._may_run.set()
        self.drop_clients()

    def drop_clients(self) -> None:
        """Disconnect every client; they may come back."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # it may have left already
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="rtsp-server", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            self._may_run.wait()
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._may_run.wait()
            self.num_connections += 1
            connection.settimeout(10)
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as lines:
                while not self._stop.is_set():
                    request = _read_request(lines)
                    self._may_run.wait()
                    if request is None or not self._answer(connection, *request):
                        break
        except OSError:
            pass  # the client has left, as clients do
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _answer(self, connection: socket.socket, method: str, url: str, headers: dict[str, str]) -> bool:
        """Reply to one request; False when the conversation is over."""
        sequence = headers.get("cseq", "0")
        if self._redirect_to is not None:
            _reply(connection, sequence, "302 Found", f"Location: {self._redirect_to}")
            return False
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
        if self.credentials is None:
            return True
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        user, _, password = base64.b64decode(value).decode().partition(":")
        self.credentials_seen.append((user, password))
        return (user, password) == self.credentials

    def _sdp(self) -> str:
        if self._described is not None:
            return self._described
        head = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
        if self._codec == "hevc":
            return head + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:track1\r\n"
        sets = ",".join(base64.b64encode(unit).decode() for unit in self._pictures[0] if unit[0] & 31 in (7, 8))
        return (
            f"{head}m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:track1\r\n"
        )

    def _play(self, connection: socket.socket) -> bool:
        """Send pictures until the script, the client or the test ends. False: hang up."""
        sequence = index = 0
        while not self._stop.is_set():
            self._may_run.wait()
            if index == self._num_frames and self._ending == "dribble":
                while not self._stop.wait(0.2):
                    connection.sendall(b"$")
                return False
            if index == self._num_frames and self._ending == "close":
                connection.shutdown(socket.SHUT_RDWR)
                return False
            if index == self._num_frames and self._ending == "stall":
                self._stop.wait()
                return False
            if index == self._num_frames and self._ending == "pause":
                self._stop.wait(self._pause_s)
            units = self._pictures[index % len(self._pictures)]
            self._on_sent(index % len(self._pictures))
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


def _grey_pictures(width: int, height: int, count: int) -> list[np.ndarray]:
    return [np.full((height, width, 3), 30 + 200 * index // count, dtype=np.uint8) for index in range(count)]


def encode_pictures(images: list[np.ndarray], codec: Codec = "h264", **options: str) -> list[list[bytes]]:
    """images: uint8 [H, W, 3] RGB. Out: each as its units of H.264 or HEVC; the first alone is a key picture."""
    encoder = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[codec], "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.height, encoder.width, encoder.pix_fmt = *images[0].shape[:2], "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1", "g": str(len(images))} | options
    if codec == "hevc":
        encoder.options |= {"x265-params": "log-level=none:pools=none:repeat-headers=1"}
    packets = []
    for index, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [[unit for unit in re.split(rb"\x00\x00\x00?\x01", bytes(packet)) if unit] for packet in packets]
