"""`--speak` and what belongs to it: the options of commands that answer questions.

Comes in: words. Goes out: SpeakTo, or None where nothing is to be spoken. Light imports only.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from app.cli.option_values import checked_number

__all__ = ["SpeakTo", "VoiceChoice", "add_speech_options", "add_voice_options", "speech_options", "voice_choice"]

DEFAULT_FILE = "answers.wav"
_NEEDS_SPEAK = ("voice", "speech_speed", "speech_steps")


@dataclass(frozen=True, kw_only=True)
class VoiceChoice:
    """How answers are spoken."""

    voice: str = "default"
    speed: float = 1.0
    steps: int = 1


@dataclass(frozen=True, kw_only=True)
class SpeakTo(VoiceChoice):
    """And into which file."""

    path: Path


def add_speech_options(parser: argparse.ArgumentParser) -> None:
    speech = parser.add_argument_group("spoken answers")
    speak_help = f"also speak the answers, one after the other, into a WAV file (default: {DEFAULT_FILE})"
    speech.add_argument("--speak", type=Path, nargs="?", const=Path(DEFAULT_FILE), metavar="FILE", help=speak_help)
    add_voice_options(speech)


def add_voice_options(speech: "argparse._ActionsContainer") -> None:
    voice_help = "flashspeech (default), hibari, or a recording of 2 to 6 s to speak like"
    speech.add_argument("--voice", metavar="VOICE", help=voice_help)
    speed = checked_number("a number from 0.5 to 2", 0.5, 2.0)
    speech.add_argument("--speech-speed", type=speed, metavar="N", help="0.5 to 2 (default: 1)")
    steps_help = "sampling steps of flashspeech (default: 1)"
    speech.add_argument("--speech-steps", type=int, choices=(1, 2), help=steps_help)


def speech_options(parser: argparse.ArgumentParser, words: argparse.Namespace) -> SpeakTo | None:
    """Ends as argparse does when a voice is described and nothing is to be spoken."""
    given = {name: getattr(words, name) for name in _NEEDS_SPEAK if getattr(words, name) is not None}
    if words.speak is None:
        if given:
            parser.error(f"--{next(iter(given)).replace('_', '-')} needs --speak")
        return None
    choice = voice_choice(words)
    return SpeakTo(path=words.speak, voice=choice.voice, speed=choice.speed, steps=choice.steps)


def voice_choice(words: argparse.Namespace) -> VoiceChoice:
    names = {"voice": "voice", "speech_speed": "speed", "speech_steps": "steps"}
    given = {own: getattr(words, name) for name, own in names.items() if getattr(words, name) is not None}
    return VoiceChoice(**given)
