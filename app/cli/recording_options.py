"""What may be said to record, query, list, export, forget and validate.

Comes in: a parser to add to, then the words that it understood. Goes out: checked options. Light imports only.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from app.cli.curl import DEFAULT_URL
from app.cli.exit_codes import EXIT_CODES_HELP
from app.cli.option_values import (
    DEFAULT_FPS_HELP,
    add_reading,
    checked_fps,
    checked_number,
    checked_question,
    checked_source,
    reading_options,
)
from app.cli.speech_options import SpeakTo, add_speech_options, speech_options
from app.reading_options import ReadingOptions

__all__ = [
    "RECORDING_COMMANDS",
    "ExportOptions",
    "ForgetOptions",
    "ListOptions",
    "QueryOptions",
    "RecordOptions",
    "RecordingOptions",
    "ValidateOptions",
    "add_recording_commands",
    "check_together",
    "recording_options",
]

RECORDING_COMMANDS = ("record", "query", "list", "export", "forget", "validate")
RECORD_FPS = 1.0

_RECORD_EXAMPLES = """\
examples:
  python3 launch.py record --source rtsp://camera.local/stream --name front --max-gb 50 --max-days 7
  python3 launch.py record --config cameras.yaml
  python3 launch.py record --config cameras.yaml --print-unit > ~/.config/systemd/user/afterglow.service
"""
_QUERY_EXAMPLES = """\
examples:
  python3 launch.py query --name front --question "Did anyone come in between 2 and 3?"
  python3 launch.py query --name front --question "Was there a dog?" --from "yesterday at 9" --to "an hour ago" --json
