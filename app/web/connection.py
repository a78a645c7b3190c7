"""One WebSocket of one page: everything live goes through it, in both directions.

Comes in: JSON messages (hello, start, stop, ask, cancel, ack, and those that desk.py takes) and JPEG pictures of the
browser's camera. Goes out: JSON messages (hello, status, asked, piece, answer, failed, erased, problem, frame_ack, and
the desk's) and live pictures. A picture is sent only when the last one was acknowledged, in either direction, so that
nothing piles up. Lives on the page's event loop.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Coroutine
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import __version__
from app.errors import AfterglowError
from app.web.choices import Choice, read_choice
from app.web.desk import PageDesk, is_from_here
from app.web.hub import Hub, PageLimitError
from app.web.packets import Packet, PacketKind, pack, unpack
from app.web.page_session import PageSession
from app.web.page_state import status_message
from app.web.pictures import DEFAULT_SIDE_PX
from app.web.voice_wishes import VOICE_WISHES, obey_voice
from app.web.watching import Watch, sentence_of
from vision import VisionError

__all__ = ["Connection"]

_TICK_S = 0.04
_STATUS_S = 0.5
_LOOK_S = 0.008  # between two looks for a new picture
_HELLO_TIMEOUT_S = 10.0
_NOT_UNDERSTOOD = "The page sent something that is not understood. Load it again."


class Connection:
    """`serve` returns when the page has gone."""

    def __init__(self, hub: Hub, socket: WebSocket) -> None:
        self._hub, self._socket = hub, socket
        self._page: PageSession | None = None
        self._sending = asyncio.Lock()
        self._told: dict[int, int] = {}  # exchange number -> pieces told; gone when its end was told
        self._may_send_picture = asyncio.Event()  # the last one was acknowledged
        self._may_send_picture.set()
        self._side_px = DEFAULT_SIDE_PX
        self._shown: tuple[Watch, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        await self._socket.accept()
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):  # the page has gone
            page = await self._greet()
            if page is not None:
                await self._serve_page(page)

    async def _greet(self) -> PageSession | None:
        message = _read(await asyncio.wait_for(self._socket.receive(), _HELLO_TIMEOUT_S))
        if message.get("type") != "hello":
            await self._socket.close(1002)
            return None
        key = message.get("key")
        try:
            page = self._hub.connect(key if isinstance(key, str) else None)
        except PageLimitError as error:
            await self._problem(str(error), "page")
            await self._socket.close(1013)
            return None
        self._page = page
        self._desk = PageDesk(self._hub, page, is_local=is_from_here(self._socket.scope))
        return page

    async def _serve_page(self, page: PageSession) -> None:
        try:
            async with anyio.create_task_group() as both:
                both.start_soon(self._tell, page, both.cancel_scope)
                await self._listen(page)
                both.cancel_scope.cancel()
        finally:
            self._hub.disconnect(page)

    # From the page

    async def _listen(self, page: PageSession) -> None:
        while True:
            packet = await self._socket.receive()
            if packet["type"] == "websocket.disconnect":
                return
            data = packet.get("bytes")
            if data is not None:
                await self._take_packet(page, unpack(data))
            else:
                await self._obey(page, _read(packet))

    async def _take_packet(self, page: PageSession, packet: Packet | None) -> None:
        if packet is not None and packet.kind is PacketKind.PICTURE:
            await self._take_picture(page, packet.payload)
        elif packet is not None and packet.kind is PacketKind.VOICE:
            page.listening.add(packet.number, packet.payload)
        else:
            await self._problem(_NOT_UNDERSTOOD, "page")

    async def _take_picture(self, page: PageSession, jpeg: bytes) -> None:
        try:
            if page.watch is not None:
                page.watch.push(jpeg)
        except VisionError as error:
            await self._problem(str(error), "source")
        await self._send({"type": "frame_ack"})

    async def _obey(self, page: PageSession, message: dict[str, Any]) -> None:
        kind = message.get("type")
        kind = kind if isinstance(kind, str) else ""
        try:
            if kind == "ack":
                self._acknowledge(message.get("side_px"))
            elif kind == "ask":
                exchange = page.ask(message.get("text"))  # type: ignore[arg-type]  # checked there
                await self._send(exchange.opening())
                self._told[exchange.number] = 0  # from here on its news are told
            elif kind == "cancel":
                page.cancel()
            elif kind == "start":
                self._start(page, read_choice(message.get("kind"), message.get("spec")))
                await asyncio.sleep(0)  # it begins before what the page sends next: a question may follow at once
            elif kind == "join":
                await page.look_on(self._hub.shared(message.get("camera")))
            elif kind == "stop":
                await page.stop()
            elif isinstance(kind, str) and kind in VOICE_WISHES:
                obey_voice(page, message)
                if kind == "silence":  # a page that hears this has got all that was sent before
                    await self._send({"type": "hushed"})
            elif self._desk.takes(kind):
                self._begin(self._ask_desk(message))
            else:
                await self._problem(_NOT_UNDERSTOOD, "page")
        except (AfterglowError, VisionError) as error:
            await self._problem(str(error), "question" if kind == "ask" else "source")

    def _start(self, page: PageSession, choice: Choice) -> None:
        """Opening may take long: in the meantime the page is still listened to."""
        self._begin(self._tell_if_it_fails(page.start(choice), "source"))

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_desk(self, message: dict[str, Any]) -> None:
        async def answer() -> None:
            reply = await self._desk.answer(message)
            if reply is not None:
                await self._send(reply)

        await self._tell_if_it_fails(answer(), "moment")

    async def _tell_if_it_fails(self, doing: Coroutine[Any, Any, None], about: str) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            try:
                await doing
            except WebSocketDisconnect:
                raise
            except Exception as error:  # it could not even be tried
                await self._problem(sentence_of(error), about)

    # To the page

    async def _tell(self, page: PageSession, both: anyio.CancelScope) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            await self._tell_all(page)
        both.cancel()

    async def _tell_all(self, page: PageSession) -> None:
        loop = asyncio.get_running_loop()
        await self._send(self._hello(page))
        news_due_s = status_due_s = 0.0
        while True:
            now_s = loop.time()
            if now_s >= news_due_s:
                news_due_s = now_s + _TICK_S
                page.advance()
                await self._tell_exchanges(page)
                news = itertools.chain(page.listening.news(), page.speech.news(), self._desk.news(now_s))
                for item in news:  # each is made when the one before was sent: what is silenced meanwhile is not
                    await self._send(item)
            if now_s >= status_due_s:
                status_due_s = now_s + _STATUS_S
                await self._send(self._status(page))
            if self._may_send_picture.is_set():
                await self._show_picture(page.watch)
            await self._wait_for_picture(page.watch is not None)

    async def _show_picture(self, watch: Watch | None) -> None:
        if watch is None:
            return
        number = watch.pictures.look(watch.session.latest_frame())
        if number and self._shown != (watch, number):
            self._shown = (watch, number)
            self._may_send_picture.clear()
            await self._send(pack(PacketKind.PICTURE, watch.pictures.message(self._side_px)))

    async def _wait_for_picture(self, is_watching: bool) -> None:
        """Until a new one may be there, or may be sent; never longer than until the next news."""
        if self._may_send_picture.is_set():
            await asyncio.sleep(_LOOK_S if is_watching else _TICK_S)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._may_send_picture.wait(), _TICK_S)

    def _acknowledge(self, side_px: object) -> None:
        """The page has shown the picture, at this size."""
        if isinstance(side_px, int) and side_px > 0:
            self._side_px = side_px
        self._may_send_picture.set()

    def _hello(self, page: PageSession) -> dict[str, Any]:
        return {
            "type": "hello",
            "key": page.key,
            "version": __version__,
            "history": self._history(page),
            "cameras": list(self._hub.camera_names),
            "has_login": bool(self._socket.scope.get("afterglow.has_login")),
        }

    def _history(self, page: PageSession) -> list[dict[str, Any]]:
        """The conversation so far, for a page that was loaded again: all pieces are told anew."""
        self._told = {exchange.number: 0 for exchange in page.exchanges}
        return [exchange.opening() for exchange in page.exchanges]

    async def _tell_exchanges(self, page: PageSession) -> None:
        self._told |= dict.fromkeys(page.take_erased(), 0)
        for exchange in [exchange for exchange in page.exchanges if exchange.number in self._told]:
            news, self._told[exchange.number] = exchange.news(self._told[exchange.number])
            if exchange.is_over:
                del self._told[exchange.number]
            for item in news:
                await self._send(item)

    def _status(self, page: PageSession) -> dict[str, Any]:
        status = status_message(
            page.watch,
            camera=self._hub.camera_name(page.watch),
            is_switching=page.is_switching,
            models_loading=self._hub.models_loading,
            models_problem=self._hub.models_problem,
        )
        return {**status, "listening": self._hub.hearing.state}

    async def _problem(self, sentence: str, about: str) -> None:
        """about: question, source, moment or page."""
        await self._send({"type": "problem", "about": about, "message": sentence})

    async def _send(self, message: dict[str, Any] | bytes) -> None:
        """Raises WebSocketDisconnect when the page has gone."""
        async with self._sending:
            try:
                if isinstance(message, bytes):
                    await self._socket.send_bytes(message)
                else:
                    await self._socket.send_text(json.dumps(message, separators=(",", ":")))
            except RuntimeError as error:  # the connection is closed already
                raise WebSocketDisconnect(1006) from error


def _read(packet: Any) -> dict[str, Any]:
    """The message, or an empty one for what is none. Raises WebSocketDisconnect when the page has gone."""
    if packet["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(packet.get("code", 1000))
    try:
        message = json.loads(packet.get("text") or "null")
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
