"""Does a question need the past? Words and times that say so.

Comes in: the text of a question. Goes out: yes or no. Pure; any thread. Retrieval costs accuracy on questions about the
present (arXiv 2604.02317, table of ablations), so without a cue the newest frames alone are shown.
"""

import re

__all__ = ["needs_past"]

_PAST = re.compile(
    r"\b(?:was|were|did|had|been|ever|never|before|earlier|ago|already|previous\w*|past|last|first|since|until|till"
    r"|after|when|during|while ago|yesterday|history|remember|recall|so far|happen\w*|saw|appeared|left|gone"
    r"|how (?:long|often|many times)|(?:a|this|the) (?:morning|minute|hour|day)s?|again|summar\w+|missed|catch me up"
    r"|beginning|started?|times)\b"
)
_TIME = re.compile(
    r"\b\d{1,2}:\d{2}\b|\b\d+(?:\.\d+)? ?(?:s|sec\w*|m|min\w*|h|hours?|am|pm)\b|\b(?:at|between) \d|\bo'clock\b"
)
_NOT_PAST = re.compile(r"\bright now\b|\bat the moment\b|\bon the left\b|\bto the left\b|\bleft of\b")


def needs_past(question: str) -> bool:
    """True when the question speaks of another time than now, of order, of duration or of how often."""
    folded = _NOT_PAST.sub(" ", " ".join(question.lower().replace("’", "'").split()))
    return _PAST.search(folded) is not None or _TIME.search(folded) is not None
