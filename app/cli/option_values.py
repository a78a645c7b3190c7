"""The values of options, checked: for argparse, which shows the sentence of what is raised here.

Comes in: one word. Goes out: its value, or argparse.ArgumentTypeError. Pure; light imports only.
"""

import argparse
import math
import os
from collections.abc import Callable

from app.errors import QuestionError
from app.questions import clean_question
from app.reading_options import ReadingOptions

__all__ = [
    "DEFAULT_FPS_HELP",
    "MAX_FPS",
    "MIN_FPS",
    "add_fps",
    "add_reading",
    "checked_fps",
    "checked_number",
    "checked_question",
    "checked_source",
    "reading_options",
]

MIN_FPS, MAX_FPS = 0.1, 30.0
DEFAULT_FPS = 2.0
DEFAULT_FPS_HELP = f"frames a second that are looked at, {MIN_FPS:g} to {MAX_FPS:g}"


def checked_source(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise argparse.ArgumentTypeError("name a video file, a camera or an address; got an empty text")
    return text


def checked_question(text: str) -> str:
    try:
        return clean_question(text)
    except QuestionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def checked_fps(text: str) -> float:
    return checked_number(f"a number from {MIN_FPS:g} to {MAX_FPS:g}", MIN_FPS, MAX_FPS)(text)


def add_fps(parser: "argparse._ActionsContainer") -> None:
    """The option of `ask` and `serve`."""
    fps_help = f"{DEFAULT_FPS_HELP} (default: {DEFAULT_FPS:g})"
    parser.add_argument("--fps", type=checked_fps, default=DEFAULT_FPS, metavar="N", help=fps_help)


def add_reading(parser: "argparse._ActionsContainer") -> None:
    """The options of `ask`, `record` and `serve` for cameras of the network."""
    parser.add_argument(
        "--ca-file",
        type=os.path.abspath,
        metavar="FILE",
        help="certificates (PEM) that are trusted in place of the system's, such as a camera's own",
    )
    parser.add_argument(
        "--no-tls-check",
        action="store_true",
        help="accept any certificate: others on the way could then read password and pictures",
    )
    parser.add_argument(
        "--hardware", metavar="KIND", help="decode with this (cuda, vaapi, videotoolbox), or without if it cannot"
    )


def reading_options(words: argparse.Namespace) -> ReadingOptions:
    return ReadingOptions(ca_file=words.ca_file, checks_tls=not words.no_tls_check, hardware=words.hardware)


def checked_number(allowed: str, low: float, high: float = 1e9, *, is_whole: bool = False) -> Callable[[str], float]:
    """A function that reads numbers; `allowed` says in words which."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or (is_whole and value != int(value)):
            raise argparse.ArgumentTypeError(f"expected {allowed}, got {text[:40]!r}")
        return value

    return read
