"""What a page may wish about sound: whether answers are spoken, silence, what to hear again.

Comes in: a message of the page, whose every field may be anything. Goes out: the same, done to its PageSession. The
page's event loop.
"""

import math
from typing import Any

from app.questions import clean_question
from app.spoken import WholeText
from app.web.page_listening import PageListening
from app.web.page_session import PageSession

__all__ = ["VOICE_WISHES", "obey_voice"]

VOICE_WISHES = frozenset({"speak", "silence", "played", "say", "listen"})
MAX_SAID_CHARS = 500


def obey_voice(page: PageSession, message: dict[str, Any]) -> None:
    """Raises QuestionError for an announcement that is none."""
    kind = message["type"]
    if kind == "speak":
        page.speech.switch(message.get("on") is True)
    elif kind == "silence":
        page.speech.silence(_number(message.get("id")), _seconds(message.get("position_s")))
    elif kind == "played":
        number, is_over = _number(message.get("id")), message.get("is_over") is True
        if number is not None:
            page.speech.played(number, _seconds(message.get("position_s")), is_over=is_over)
    elif kind == "listen":
        _listen(page.listening, message)
    else:
        _say(page, message)


def _listen(listening: PageListening, message: dict[str, Any]) -> None:
    number, state = _number(message.get("id")), message.get("state")
    if state == "begin" and number is not None:
        listening.begin(number, _number(message.get("rate")) or 0)
    elif state == "end" and number is not None:
        listening.end(number)
    elif state == "prepare":
        listening.prepare()
    elif state == "drop":
        listening.drop()


def _say(page: PageSession, message: dict[str, Any]) -> None:
    """An answer again, or a sentence of the page about itself, for those who do not see it."""
    number = _number(message.get("exchange"))
    text = next((one.speech for one in page.exchanges if one.number == number), None)
    if text is None and number is None:
        text = clean_question(str(message.get("text", "")))[:MAX_SAID_CHARS]
    if text and page.watch is not None:
        page.speech.speak(WholeText(text), page.watch.session, number)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: object) -> float:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return max(float(value), 0.0) if is_time else 0.0  # type: ignore[arg-type]
