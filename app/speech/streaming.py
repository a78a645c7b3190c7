"""Speaks text while it is being written: clause by clause, block by block, into a sink.

In: pieces of text in order. Out: audio in the sink, and what was spoken. It runs in the caller's thread.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from app.speech.clauses import ClauseSplitter
from app.speech.errors import SpeechTextError
from app.speech.sinks import Sink
from app.speech.speaker import Speaker, SpeakOptions, never

__all__ = ["SpokenClause", "SpokenReply", "speak"]

_log = logging.getLogger(__name__)
_WORD_S = 0.35  # of an interrupted clause, whose whole length nobody knows


@dataclass(frozen=True)
class SpokenClause:
    """A clause with its place in the audio, in seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass
class SpokenReply:
    """What was handed to the sink. `first_audio_s`: from the complete first clause to its first block."""

    clauses: list[SpokenClause] = field(default_factory=list)
    audio_s: float = 0.0
    synthesis_s: float = 0.0
    first_audio_s: float | None = None
    is_complete: bool = False

    def text_until(self, position_s: float) -> str:
        """The words that had been spoken when the sound stopped at position_s: whole clauses, and part of one."""
        parts = []
        for clause in self.clauses:
            share = (position_s - clause.start_s) / max(clause.end_s - clause.start_s, 1e-9)
            words = clause.text.split()
            parts += words[: round(len(words) * min(max(share, 0.0), 1.0))]
        return " ".join(parts)


def speak(
    speaker: Speaker,
    pieces: Iterable[str],
    sink: Sink,
    options: SpeakOptions | None = None,
    is_cancelled: Callable[[], bool] = never,
    reply: SpokenReply | None = None,
) -> SpokenReply:
    """Returns when all is in the sink, or soon after is_cancelled() became true.

    reply: a new one, for who wants to look at it meanwhile, or after an error.
    A clause in which nothing sounds ("...") is passed over. Raises SpeechTextError when nothing sounded at all or the
    text is in another script, and SinkError from the sink. The sink is closed by its owner.
    """
    options = options or SpeakOptions()
    splitter, reply = ClauseSplitter(), reply or SpokenReply()
    refused: SpeechTextError | None = None
    for clause in _clauses(splitter, pieces):
        if is_cancelled():
            return reply
        try:
            varied = replace(options, seed=options.seed + len(reply.clauses))
            _speak_clause(speaker, clause, sink, varied, reply, is_cancelled)
        except SpeechTextError as error:
            refused = error
            _log.debug("passed over %r: %s", clause[:40], error)
    if is_cancelled():
        return reply
    if not reply.clauses:
        raise refused or SpeechTextError("There is nothing to say: the text is empty.")
    reply.is_complete = True
    return reply


def _clauses(splitter: ClauseSplitter, pieces: Iterable[str]) -> Iterable[str]:
    for piece in pieces:
        yield from splitter.feed(piece)
    yield from splitter.finish()


def _speak_clause(
    speaker: Speaker,
    clause: str,
    sink: Sink,
    options: SpeakOptions,
    reply: SpokenReply,
    is_cancelled: Callable[[], bool],
) -> None:
    start_s = reply.audio_s
    asked_s = time.monotonic()
    for block in speaker.synthesise(clause, options, is_cancelled):
        now_s = time.monotonic()
        reply.synthesis_s += now_s - asked_s
        if reply.first_audio_s is None:
            reply.first_audio_s = now_s - asked_s
        sink.write(block, is_cancelled)
        reply.audio_s += len(block) / speaker.sample_rate
        asked_s = time.monotonic()
    if reply.audio_s > start_s:
        likely_end_s = start_s + _WORD_S * len(clause.split()) if is_cancelled() else start_s
        reply.clauses.append(SpokenClause(clause, start_s, max(reply.audio_s, likely_end_s)))
