"""Pages without a browser, in a process of their own: they take every picture as the real one does, and ask questions.

In: the page's address. Out: how many pictures came, how old each was when it was in hand, and how long first tokens
took. The pictures must carry numbers, and a file must tell when each number was made (see bench/source_camera.py).

    python -m bench.web_viewer http://127.0.0.1:7860 --viewers 4 --seconds 8 [--times FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect

from app.web.packets import PacketKind, unpack
from tests.numbered import number_of

__all__ = ["Page", "first_tokens_ms", "watch"]

_TIME_BYTES = 8  # of stream time, before the JPEG
_SIDE_PX = 640
_WARM_UP_S = 1.0
_GIVE_UP_S = 120.0


class Page:
    """One WebSocket. Use as an asynchronous context manager."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __aenter__(self) -> Page:
        url = self._address.replace("http", "ws", 1) + "/afterglow/socket"
        self._socket: ClientConnection = await connect(url, origin=self._address, max_size=None)  # type: ignore[arg-type]
        await self.send(type="hello", key=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def next(self) -> dict[str, Any] | bytes:
        """A message, or the JPEG of a live picture."""
        while True:
            data = await asyncio.wait_for(self._socket.recv(), _GIVE_UP_S)
            if isinstance(data, str):
                message: dict[str, Any] = json.loads(data)
                return message
            packet = unpack(data)
            if packet is not None and packet.kind is PacketKind.PICTURE:
                return packet.payload[_TIME_BYTES:]

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; pictures are left unanswered, so that no more of them come."""
        end_s = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < end_s:
            message = await self.next()
            if isinstance(message, dict) and message["type"] in (*kinds, "failed", "problem"):
                if message["type"] not in kinds:
                    raise RuntimeError(f"the page was told: {message['message']}")
                return message
        raise TimeoutError(f"no {kinds[0]} came")


async def watch(address: str, seconds: float, sent_s: np.ndarray | None) -> tuple[int, list[float]]:
    """Pictures that came within the time, and their ages in ms."""
    ages, count, start_s = [], 0, time.monotonic()
    async with Page(address) as page:
        while (now_s := time.monotonic()) < start_s + _WARM_UP_S + seconds:
            jpeg = await page.next()
            if not isinstance(jpeg, bytes):
                continue
            image = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
            shown_s = time.monotonic()
            await page.send(type="ack", side_px=_SIDE_PX)
            if now_s > start_s + _WARM_UP_S:
                count += 1
                if sent_s is not None:
                    ages.append((shown_s - sent_s[number_of(image)]) * 1e3)
    return count, ages


async def first_tokens_ms(address: str, questions: list[str]) -> list[float]:
    """From the sending of each question to the first words of its answer."""
    waited = []
    async with Page(address) as page:
        for question in questions:
            asked_s = time.monotonic()
            await page.send(type="ask", text=question)
            first = await page.until("piece", "answer")  # a short answer comes in one piece
            waited.append((time.monotonic() - asked_s) * 1e3)
            if first["type"] == "piece":
                await page.until("answer")
    return waited


async def _all(address: str, viewers: int, seconds: float, sent_s: np.ndarray | None) -> list[tuple[int, list[float]]]:
    return list(await asyncio.gather(*(watch(address, seconds, sent_s) for _ in range(viewers))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--times", type=Path)
    options = parser.parse_args()
    sent_s = None if options.times is None else np.memmap(options.times, np.float64, "r")
    results = asyncio.run(_all(options.address, options.viewers, options.seconds, sent_s))
    fps = [count / options.seconds for count, _ in results]
    print(json.dumps({"fps": fps, "ages_ms": [age for _, ages in results for age in ages]}))


if __name__ == "__main__":
    main()
