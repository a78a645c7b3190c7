"""FlashSpeech: text to audio in one or two steps, while the text is still being written.

`open_voice` opens a Speaker; `speak` drives it from streaming text into a Sink. No threads are made here.
"""

from app.speech.audio import pcm16
from app.speech.clauses import ClauseSplitter, split_clauses
from app.speech.errors import PromptError, SinkError, SpeechError, SpeechTextError, VoiceMissingError
from app.speech.mel import SAMPLE_RATE
from app.speech.sinks import CallbackSink, PlayerQueue, Sink, WavSink
from app.speech.speaker import BLOCK_S, Speaker, SpeakOptions
from app.speech.streaming import SpokenClause, SpokenReply, speak
from app.speech.voices import DEFAULT_VOICE, WEIGHTS, has_trained_voice, open_voice

__all__ = [
    "BLOCK_S",
    "DEFAULT_VOICE",
    "SAMPLE_RATE",
    "WEIGHTS",
    "CallbackSink",
    "ClauseSplitter",
    "PlayerQueue",
    "PromptError",
    "Sink",
    "SinkError",
    "SpeakOptions",
    "Speaker",
    "SpeechError",
    "SpeechTextError",
    "SpokenClause",
    "SpokenReply",
    "VoiceMissingError",
    "WavSink",
    "has_trained_voice",
    "open_voice",
    "pcm16",
    "speak",
    "split_clauses",
]
