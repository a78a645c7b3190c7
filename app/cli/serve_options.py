"""What may be said to `serve`.

Comes in: a parser to add to, then the words that it understood. Goes out: checked options. Light imports only.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from app.cli.option_values import add_fps, add_reading, checked_number, checked_source, reading_options
from app.cli.speech_options import VoiceChoice, add_voice_options, voice_choice
from app.reading_options import ReadingOptions
from app.recording.folder import NAME_RULE, is_name

__all__ = ["ServeOptions", "add_serve", "serve_options"]

_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_EXAMPLES = """\
examples:
  python3 launch.py serve --source rtsp://camera.local/stream --name front --source webcam:0 --name desk
  python3 launch.py serve --config cameras.yaml --host 0.0.0.0
"""


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """`serve`, checked."""

    sources: tuple[str, ...]
    names: tuple[str, ...]  # as many as sources
    config: Path | None
    keeps: bool
    data: Path | None
    host: str
    port: int
    host_names: tuple[str, ...]
    token_file: Path | None
    renews_token: bool
    allowed_hosts: tuple[str, ...]
    allowed_folders: tuple[str, ...]
    allows_devices: bool
    fps: float
    opens_browser: bool
    opens_window: bool
    is_hands_free: bool
    voice: VoiceChoice
    is_verbose: bool
    reading: ReadingOptions


def add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser(
        "serve",
        help="open the page (the default)",
        description="Serves the page and the interface for programs. See docs/API.md.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    watch = serve.add_argument_group("what to watch at once")
    watch.add_argument(
        "--source", action="append", default=[], type=checked_source, metavar="SOURCE", help="as for ask"
    )
    watch.add_argument("--name", action="append", default=[], metavar="NAME", help="of each source, in the same order")
    watch.add_argument("--config", type=Path, metavar="FILE", help="the file of cameras of `record`: all are kept")
    watch.add_argument("--keep", action="store_true", help="keep what the sources show on the disk, as `record` does")
    place = "AFTERGLOW_DATA, else ~/.local/share/afterglow/recordings"
    watch.add_argument("--data", type=Path, metavar="FOLDER", help=f"where recordings lie (default: {place})")
    add_fps(watch)
    add_reading(watch)
    where = serve.add_argument_group("where, and for whom")
    where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    where.add_argument("--port", type=_port, default=7860, help="port to listen on (default: 7860)")
    where.add_argument(
        "--host-name",
        type=_host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="a further name of this page, as behind a proxy",
    )
    where.add_argument(
        "--token-file", type=Path, metavar="FILE", help="the token of other machines (else AFTERGLOW_TOKEN_FILE)"
    )
    where.add_argument("--new-token", action="store_true", help="make a new token; the old one ends")
    look = where.add_mutually_exclusive_group()
    look.add_argument("--no-browser", action="store_true", help="do not open a browser")
    look.add_argument("--window", action="store_true", help="a window of its own; closing it ends the program")
    where.add_argument(
        "--hands-free", action="store_true", help="open the page for questions and answers by voice, without looking"
    )
    add_voice_options(serve.add_argument_group("spoken answers, where a page wants them"))
    allow = serve.add_argument_group("what pages may open where a token is needed")
    allow.add_argument("--allow-host", action="append", default=[], metavar="HOST", help="a host with cameras")
    allow.add_argument("--allow-folder", action="append", default=[], metavar="FOLDER", help="a folder with videos")
    allow.add_argument("--allow-devices", action="store_true", help="webcams and the screen of this machine")
    serve.add_argument("--verbose", action="store_true", help="tell what happens, on stderr")


def serve_options(parser: argparse.ArgumentParser, words: argparse.Namespace) -> ServeOptions:
    """Ends as argparse does for options that do not go together."""
    if words.config is not None and (words.source or words.name):
        parser.error("serve takes either --config, or --source")
    return ServeOptions(
        sources=tuple(words.source),
        names=_names(parser, words.source, words.name),
        config=words.config,
        keeps=words.keep,
        data=words.data,
        host=words.host,
        port=words.port,
        host_names=tuple(words.host_name),
        token_file=words.token_file,
        renews_token=words.new_token,
        allowed_hosts=tuple(words.allow_host),
        allowed_folders=tuple(words.allow_folder),
        allows_devices=words.allow_devices,
        fps=words.fps,
        opens_browser=not words.no_browser,
        opens_window=words.window,
        is_hands_free=words.hands_free,
        voice=voice_choice(words),
        is_verbose=words.verbose,
        reading=reading_options(words),
    )


def _names(parser: argparse.ArgumentParser, sources: list[str], names: list[str]) -> tuple[str, ...]:
    """Of one source that has none: camera; of several: camera-1 and so on."""
    if not names:
        return ("camera",) if len(sources) == 1 else tuple(f"camera-{number}" for number in range(1, len(sources) + 1))
    if len(names) != len(sources):
        parser.error(f"give each --source its --name: there are {len(sources)} sources and {len(names)} names")
    for name in names:
        if not is_name(name):
            parser.error(f"{name[:40]!r} is no name of a camera: use {NAME_RULE}")
    if len(set(names)) != len(names):
        parser.error("each source needs a name of its own")
    return tuple(names)


def _host_name(text: str) -> str:
    if _HOST_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"expected a name such as afterglow.example, without http:// and port, got {text[:40]!r}"
        )
    return text


def _port(text: str) -> int:
    return int(checked_number("a whole number from 0 to 65535", 0, 65535, is_whole=True)(text))
