"""What may be said on the command line.

Comes in: words. Goes out: checked options, or SystemExit after argparse has told the user what was wrong.
Light imports only: a wrong argument is refused at once.
"""

import argparse
from dataclasses import dataclass

from app.cli.exit_codes import EXIT_CODES_HELP
from app.cli.option_values import (
    add_fps,
    add_reading,
    checked_number,
    checked_question,
    checked_source,
    reading_options,
)
from app.cli.recording_options import (
    RECORDING_COMMANDS,
    RecordingOptions,
    add_recording_commands,
    check_together,
    recording_options,
)
from app.cli.serve_options import ServeOptions, add_serve, serve_options
from app.cli.speech_options import SpeakTo, add_speech_options, speech_options
from app.reading_options import ReadingOptions

__all__ = ["AskOptions", "ServeOptions", "parse"]

LIVE_WATCH_S = 10.0  # how long `ask` watches a live source when --at does not say

_EXAMPLES = """\
examples:
  python3 launch.py ask --source clip.mp4 --question "When did you see the cat?"
  python3 launch.py ask --source clip.mp4 --at 12.5 --question "How many people are there?" --question "and where?"
  python3 launch.py ask --source rtsp://camera.local/stream --at 60 --question "Is anyone there?" --json
"""


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """`ask`, checked."""

    source: str
    questions: tuple[str, ...]
    at_s: float | None
    fps: float
    speed: str
    is_json: bool
    timeout_s: float | None
    speak_to: SpeakTo | None
    is_verbose: bool
    reading: ReadingOptions


def parse(argv: list[str]) -> AskOptions | ServeOptions | RecordingOptions:
    """Without a command it is `serve`."""
    is_serve = not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help"))
    parser = _parser()
    words = parser.parse_args(["serve", *argv] if is_serve else argv)
    if words.command in RECORDING_COMMANDS:
        check_together(parser, words)
        return recording_options(words)
    if words.command == "serve":
        return serve_options(parser, words)
    return AskOptions(
        source=words.source,
        questions=tuple(words.question),
        at_s=words.at,
        fps=words.fps,
        speed=words.speed,
        is_json=words.json,
        timeout_s=words.timeout,
        speak_to=speech_options(parser, words),
        is_verbose=words.verbose,
        reading=reading_options(words),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="launch.py", description="A video assistant that remembers what it saw.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ask(commands)
    add_serve(commands)
    add_recording_commands(commands)
    commands.add_parser("say", help="speak a text into a WAV file")
    commands.add_parser("doctor", help="what was found on this machine, and what is missing")
    return parser


def _add_ask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ask = commands.add_parser(
        "ask",
        help="answer questions about a source, without a page",
        description="Plays a source up to --at, or to its end, then answers the questions in order.",
        epilog=f"{_EXAMPLES}\n{EXIT_CODES_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    source_help = "a video file, webcam:0, rtsp://..., http(s)://... or synthetic:NAME"
    ask.add_argument("--source", required=True, type=checked_source, metavar="SOURCE", help=source_help)
    question_help = "what to ask; may be given several times, all are asked at the same moment"
    ask.add_argument(
        "--question", required=True, action="append", type=checked_question, metavar="TEXT", help=question_help
    )
    at_help = f"stream time at which to ask (default: the end; a live source is watched for {LIVE_WATCH_S:g} s)"
    ask.add_argument("--at", type=checked_number("a number of seconds >= 0", 0.0), metavar="SECONDS", help=at_help)
    add_fps(ask)
    speed_help = "files: as fast as they can be read without losing a sampled frame (max, the default), or in real time"
    ask.add_argument("--speed", choices=("max", "realtime"), default="max", help=speed_help)
    add_reading(ask)
    ask.add_argument("--json", action="store_true", help="one JSON object a line on stdout, the last of each an answer")
    timeout_help = "give up (exit code 7) when the whole command has taken so long (default: never)"
    ask.add_argument(
        "--timeout", type=checked_number("a number of seconds > 0", 1e-3), metavar="SECONDS", help=timeout_help
    )
    add_speech_options(ask)
    ask.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")
