"""What one page says: an utterance of its microphone, gathered until it ends, then its words.

Comes in: PCM in pieces, between a beginning and an end. Goes out: news for the page. Bounded to a minute. Lives on the
page's event loop; nothing here waits.
"""

from collections.abc import Iterator
from typing import Any

from app.errors import AfterglowError
from app.listening import Utterance
from app.web.hearing import Hearing

__all__ = ["MAX_SPOKEN_S", "PageListening"]

MAX_SPOKEN_S = 60.0
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000


class PageListening:
    """`begin`, `add` and `end` in the page's order; `news` is asked again and again."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._number: int | None = None
        self._rate_hz = 0
        self._pcm = bytearray()
        self._waiting: dict[int, Utterance] = {}
        self._news: list[dict[str, Any]] = []

    def prepare(self) -> None:
        """The page's microphone was switched on."""
        self._hearing.prepare()

    def begin(self, number: int, rate_hz: int) -> None:
        """Whatever was being gathered before is dropped."""
        self._pcm.clear()
        self._number = None
        if MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            self._number, self._rate_hz = number, rate_hz
        else:
            self._tell(number, "unheard", message="This microphone's rate cannot be used. Choose another microphone.")

    def add(self, number: int, pcm: bytes) -> None:
        """After a minute it is full: what came until then is taken, and the page told."""
        if number != self._number:
            return
        self._pcm += pcm
        if len(self._pcm) >= MAX_SPOKEN_S * self._rate_hz * 2:
            self._tell(number, "full", message="A question may last a minute; this is what was said until then.")
            self.end(number)

    def end(self, number: int) -> None:
        if number != self._number:
            return
        utterance = Utterance(bytes(self._pcm), self._rate_hz)
        self.drop()
        try:
            self._hearing.put(utterance)
        except AfterglowError as error:
            self._tell(number, "unheard", message=str(error))
            return
        self._waiting[number] = utterance

    def drop(self) -> None:
        """Forgets what is being gathered."""
        self._number = None
        self._pcm.clear()

    def news(self) -> Iterator[dict[str, Any]]:
        news, self._news = self._news, []
        yield from news
        for number, utterance in list(self._waiting.items()):
            if utterance.is_done:
                del self._waiting[number]
                if utterance.text is not None:
                    yield {"type": "heard", "id": number, "state": "words", "text": utterance.text}
                else:
                    yield {"type": "heard", "id": number, "state": "unheard", "message": utterance.problem}

    def _tell(self, number: int, state: str, **facts: Any) -> None:
        self._news.append({"type": "heard", "id": number, "state": state, **facts})
