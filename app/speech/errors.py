"""The errors of speech, as a tree. A message is a sentence for the user: what happened, and what to try.

SpeechError
├── SpeechTextError        (also a ValueError) there is nothing in the text that can be spoken
├── PromptError            (also a ValueError) the recording is no usable voice prompt
├── VoiceMissingError      the weights of a voice are not on this machine
└── SinkError              the audio could not be handed on: a file that cannot be written, a player that stalls
"""

__all__ = ["PromptError", "SinkError", "SpeechError", "SpeechTextError", "VoiceMissingError"]


class SpeechError(Exception):
    """Anything that speech says to its user."""


class SpeechTextError(SpeechError, ValueError):
    """The text holds nothing that can be spoken."""


class PromptError(SpeechError, ValueError):
    """The recording cannot serve as a voice prompt."""


class VoiceMissingError(SpeechError):
    """The weights of a voice are not on this machine."""


class SinkError(SpeechError):
    """The audio could not be handed on."""
