"""Everything about memory and moments that goes between one page and what it watches.

Comes in: messages of the page, which may hold anything. Goes out: replies, and news about timeline and memory, at most
one of each a second. The page's event loop.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.errors import MomentError
from app.memory_budget import budget_range, memory_within
from app.models import known_models
from app.web.background import in_background
from app.web.hub import Hub
from app.web.memory_view import budget_message, memory_message, shape_of_memory
from app.web.moment_desk import MOMENT_MESSAGES, MomentDesk
from app.web.page_session import PageSession
from app.web.timeline import TimelineTeller

__all__ = ["PageDesk", "is_from_here"]

_OWN_MESSAGES = frozenset({"memory", "budget", "models"})
_MEMORY_S = 1.0
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class PageDesk:
    """Of one connection."""

    def __init__(self, hub: Hub, page: PageSession, *, is_local: bool) -> None:
        """is_local: the page is open on this machine."""
        self._hub, self._page = hub, page
        self._moments = MomentDesk(hub, page, is_local=is_local)
        self._timeline = TimelineTeller()
        self._is_memory_shown = False
        self._memory_due_s = 0.0

    @staticmethod
    def takes(kind: object) -> bool:
        """True for the kinds of messages that belong here."""
        return isinstance(kind, str) and (kind in MOMENT_MESSAGES or kind in _OWN_MESSAGES)

    async def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The reply, if there is one. Raises an AfterglowError with a sentence."""
        kind = message["type"]
        if kind in MOMENT_MESSAGES:
            reply = await self._moments.answer(message)
            self._timeline.hurry()
            self._memory_due_s = 0.0
            return reply
        if kind == "models":
            choices = await in_background("page-models", known_models)
            return {"type": "models", "choices": [{**asdict(one), "is_available": one.is_available} for one in choices]}
        if kind == "budget":
            return await self._choose_budget(message.get("bytes"))
        self._is_memory_shown, self._memory_due_s = message.get("is_open") is True, 0.0
        return await self._budget() if self._is_memory_shown else None

    def news(self, now_s: float) -> list[dict[str, Any]]:
        """What has changed; now_s: of the event loop."""
        watch = self._page.watch
        news = [self._timeline.news(watch, now_s)]
        if self._is_memory_shown and watch is not None and now_s >= self._memory_due_s:
            self._memory_due_s = now_s + _MEMORY_S
            news.append(memory_message(watch))
        if news[0] is not None and watch is not None:
            news[0]["may_change"] = self._moments.may_change(watch)
        return [one for one in news if one is not None]

    async def _choose_budget(self, num_bytes: object) -> dict[str, Any]:
        """Of what this page starts next; None: the default again."""
        shape = await in_background("page-budget", shape_of_memory)
        if num_bytes is None:
            self._page.memory = None
            return await self._budget()
        least, most = budget_range(shape)
        if isinstance(num_bytes, bool) or not isinstance(num_bytes, int) or not least <= num_bytes <= most:
            raise MomentError(f"A budget lies between {least / 1e6:.0f} and {most / 1e6:.0f} MB.")
        self._page.memory = memory_within(num_bytes, shape)
        return await self._budget()

    async def _budget(self) -> dict[str, Any]:
        perceive, chosen = self._hub.config.perceive, self._page.memory
        return await in_background("page-budget", lambda: budget_message(shape_of_memory(), perceive, chosen))


def is_from_here(scope: Mapping[str, Any]) -> bool:
    """True if a request comes from this machine and was made under a name of this machine's own: what a proxy hands on
    from elsewhere, under the name it is known by, is not."""
    client = scope.get("client")
    host = next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == b"host"), "")
    name = host.lower() if host.endswith("]") else host.lower().rpartition(":")[0] or host.lower()
    try:
        is_loopback = client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
    return is_loopback and name in _LOCAL_NAMES
