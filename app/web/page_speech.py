"""What one page hears: its spoken answers, one after the other, each sent no faster than the page plays it.

Comes in: answers to speak, and from the page how far it has played and when it fell silent. Goes out: news for the
page, dictionaries and binary messages. Lives on the page's event loop; nothing here waits.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.errors import AfterglowError
from app.session import Session
from app.spoken import PieceSource, SpokenAnswer
from app.web.packets import PacketKind, pack

if TYPE_CHECKING:  # speech brings torch with it, which the page's start must not wait for
    from app.speech import PlayerQueue

__all__ = ["PageSpeech"]

WINDOW_S = 3.0  # sent and not yet played, at most
BLOCK_S = 0.25
MAX_TALKS = 8

News = Iterator[dict[str, Any] | bytes]


class Talk:
    """One spoken answer on its way to the page."""

    def __init__(self, number: int, exchange: int | None, spoken: SpokenAnswer, queue: "PlayerQueue") -> None:
        """exchange: the question that it answers; None for an announcement."""
        self.number, self.exchange = number, exchange
        self.is_sent = self.is_played = False
        self.played_s = 0.0
        self._spoken, self._queue = spoken, queue
        self._has_begun = self._was_cut_told = False
        self._silenced_s: float | None = None
        self._sent_s = 0.0

    def silence(self, position_s: float | None = None) -> None:
        """No more of it. position_s: how far the page has played; None: as far as it last said."""
        if self._silenced_s is None and not self.is_played:
            self._silenced_s = self.played_s if position_s is None else position_s
            self._spoken.cancel()

    @property
    def is_over(self) -> bool:
        """Nothing more will be told about it."""
        return self.is_sent and (self.is_played or self._was_cut_told)

    def news(self) -> News:
        """Its beginning, blocks as far as the window allows, its end; later perhaps that it was cut."""
        from app.speech import pcm16

        if self.is_sent:
            if self._silenced_s is not None and not self._was_cut_told:
                yield self._end()
            return
        is_done = self._spoken.is_done  # looked at before the blocks, so that none is missed
        while self._sent_s - self.played_s < WINDOW_S or self._silenced_s is not None:
            block = self._queue.take(round(BLOCK_S * self._queue.sample_rate))
            if not len(block):
                if is_done:
                    self.is_sent = True
                    yield self._end()
                return
            if not self._has_begun:
                self._has_begun = True
                yield self._message("begin", rate=self._queue.sample_rate)
            self._sent_s += len(block) / self._queue.sample_rate
            yield pack(PacketKind.SPEECH, pcm16(block), self.number)

    def _end(self) -> dict[str, Any]:
        result = self._spoken.result(0.0)
        if self._spoken.is_cancelled:
            self.silence()
        facts = {
            "seconds": round(result.seconds, 3),
            "first_audio_ms": result.first_audio_ms,
            "problem": result.problem,
        }
        if self._silenced_s is None:
            return self._message("end", **facts)
        self._was_cut_told = True
        return self._message("cut", heard=self._spoken.text_until(self._silenced_s), **facts)

    def _message(self, state: str, **facts: Any) -> dict[str, Any]:
        return {"type": "speech", "id": self.number, "exchange": self.exchange, "state": state, **facts}


class PageSpeech:
    """`speak` adds a talk, `silence` ends all, `news` is asked again and again for what the page is to be sent."""

    def __init__(self) -> None:
        self.is_on = False
        self._talks: list[Talk] = []
        self._refusals: list[dict[str, Any]] = []
        self._num_talks = 0
        self._prepared: Session | None = None

    def switch(self, is_on: bool) -> None:
        self.is_on = is_on
        if not is_on:
            self.silence()

    def follow(self, session: Session | None) -> None:
        """The voice of what is watched is opened before it is needed."""
        if self.is_on and session is not None and session is not self._prepared:
            self._prepared = session
            session.prepare_speech()

    def speak(self, words: PieceSource, session: Session, exchange: int | None = None) -> None:
        """Speaks after what is being spoken. What keeps it from that is told to the page."""
        from app.speech import PlayerQueue

        self._num_talks += 1
        config = session.config.speech
        queue = PlayerQueue() if config is None else PlayerQueue(max_s=config.queue_s, stall_s=config.stall_s)
        try:
            if len(self._talks) >= MAX_TALKS:
                raise AfterglowError("Too much waits to be spoken already.")
            spoken = session.speak(words, queue)
        except Exception as error:  # of a failed session, whatever made it fail: the answer says that already
            problem = str(error) if isinstance(error, AfterglowError) else "Nothing can be spoken now."
            refusal = {"type": "speech", "id": self._num_talks, "exchange": exchange, "state": "end", "seconds": 0.0}
            self._refusals.append({**refusal, "problem": problem})
            return
        self._talks.append(Talk(self._num_talks, exchange, spoken, queue))

    def silence(self, number: int | None = None, position_s: float = 0.0) -> None:
        """The page fell silent in talk `number`; what follows it was not heard, what went before was played."""
        for talk in self._talks:
            talk.silence(max(position_s, 0.0) if talk.number == number else None)

    def played(self, number: int, position_s: float, *, is_over: bool) -> None:
        """How far the page has played talk `number`."""
        for talk in self._talks:
            if talk.number == number:
                talk.played_s = max(talk.played_s, position_s)
                talk.is_played |= is_over

    def news(self) -> News:
        """What is to be sent now. One talk follows the other."""
        refusals, self._refusals = self._refusals, []
        yield from refusals
        for talk in list(self._talks):
            yield from talk.news()
            if talk.is_over:
                self._talks.remove(talk)
            if not talk.is_sent:
                return