"""


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """`record`, checked. Either a source with a name, or a file of cameras."""

    source: str | None
    name: str | None
    config: Path | None
    data: Path | None
    max_gb: float
    max_days: float
    min_free_gb: float
    fps: float
    keeps_video: bool
    credentials_file: str | None
    prints_unit: bool
    is_verbose: bool
    reading: ReadingOptions


@dataclass(frozen=True, kw_only=True)
class QueryOptions:
    """`query`, checked."""

    name: str
    data: Path | None
    questions: tuple[str, ...]
    said_from: str | None
    said_to: str | None
    is_json: bool
    export: Path | None
    timeout_s: float | None
    speak_to: SpeakTo | None
    prints_curl: bool
    url: str
    is_verbose: bool


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """`list`, checked."""

    name: str | None
    data: Path | None
    is_json: bool
    is_verbose: bool


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """`export`, checked. A moment, a frame, or an interval."""

    name: str
    data: Path | None
    at: str | None
    frame_id: int | None
    said_from: str | None
    said_to: str | None
    folder: Path
    is_json: bool
    is_verbose: bool


@dataclass(frozen=True, kw_only=True)
class ForgetOptions:
    """`forget`, checked."""

    name: str
    data: Path | None
    said_from: str
    said_to: str
    is_json: bool
    is_verbose: bool


@dataclass(frozen=True, kw_only=True)
class ValidateOptions:
    """`validate`, checked."""

    config: Path
    is_json: bool
    is_verbose: bool


RecordingOptions = RecordOptions | QueryOptions | ListOptions | ExportOptions | ForgetOptions | ValidateOptions


def add_recording_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _add_record(commands)
    _add_query(commands)
    listing = _command(commands, "list", "what was recorded", "Lists the recordings, or tells of one what is kept.")
    _add_place(listing, is_name_needed=False)
    _add_export(commands)
    forget = _command(commands, "forget", "erase an interval of a recording", "The recorder must not run meanwhile.")
    _add_place(forget)
    forget.add_argument("--from", dest="said_from", required=True, metavar="TIME", help="where erasing begins")
    forget.add_argument("--to", dest="said_to", required=True, metavar="TIME", help="where it ends")
    validate = _command(commands, "validate", "check a file of cameras", "Tells every mistake with its line.")
    validate.add_argument("--config", required=True, type=Path, metavar="FILE", help="the file of cameras")
    validate.add_argument("--json", action="store_true", help="one JSON object on stdout")
    for parser in (listing, forget):
        parser.add_argument("--json", action="store_true", help="JSON on stdout")


def recording_options(words: argparse.Namespace) -> RecordingOptions:
    """Of the command that was named."""
    common = {"is_verbose": words.verbose}
    if words.command == "record":
        return RecordOptions(
            source=words.source,
            name=words.name,
            config=words.config,
            data=words.data,
            max_gb=words.max_gb,
            max_days=words.max_days,
            min_free_gb=words.min_free_gb,
            fps=words.fps,
            keeps_video=not words.no_video,
            credentials_file=words.credentials_file,
            prints_unit=words.print_unit,
            reading=reading_options(words),
            **common,
        )
    if words.command == "validate":
        return ValidateOptions(config=words.config, is_json=words.json, **common)
    place = {"name": words.name, "data": words.data, "is_json": words.json, **common}
    if words.command == "list":
        return ListOptions(**place)
    if words.command == "forget":
        return ForgetOptions(said_from=words.said_from, said_to=words.said_to, **place)
    if words.command == "export":
        return ExportOptions(
            at=words.at,
            frame_id=words.frame,
            said_from=words.said_from,
            said_to=words.said_to,
            folder=words.folder,
            **place,
        )
    return QueryOptions(
        questions=tuple(words.question),
        said_from=words.said_from,
        said_to=words.said_to,
        export=words.export,
        timeout_s=words.timeout,
        speak_to=words.speak_to,
        prints_curl=words.print_curl,
        url=words.url,
        **place,
    )


def check_together(parser: argparse.ArgumentParser, words: argparse.Namespace) -> None:
    """What no single option can tell. Ends as argparse does."""
    if words.command == "query":
        words.speak_to = speech_options(parser, words)
    if words.command == "record":
        if words.config is None and (words.source is None or words.name is None):
            parser.error("record needs --source and --name, or --config")
        if words.config is not None and (words.source is not None or words.name is not None):
            parser.error("record takes either --config, or --source and --name")
    if words.command == "export":
        ways = [words.at is not None, words.frame is not None, bool(words.said_from or words.said_to)]
        if sum(ways) != 1:
            parser.error("export needs one of --at, --frame, or --from and --to")


def _add_record(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Records cameras until Ctrl-C or SIGTERM: their memory, a picture a second, and the video as it comes."
    record = _command(commands, "record", "record cameras, to be asked later", about, _RECORD_EXAMPLES)
    record.add_argument("--source", type=checked_source, metavar="SOURCE", help="the camera, as for ask")
    record.add_argument("--name", metavar="NAME", help="what to call it")
    record.add_argument("--config", type=Path, metavar="FILE", help="several cameras: see docs/RECORDING.md")
    _add_data(record)
    for name, default, low, text in (
        ("--max-gb", 20.0, 0.01, "of pictures and video together, the oldest go first"),
        ("--max-days", 7.0, 0.001, "of pictures and video"),
        ("--min-free-gb", 1.0, 0.0, "left free on the disk: below it nothing is added"),
    ):
        kind = checked_number(f"a number >= {low:g}", low)
        record.add_argument(name, type=kind, default=default, metavar="N", help=f"{text} (default: {default:g})")
    record.add_argument(
        "--fps", type=checked_fps, default=RECORD_FPS, metavar="N", help=f"{DEFAULT_FPS_HELP} (default: {RECORD_FPS:g})"
    )
    record.add_argument("--no-video", action="store_true", help="keep memory and pictures alone")
    record.add_argument("--credentials-file", metavar="FILE", help="two lines: user, password; readable by you alone")
    add_reading(record)
    record.add_argument("--print-unit", action="store_true", help="print a systemd unit for this command, and end")


def _add_query(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Asks a recording, also while it is being made. Times in the question are those of the clock."
    query = _command(commands, "query", "ask a recording", about, _QUERY_EXAMPLES)
    _add_place(query)
    query.add_argument("--question", required=True, action="append", type=checked_question, metavar="TEXT")
    _add_interval(query)
    query.add_argument("--json", action="store_true", help="one JSON object a line, the last of each an answer")
    query.add_argument(
        "--export", type=Path, metavar="FOLDER", help="write picture, clip and JSON of the evidence there"
    )
    add_speech_options(query)
    timeout = checked_number("a number of seconds > 0", 1e-3)
    query.add_argument("--timeout", type=timeout, metavar="SECONDS", help="give up (exit code 7) after so long")
    query.add_argument("--print-curl", action="store_true", help="print the same request to `serve`, and end")
    query.add_argument(
        "--url", default=DEFAULT_URL, help=f"for --print-curl: where it is served (default: {DEFAULT_URL})"
    )


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "Writes the picture of a moment, the clip of 5 s to either side and a JSON; or all pictures of an interval."
    export = _command(commands, "export", "take a moment out of a recording", about)
    _add_place(export)
    export.add_argument("--at", metavar="TIME", help="the moment, such as 14:02:11 or 'yesterday at 9'")
    frame = checked_number("a whole number >= 0", 0, is_whole=True)
    export.add_argument("--frame", type=lambda text: int(frame(text)), metavar="N", help="a frame that evidence names")
    _add_interval(export)
    export.add_argument("--folder", type=Path, default=Path(), metavar="FOLDER", help="where to write (default: here)")
    export.add_argument("--json", action="store_true", help="JSON on stdout")


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    short: str,
    about: str,
    examples: str = "",
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=short,
        description=about,
        epilog=f"{examples}\n{EXIT_CODES_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")
    return parser


def _add_place(parser: argparse.ArgumentParser, *, is_name_needed: bool = True) -> None:
    parser.add_argument("--name", required=is_name_needed, metavar="NAME", help="the name of the recording")
    _add_data(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    place = "AFTERGLOW_DATA, else ~/.local/share/afterglow/recordings"
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=f"where recordings lie (default: {place})")


def _add_interval(parser: argparse.ArgumentParser) -> None:
    times = "14:02, 'yesterday at 9', 'an hour ago', 2026-11-20T14:02"
    parser.add_argument("--from", dest="said_from", metavar="TIME", help=f"where the interval begins: {times}")
    parser.add_argument("--to", dest="said_to", metavar="TIME", help="where it ends (default: now)")
