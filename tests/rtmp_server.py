"""An RTMP camera for tests, on 127.0.0.1: just enough to be watched by one client after the other.

It sends the pictures of a short H.264 clip, then hangs up. What the client asks for is not read closely.
"""

import contextlib
import io
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from types import TracebackType

import av
import numpy as np

__all__ = ["RtmpServer"]

_CHUNK_BYTES = 60_000
_HANDSHAKE_BYTES = 1536


class RtmpServer:
    """Use as a context manager; `url` is what a client opens."""

    def __init__(self, *, num_frames: int = 20, fps: int = 50, tls: ssl.SSLContext | None = None):
        """tls: it speaks rtmps."""
        self.num_clients_served = 0
        self._tags = list(_flv_tags(_make_flv(num_frames)))
        self._fps, self._tls = fps, tls
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.url = f"{'rtmp' if tls is None else 'rtmps'}://127.0.0.1:{self._listener.getsockname()[1]}/live/camera"
        self._thread = threading.Thread(target=self._accept, name="rtmp-server", daemon=True)

    def __enter__(self) -> "RtmpServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection, contextlib.suppress(OSError):  # the client may leave, as clients do
                connection.settimeout(2.0)
                if self._tls is None:
                    self._serve(connection)
                else:
                    with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                        self._serve(wrapped)

    def _serve(self, connection: socket.socket) -> None:
        hello = _receive(connection, 1 + _HANDSHAKE_BYTES)
        connection.sendall(b"\x03" + bytes(_HANDSHAKE_BYTES) + hello[1:])
        _receive(connection, _HANDSHAKE_BYTES)
        connection.sendall(_message(1, struct.pack(">I", _CHUNK_BYTES)))
        heard = b""
        for word, answer in (
            (b"connect", ("_result", 1.0, {}, {"level": "status", "code": "NetConnection.Connect.Success"})),
            (b"createStream", ("_result", 2.0, None, 1.0)),
            (b"play", ("onStatus", 0.0, None, {"level": "status", "code": "NetStream.Play.Start"})),
        ):
            while word not in heard:
                more = connection.recv(4096)
                if not more:
                    return
                heard += more
            connection.sendall(_message(20, b"".join(_amf(value) for value in answer)))
        self.num_clients_served += 1
        for kind, time_ms, body in self._tags:
            if self._stop.is_set():
                return
            connection.sendall(_message(kind, body, time_ms))
            time.sleep(1 / self._fps)


def _receive(connection: socket.socket, num_bytes: int) -> bytes:
    data = b""
    while len(data) < num_bytes:
        more = connection.recv(num_bytes - len(data))
        if not more:
            raise ConnectionError("the client hung up")
        data += more
    return data


def _message(kind: int, body: bytes, time_ms: int = 0) -> bytes:
    assert len(body) <= _CHUNK_BYTES
    head = b"\x03" + time_ms.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes((kind,))
    return head + struct.pack("<I", 1 if kind in (8, 9, 18) else 0) + body


def _amf(value: object) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, float):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, dict):
        fields = b"".join(struct.pack(">H", len(name)) + name.encode() + _amf(field) for name, field in value.items())
        return b"\x03" + fields + b"\x00\x00\x09"
    assert isinstance(value, str)
    return b"\x02" + struct.pack(">H", len(value)) + value.encode()


def _make_flv(num_frames: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="flv") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1", "g": "5"}
        for index in range(num_frames):
            image = np.full((48, 64, 3), 30 + 8 * (index % 25), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _flv_tags(flv: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, time in ms, body) of each tag."""
    position = 13
    while position < len(flv):
        size = int.from_bytes(flv[position + 1 : position + 4], "big")
        time_ms = int.from_bytes(flv[position + 4 : position + 7], "big")
        yield flv[position], time_ms, flv[position + 11 : position + 11 + size]
        position += 11 + size + 4
