"""A page server of fakes: the real hub, connection and routes, with scripted sources, encoders and LMMs."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from starlette.testclient import WebSocketTestSession

from app import loading
from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.keeping import KeepConfig
from app.loading import make_source
from app.perceiving import PerceiveConfig
from app.session import Session
from app.web import connection
from app.web.application import make_application
from app.web.cameras import Cameras
from app.web.guard import Guard
from app.web.hearing import Hearing
from app.web.hub import Hub
from app.web.packets import Packet, PacketKind, pack, unpack
from app.web.recordings import Recordings
from app.web.warming import WarmUp
from tests.fakes import FakeClock, FakeEncoder, FakeLMM, FakeRecogniser, FakeSource, FakeSpeaker
from vision.sources import OWNER, Source, SourceAccess, SourceConfig, open_source

HOST = "127.0.0.1:7860"
MAX_MESSAGES = 20_000


def make_jpeg(value: int = 90, width_px: int = 64, height_px: int = 48, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height_px, width_px, 3), value, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


class Page:
    """One open page, as the browser's side of the WebSocket. Pictures are acknowledged when `acknowledges` is set."""

    def __init__(self, client: TestClient, key: str | None = None) -> None:
        self.hello: dict[str, Any] = {}
        self.pictures: list[bytes] = []
        self.spoken: list[tuple[int, bytes]] = []  # number and PCM of every block of speech
        self.acknowledges = True
        self._client, self._key = client, key

    def socket(self) -> WebSocketTestSession:
        origin = {"origin": f"http://{HOST}"}
        return self._client.websocket_connect(f"ws://{HOST}/afterglow/socket", headers=origin)

    def __enter__(self) -> Self:
        self._socket = self.socket()
        self._socket.__enter__()
        self.send("hello", key=self._key)
        self.hello = self.until("hello")
        return self

    def __exit__(self, *error: Any) -> None:
        self._socket.__exit__(*error)

    def send(self, kind: str, /, **facts: Any) -> None:
        self._socket.send_text(json.dumps({"type": kind, **facts}))

    def send_bytes(self, data: bytes, kind: PacketKind = PacketKind.PICTURE, number: int = 0) -> None:
        self._socket.send_bytes(pack(kind, data, number))

    def until(self, kind: str, /, **facts: Any) -> dict[str, Any]:
        """Reads until a message of that kind and with those facts came."""
        return next(message for message in self.messages() if matches(message, kind, facts))

    def up_to(self, kind: str, /, **facts: Any) -> list[dict[str, Any]]:
        """All messages up to that one, statuses left out."""
        found = []
        for message in self.messages():
            if message["type"] != "status" or kind == "status":
                found.append(message)
            if matches(message, kind, facts):
                return found
        raise AssertionError

    def messages(self) -> Iterator[dict[str, Any]]:
        for _ in range(MAX_MESSAGES):
            packet = self._socket.receive()
            assert packet["type"] == "websocket.send", packet
            if packet.get("bytes") is not None:
                self._take(unpack(packet["bytes"]))
            else:
                yield json.loads(packet["text"])
        raise AssertionError("the message did not come")

    def _take(self, packet: Packet | None) -> None:
        assert packet is not None
        if packet.kind is PacketKind.SPEECH:
            self.spoken.append((packet.number, packet.payload))
            return
        self.pictures.append(packet.payload)
        if self.acknowledges:
            self.send("ack")

    def watch(self, spec: str = "clip") -> dict[str, Any]:
        """Starts a source and waits until it runs or is over."""
        self.send("start", kind="named", spec=spec)
        return self.status("running", "ended")

    def status(self, *states: str) -> dict[str, Any]:
        return next(m for m in self.messages() if m["type"] == "status" and m["state"] in states)


def matches(message: dict[str, Any], kind: str, facts: dict[str, Any]) -> bool:
    return message["type"] == kind and all(message.get(name) == value for name, value in facts.items())


@dataclass
class Server:
    """What a test may set before the first page opens."""

    client: TestClient
    hub: Hub
    sources: dict[str, Callable[[], FakeSource]]
    clock: FakeClock
    recordings: Recordings
    lmms: list[FakeLMM] = field(default_factory=list)

    def page(self, key: str | None = None) -> Page:
        return Page(self.client, key)


@pytest.fixture
def start_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """start_server(sources=..., make_lmm=..., warm_up=..., cameras=...)"""
    opened: list[TestClient] = []
    monkeypatch.setattr(connection, "_TICK_S", 0.004)
    monkeypatch.setattr(connection, "_STATUS_S", 0.02)

    def start(
        sources: dict[str, Callable[[], FakeSource]] | None = None,
        make_lmm: Callable[[], FakeLMM] = FakeLMM,
        make_encoder: Callable[[], FakeEncoder] = FakeEncoder,
        warm_up: WarmUp | None = None,
        recogniser: FakeRecogniser | None = None,
        speaker: Callable[[str], FakeSpeaker] = lambda name: FakeSpeaker(),
        cameras: dict[str, AssistantConfig] | None = None,
        access: SourceAccess = OWNER,
        client_host: str = "127.0.0.1",
        keep: KeepConfig | None = None,
        data: Path = Path("no recordings here"),
        now_s: Callable[[], float] = time.time,
    ) -> Server:
        known = sources or {}

        def open_known(spec: str, config: SourceConfig, access: SourceAccess = OWNER) -> Source:
            """What the test has no fake for is opened as it is."""
            return known[spec]() if spec in known else open_source(spec, config, access=access)

        monkeypatch.setattr("app.web.choices.open_source", open_known)
        monkeypatch.setattr(
            "app.loading.make_source", lambda config: known[config.source]() if known else make_source(config)
        )

        def make_session(config: AssistantConfig, source: Source) -> Session:
            def lmm() -> FakeLMM:
                lmms.append(make_lmm())
                return lmms[-1]

            return Session(
                config,
                source=source,
                encoder=make_encoder if warm_up is None else warm_up.encoder,
                lmm=lmm,
                speaker=speaker,
                memory=lambda encoder: loading.make_memory(config, encoder),
            )

        lmms: list[FakeLMM] = []
        clock = FakeClock()
        capture = CaptureConfig(reading=SourceConfig(speed="max"))  # files lose no frame
        config = AssistantConfig(capture=capture, perceive=PerceiveConfig(fps=10.0), keep=keep)
        hub = Hub(
            config,
            make_session,
            warm_up=warm_up,
            access=access,
            clock=clock,
            hearing=Hearing(lambda: recogniser or FakeRecogniser([])),
        )
        recordings = Recordings(data, make_lmm, now_s=now_s)
        client = TestClient(
            Guard(make_application(hub, Cameras(cameras or {}, hub.make_camera, clock=clock), recordings)),
            base_url=f"http://{HOST}",
            client=(client_host, 50_000),
        )
        client.__enter__()
        opened.append(client)
        server = Server(client, hub, known, clock, recordings, lmms)
        return server

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until the test, or its end, opens it."""
    event = threading.Event()
    yield event
    event.set()
