"""An HTTP camera and file server for tests, on 127.0.0.1.

    /file/NAME      a file of the folder, with its length and byte ranges
    /stream/NAME    the same bytes without a length, as a live encoder sends them, then as `ending` says
    /mjpeg          a camera's endless JPEG pictures (multipart/x-mixed-replace); /bare-mjpeg tells no lengths
    /401, /403, /404, /500, /text, /silent (accepts and never answers), /dribble (answers byte by byte)
    /redirect/NAME (to /file/NAME), /away (to `redirect_to`)
With `credentials`, everything but /text asks for user and password.
"""

import base64
import hashlib
import re
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal

__all__ = ["HttpServer"]

Ending = Literal["end", "stall", "pause", "cut"]


class HttpServer:
    """Use as a context manager; `url("file/clip.mp4")` is what a client opens."""

    def __init__(
        self,
        folder: Path,
        *,
        ending: Ending = "end",
        fraction: float = 1.0,
        pause_s: float = 1.5,
        credentials: tuple[str, str] | None = None,
        jpeg: bytes = b"",
        challenge: Literal["Basic", "Digest"] = "Basic",
        redirect_to: str = "",
        tls: ssl.SSLContext | None = None,
    ):
        """ending: what happens after `fraction` of the bytes of a stream: it is over, falls silent, falls silent for
        `pause_s` and goes on, or (a file with a length) is cut off. jpeg: the picture of /mjpeg. challenge: how
        `credentials` are asked for. tls: it speaks https."""
        self.folder, self.ending, self.fraction, self.pause_s = folder, ending, fraction, pause_s
        self.credentials, self.jpeg, self.challenge, self.redirect_to = credentials, jpeg, challenge, redirect_to
        self.paths_asked: list[str] = []
        self.stop = threading.Event()
        server = self

        class Handler(_Handler):
            shared = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:  # the handshake is made by the thread of each client, not by the one that accepts
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="http-server", daemon=True
        )

    def url(self, path: str, userinfo: str = "") -> str:
        return f"{self._scheme}://{userinfo}{'@' if userinfo else ''}127.0.0.1:{self.port}/{path}"

    def __enter__(self) -> "HttpServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    shared: HttpServer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.close_connection = True
        self.shared.paths_asked.append(self.path)
        kind, _, name = self.path.lstrip("/").partition("/")
        try:
            if self.shared.credentials is not None and kind != "text" and not self._is_authorized():
                parameters = ', nonce="n0nce", qop="auth", algorithm=MD5' if self.shared.challenge == "Digest" else ""
                self._status(401, ("WWW-Authenticate", f'{self.shared.challenge} realm="camera"{parameters}'))
            elif kind in ("401", "403", "404", "500"):
                self._status(int(kind))
            elif kind == "redirect":
                self._status(302, ("Location", f"/file/{name}"))
            elif kind == "away":
                self._status(302, ("Location", self.shared.redirect_to))
            elif kind == "dribble":
                while not self.shared.stop.wait(0.1):
                    self.wfile.write(b"H")
            elif kind == "silent":
                self.shared.stop.wait(30)
            elif kind == "text":
                self._status(200, ("Content-Type", "text/html"), body=b"<html>Welcome to the camera</html>" * 50)
            elif kind in ("mjpeg", "bare-mjpeg"):
                self._send_pictures(has_lengths=kind == "mjpeg")
            elif not (self.shared.folder / name).is_file():
                self._status(404)
            else:
                self._send((self.shared.folder / name).read_bytes(), has_length=kind == "file")
        except OSError:
            pass  # the client has left, as clients do

    def _is_authorized(self) -> bool:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        wanted = ":".join(self.shared.credentials or ())
        if self.shared.challenge == "Digest":
            return kind.lower() == "digest" and self._is_digest_right(value)
        return kind.lower() == "basic" and base64.b64decode(value).decode() == wanted

    def _is_digest_right(self, value: str) -> bool:
        user, password = self.shared.credentials or ("", "")
        said = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', value)}

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        middle = ":".join(said[name] for name in ("nonce", "nc", "cnonce", "qop"))
        return said["response"] == md5(f"{md5(f'{user}:camera:{password}')}:{middle}:{md5('GET:' + self.path)}")

    def _status(self, status: int, *headers: tuple[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, data: bytes, *, has_length: bool) -> None:
        start = 0
        range_asked = self.headers.get("Range", "")
        if has_length and range_asked.startswith("bytes="):
            start = int(range_asked[6:].split("-")[0] or 0)
        self.send_response(206 if start else 200)
        if self.path.endswith(".m3u8"):
            self.send_header("Content-Type", "application/vnd.apple.mpegurl")
        if has_length:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        shared = self.shared
        stop_at = max(start, int(len(data) * shared.fraction))
        self.wfile.write(data[start:stop_at])
        self.wfile.flush()
        if shared.ending == "stall":
            shared.stop.wait(60)
        elif shared.ending == "pause":
            shared.stop.wait(shared.pause_s)
            self.wfile.write(data[stop_at:])
        elif shared.ending == "end":
            self.wfile.write(data[stop_at:])
        self.connection.shutdown(socket.SHUT_WR)

    def _send_pictures(self, *, has_lengths: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=picture")
        self.end_headers()
        num_sent = 0
        while not self.shared.stop.wait(0.02):
            length = f"Content-Length: {len(self.shared.jpeg)}\r\n" if has_lengths else ""
            head = f"--picture\r\nContent-Type: image/jpeg\r\n{length}\r\n"
            self.wfile.write(head.encode() + self.shared.jpeg + b"\r\n")
            num_sent += 1
            if num_sent >= 10 and self.shared.ending == "stall":
                self.shared.stop.wait(60)
            if num_sent >= 10 and self.shared.ending == "cut":
                return
