"""`say`: speaks a text into a WAV file.

    python3 launch.py say "There are two cats." --out cats.wav [--voice flashspeech|hibari|recording.wav] [--json]

Comes in: words. Goes out: the file, a line or a JSON object on stdout, and an exit code. The main thread.
"""

import argparse
import json
import logging
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.cli.exit_codes import EXIT_BAD_ARGUMENTS, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_MODEL_MISSING

if TYPE_CHECKING:
    from app.speech import SpokenReply

__all__ = ["SayOptions", "main", "parse", "say"]

EXIT_NOT_WRITTEN = 6
MAX_CHARS = 20_000
_log = logging.getLogger(__name__)

_EPILOG = """\
examples:
  python3 launch.py say "I first saw the cat at 0:12." --out cat.wav
  python3 launch.py say - --out answer.wav --voice my_voice.wav --json < answer.txt
  python3 launch.py say "Two dogs came in." --out other_take.wav --voice flashspeech --seed 7 --alpha 0.5 --speed 1.2

Turning what was said into another voice, and exchanging words of it, are functions for programs: docs/SPEECH.md.

exit codes:
  0    the file is complete
  1    something failed inside; --verbose shows where
  2    bad arguments, a text that cannot be spoken, or a recording that cannot serve as a voice
  5    the voice is missing: run python3 launch.py once
  6    the file could not be written
  130  stopped by Ctrl-C
"""


@dataclass(frozen=True, kw_only=True)
class SayOptions:
    """`say`, checked. The text "-" stands for the standard input."""

    text: str
    out: Path
    voice: str
    steps: int
    speed: float
    seed: int
    alpha: float
    is_json: bool
    is_verbose: bool


def main(argv: list[str], stdout: TextIO | None = None) -> int:
    """Runs the command and returns its exit code; whatever goes wrong becomes one sentence on stderr."""
    try:
        options = parse(argv)
    except SystemExit as end:  # argparse has said what was wrong, or shown its help
        return end.code if isinstance(end.code, int) else EXIT_BAD_ARGUMENTS
    level = logging.DEBUG if options.is_verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")
    try:
        return say(options, stdout or sys.stdout)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped by Ctrl-C.\n")
        return EXIT_INTERRUPTED
    except Exception as error:  # the main thread's top frame: a sentence for the user, the trace for who asks
        _log.debug("the command failed", exc_info=error)
        sentence, exit_code = _told(error)
        if options.is_json:
            _print({"type": "error", "message": sentence, "exit_code": exit_code}, stdout or sys.stdout)
        sys.stderr.write(f"{sentence}\n")
        return exit_code


def parse(argv: list[str]) -> SayOptions:
    """Raises SystemExit as argparse does."""
    parser = argparse.ArgumentParser(
        prog="launch.py say",
        description="Speaks a text into a WAV file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("text", type=_text, help="what to say, in English; - reads it from the standard input")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the WAV file to write")
    voice_help = "flashspeech (our own, the default), hibari (ready-made), or a recording of 2 to 6 s to speak like"
    parser.add_argument("--voice", default="default", metavar="VOICE", help=voice_help)
    parser.add_argument(
        "--steps", type=int, choices=(1, 2), default=1, help="sampling steps of flashspeech (default 1)"
    )
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="0.5 to 2 (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another take (default: 0)")
    alpha_help = "how far the prosody of flashspeech goes apart from seed to seed, 0 to 1 (default: 0.2)"
    parser.add_argument("--alpha", type=_alpha, default=0.2, metavar="N", help=alpha_help)
    parser.add_argument("--json", action="store_true", help="print the result as a JSON object")
    parser.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")
    words = parser.parse_args(argv)
    return SayOptions(
        text=words.text,
        out=words.out,
        voice=words.voice,
        steps=words.steps,
        speed=words.speed,
        seed=words.seed,
        alpha=words.alpha,
        is_json=words.json,
        is_verbose=words.verbose,
    )


def say(options: SayOptions, stdout: TextIO) -> int:
    """Returns 0 when the file is complete; raises what prevented it. Nothing is left of a file that failed."""
    from app.speech import SpeakOptions, SpeechTextError, WavSink, open_voice, speak

    text = sys.stdin.read(MAX_CHARS + 1) if options.text == "-" else options.text
    if len(text) > MAX_CHARS:
        raise SpeechTextError(f"The text is longer than {MAX_CHARS} characters; say it in parts.")
    speaker = open_voice(options.voice)
    sink = WavSink(options.out, speaker.sample_rate)
    try:
        settings = SpeakOptions(speed=options.speed, seed=options.seed, steps=options.steps, alpha=options.alpha)
        reply = speak(speaker, [text], sink, settings)
        sink.close()
    except BaseException:
        sink.close()
        options.out.unlink(missing_ok=True)
        raise
    _tell(options, speaker.name, reply, stdout)
    return 0


def _tell(options: SayOptions, voice: str, reply: "SpokenReply", stdout: TextIO) -> None:
    real_time_factor = reply.synthesis_s / reply.audio_s
    if not options.is_json:
        stdout.write(
            f"{options.out}: {reply.audio_s:.1f} s by the voice {voice}, real-time factor {real_time_factor:.3f}\n"
        )
        return
    clauses = [
        {"text": clause.text.strip(), "start_s": round(clause.start_s, 3), "end_s": round(clause.end_s, 3)}
        for clause in reply.clauses
    ]
    result = {
        "type": "speech",
        "out": str(options.out),
        "voice": voice,
        "audio_s": round(reply.audio_s, 3),
        "first_audio_ms": round(1e3 * (reply.first_audio_s or 0.0), 1),
        "real_time_factor": round(real_time_factor, 4),
        "clauses": clauses,
    }
    _print(result, stdout)


def _print(result: dict[str, object], stdout: TextIO) -> None:
    stdout.write(json.dumps(result) + "\n")
    stdout.flush()


def _told(error: Exception) -> tuple[str, int]:
    """(a sentence, the exit code)."""
    from app.speech import PromptError, SinkError, SpeechError, SpeechTextError, VoiceMissingError

    text = " ".join(str(error).split())
    codes: tuple[tuple[type[SpeechError], int], ...] = (
        (SpeechTextError, EXIT_BAD_ARGUMENTS),
        (PromptError, EXIT_BAD_ARGUMENTS),
        (VoiceMissingError, EXIT_MODEL_MISSING),
        (SinkError, EXIT_NOT_WRITTEN),
    )
    for kind, code in codes:
        if isinstance(error, kind):
            return text, code
    return f"Something failed inside ({type(error).__name__}: {text}). The option --verbose shows where.", EXIT_FAILED


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("give a text to say; got an empty one")
    return text


def _speed(text: str) -> float:
    return _number(text, 0.5, 2.0)


def _alpha(text: str) -> float:
    return _number(text, 0.0, 1.0)


def _number(text: str, lowest: float, highest: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise argparse.ArgumentTypeError(f"expected a number from {lowest:g} to {highest:g}, got {text[:40]!r}")
    return value
