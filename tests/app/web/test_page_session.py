"""What a page wishes last is what happens, also while an earlier wish is being carried out."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from app.errors import NothingSeenError
from app.web.choices import Choice
from app.web.connection import Connection
from app.web.page_session import PageSession
from app.web.watching import Watch
from tests.fakes import FakeSource


class SlowlyClosingWatch:
    """Takes until `may_close` to close, as a session does whose camera hangs."""

    is_shared = False

    def __init__(self, number: int, source: Any) -> None:
        self.number, self.source = number, source
        self.was_started = False
        self.is_closing, self.may_close = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        self.was_started = True

    async def close(self) -> None:
        self.is_closing.set()
        await self.may_close.wait()


def make_page() -> tuple[PageSession, list[SlowlyClosingWatch]]:
    made: list[SlowlyClosingWatch] = []

    def make_watch(number: int, source: Any, memory: Any) -> Watch:
        made.append(SlowlyClosingWatch(number, source))
        return cast(Watch, made[-1])

    return PageSession(lambda choice: cast(Any, choice.spec), make_watch), made


def choice(spec: str) -> Choice:
    return Choice(kind="named", spec=spec)


async def switched(page: PageSession, first: SlowlyClosingWatch, *wishes: Any) -> None:
    """A wish while the first source is still closing, then further ones, then all of them end."""
    tasks: list[asyncio.Future[None]] = [asyncio.ensure_future(page.start(choice("second")))]
    await first.is_closing.wait()
    for wish in wishes:
        tasks.append(asyncio.ensure_future(wish()))
        await asyncio.sleep(0)
    first.may_close.set()
    await asyncio.gather(*tasks)


def test_stop_while_one_source_gives_way_to_another_is_heard() -> None:
    async def run() -> None:
        page, made = make_page()
        await page.start(choice("first"))
        await switched(page, made[0], page.stop)
        assert page.watch is None
        assert [watch.source for watch in made] == ["first"]

    asyncio.run(run())


def test_of_several_choices_made_in_a_hurry_only_the_last_is_opened() -> None:
    async def run() -> None:
        page, made = make_page()
        await page.start(choice("first"))
        await switched(page, made[0], lambda: page.start(choice("third")), lambda: page.start(choice("fourth")))
        assert [watch.source for watch in made] == ["first", "fourth"]
        assert page.watch is cast(Any, made[-1]) and made[-1].was_started

    asyncio.run(run())


def test_stop_that_comes_before_a_start_had_its_first_turn_is_heard() -> None:
    async def run() -> None:
        page, made = make_page()
        starting = asyncio.ensure_future(page.start(choice("first")))
        await page.stop()
        await starting
        assert page.watch is None and not made

    asyncio.run(run())


def test_a_question_while_one_source_gives_way_to_another_is_told_why_it_must_wait() -> None:
    async def run() -> None:
        page, made = make_page()
        await page.start(choice("first"))
        starting = asyncio.ensure_future(page.start(choice("second")))
        await made[0].is_closing.wait()
        with pytest.raises(NothingSeenError, match="giving way"):
            page.ask("What?")
        made[0].may_close.set()
        await starting

    asyncio.run(run())


def test_a_question_right_behind_a_start_belongs_to_what_is_started(start_server: Callable[..., Any]) -> None:
    hub = start_server({"clip": lambda: FakeSource(never_ends=True)}).hub
    told: list[dict[str, Any]] = []

    class Socket:
        async def send_text(self, text: str) -> None:
            told.append(json.loads(text))

    async def run() -> None:
        connection, page = Connection(hub, cast(Any, Socket())), hub.connect(None)
        await connection._obey(page, {"type": "start", "kind": "named", "spec": "clip"})
        await connection._obey(page, {"type": "ask", "text": "What?"})
        await page.close()

    asyncio.run(run())
    assert [message["type"] for message in told] == ["asked"]
