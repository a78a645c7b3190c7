"""Speech to text, for questions by voice: an utterance in, its words out, or a sentence why there are none.

`open_recogniser` opens the model that `app.assets_store` keeps, fetched when it is first wanted. No threads are made.
"""

from app.hearing.errors import HearingError, NotUnderstoodError, SilentError, UtteranceError
from app.hearing.recogniser import MAX_UTTERANCE_S, RATE_HZ, Heard, Recogniser
from app.hearing.utterance import read_utterance
from app.hearing.whisper import WhisperRecogniser, open_recogniser

__all__ = [
    "MAX_UTTERANCE_S",
    "RATE_HZ",
    "Heard",
    "HearingError",
    "NotUnderstoodError",
    "Recogniser",
    "SilentError",
    "UtteranceError",
    "WhisperRecogniser",
    "open_recogniser",
    "read_utterance",
]
