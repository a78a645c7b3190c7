"""A password is planted in a camera's address; then everything that comes out is searched for it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest

from app.capturing import CaptureConfig
from app.cli import main
from app.config import AssistantConfig
from app.perceiving import PerceiveConfig
from tests.app.recording.parts import GridEncoder, keep_config, wait_for
from tests.app.web.conftest import Page, Server
from tests.fakes import FakeLMM
from tests.rtsp_server import RtspServer
from vision.sources import ConnectionConfig, SourceConfig

StartServer = Callable[..., Server]
USER = "planted-user"
PASSWORDS = ["plantedsecret", "planted@se#cr:et/50% x", "planted%40secret", "pl\u00e4nted+secret&?"]


def spellings(password: str) -> set[str]:
    """As typed, and as the layers below may write it."""
    return {
        password,
        quote(password, safe=""),
        quote(password),
        quote_plus(password),
        unquote(password),
        repr(password)[1:-1],
    }


def search(name: str, told: str | bytes, password: str) -> None:
    data = told.encode() if isinstance(told, str) else told
    for text in {USER, *spellings(password)}:
        assert text.encode() not in data, f"{name} tells {text!r}"


def address(camera: RtspServer, password: str, path: str = "camera") -> str:
    return f"rtsp://{USER}:{password}@127.0.0.1:{camera.port}/{path}"


def drained(page: Page, *states: str) -> str:
    """All that the page was told until its source is in one of these states."""
    told = []
    for message in page.messages():
        told.append(str(message))
        if message["type"] == "status" and message["state"] in states:
            return "\n".join(told)
    raise AssertionError


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_camera_that_answers_tells_its_password_to_nobody(
    start_server: StartServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    caplog.set_level(logging.DEBUG)
    data = tmp_path / "data"
    with RtspServer(credentials=(USER, unquote(password) if "%40" in password else password), fps=10) as camera:
        config = AssistantConfig(
            source=address(camera, password), perceive=PerceiveConfig(fps=10.0), keep=keep_config(data, name="door")
        )
        server = start_server(make_encoder=GridEncoder, make_lmm=FakeLMM, cameras={"door": config}, data=data)
        client = server.client

        def status() -> Any:
            return client.get("/v1/status").json()["cameras"]["door"]

        wait_for(lambda: status()["frames"]["encoded"] > 5, 30.0)
        with server.page() as page:
            search("the page", drained(page, "running"), password)
            page.send("start", kind="named", spec=address(camera, password))
            search("the page", drained(page, "running"), password)
            page.send("ask", text=f"What is at {address(camera, 'x')}?")
            search("the page", "\n".join(map(str, page.up_to("answer")[1:])), password)
        for path in ("/v1/status", "/metrics", "/healthz", "/v1/clips?source=door", "/"):
            reply = client.get(path)
            search(path, reply.text + str(reply.headers), password)
        search("ask", client.post("/v1/ask", json={"question": "What is there?", "source": "door"}).text, password)
        camera.credentials = ("someone", "else")
        camera.hang_up()
        wait_for(lambda: status()["connection"]["state"] in ("refused", "backing_off"), 30.0)
        search("the status", str(status()), password)
    client.__exit__(None, None, None)  # all is saved
    client.__enter__()
    export = tmp_path / "export"
    main(["export", "--name", "door", "--data", str(data), "--frame", "0", "--folder", str(export)])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"memory", "clock.json"} <= {path.name for path in files}
    for path in files:
        search(str(path), path.read_bytes() + str(path).encode(), password)
    search("the log", "\n".join(f"{one.getMessage()} {one.exc_text}" for one in caplog.records), password)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_camera_that_refuses_tells_its_password_to_nobody(
    start_server: StartServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with RtspServer(credentials=("other", "password")) as camera:
        quick = SourceConfig(connection=ConnectionConfig(waits_for_first=True), open_timeout_s=2.0)
        sources = {
            "refused": address(camera, password),
            "away": f"rtsp://{USER}:{password}@127.0.0.1:1/camera",
            "query": f"http://127.0.0.1:1/video?user={USER}&password={quote(password, safe='')}",
        }
        cameras = {
            name: AssistantConfig(source=source, capture=CaptureConfig(reading=quick))
            for name, source in sources.items()
        }
        server = start_server(make_encoder=GridEncoder, cameras=cameras)

        def all_tried() -> bool:
            told = server.client.get("/v1/status").json()["cameras"]
            return all(one["connection"] and one["connection"]["message"] for one in told.values())

        wait_for(all_tried, 30.0)
        for path in ("/v1/status", "/metrics", "/healthz"):
            search(path, server.client.get(path).text, password)
        for name in cameras:
            reply = server.client.post("/v1/ask", json={"question": "What is there?", "source": name})
            search("ask", reply.text, password)
        with server.page() as page:
            for source in (*sources.values(), f"ftp://{USER}:{password}@host/", f"rtsp://{USER}:{password}@ho st/"):
                page.send("start", kind="named", spec=source)
                told = next(
                    str(one) for one in page.messages() if one["type"] == "problem" or one.get("state") == "failed"
                )
                search("the page", told, password)
    search("the log", "\n".join(f"{one.getMessage()} {one.exc_text}" for one in caplog.records), password)
    search("the terminal", "".join(capsys.readouterr()), password)
