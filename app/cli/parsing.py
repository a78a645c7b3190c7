"""What may be said on the command line.

Comes in: words. Goes out: checked options, or SystemExit after argparse has told the user what was wrong.
Light imports only: a wrong argument is refused at once.
"""

import argparse
import math
from dataclasses import dataclass

from app.cli.exit_codes import EXIT_CODES_HELP
from app.errors import QuestionError
from app.questions import clean_question

__all__ = ["AskOptions", "ServeOptions", "parse"]

MIN_FPS, MAX_FPS = 0.1, 30.0
DEFAULT_FPS = 2.0
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
    is_verbose: bool


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """`serve`, checked."""

    source: str | None
    host: str
    port: int
    fps: float
    opens_browser: bool
    is_verbose: bool


def parse(argv: list[str]) -> AskOptions | ServeOptions:
    """Without a command it is `serve`."""
    is_serve = not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help"))
    words = _parser().parse_args(["serve", *argv] if is_serve else argv)
    if words.command == "serve":
        return ServeOptions(
            source=words.source,
            host=words.host,
            port=words.port,
            fps=words.fps,
            opens_browser=not words.no_browser,
            is_verbose=words.verbose,
        )
    return AskOptions(
        source=words.source,
        questions=tuple(words.question),
        at_s=words.at,
        fps=words.fps,
        speed=words.speed,
        is_json=words.json,
        timeout_s=words.timeout,
        is_verbose=words.verbose,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="launch.py", description="A video assistant that remembers what it saw.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ask(commands)
    _add_serve(commands)
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
    ask.add_argument("--source", required=True, type=_source, metavar="SOURCE", help=source_help)
    question_help = "what to ask; may be given several times, all are asked at the same moment"
    ask.add_argument("--question", required=True, action="append", type=_question, metavar="TEXT", help=question_help)
    at_help = f"stream time at which to ask (default: the end; a live source is watched for {LIVE_WATCH_S:g} s)"
    ask.add_argument("--at", type=_at, metavar="SECONDS", help=at_help)
    _add_fps(ask)
    speed_help = "files: as fast as they can be read without losing a sampled frame (max, the default), or in real time"
    ask.add_argument("--speed", choices=("max", "realtime"), default="max", help=speed_help)
    ask.add_argument("--json", action="store_true", help="one JSON object a line on stdout, the last of each an answer")
    timeout_help = "give up (exit code 7) when the whole command has taken so long (default: never)"
    ask.add_argument("--timeout", type=_timeout, metavar="SECONDS", help=timeout_help)
    ask.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser("serve", help="open the page (the default)", allow_abbrev=False)
    serve.add_argument("--source", type=_source, metavar="SOURCE", help="what to watch at once")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=_port, default=7860, help="port to listen on (default: 7860)")
    _add_fps(serve)
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser")
    serve.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")


def _add_fps(parser: argparse.ArgumentParser) -> None:
    fps_help = f"frames a second that are looked at, {MIN_FPS:g} to {MAX_FPS:g} (default: {DEFAULT_FPS:g})"
    parser.add_argument("--fps", type=_fps, default=DEFAULT_FPS, metavar="N", help=fps_help)


def _source(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("name a video file, a camera or an address; got an empty text")
    return text


def _question(text: str) -> str:
    try:
        return clean_question(text)
    except QuestionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _at(text: str) -> float:
    return _number(text, "a number of seconds >= 0", low=0.0)


def _timeout(text: str) -> float:
    return _number(text, "a number of seconds > 0", low=1e-3)


def _fps(text: str) -> float:
    return _number(text, f"a number from {MIN_FPS:g} to {MAX_FPS:g}", low=MIN_FPS, high=MAX_FPS)


def _port(text: str) -> int:
    return int(_number(text, "a whole number from 0 to 65535", low=0, high=65535, is_whole=True))


def _number(text: str, allowed: str, low: float, high: float = 1e9, is_whole: bool = False) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high or (is_whole and value != int(value)):
        raise argparse.ArgumentTypeError(f"expected {allowed}, got {text[:40]!r}")
    return value
