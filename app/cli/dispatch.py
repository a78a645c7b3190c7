"""From words to a command, and from whatever it raises to one sentence and an exit code.

Comes in: the words after the program's name. Goes out: the exit code. The main thread.
"""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.cli.exit_codes import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, exit_code_of, sentence_of
from app.cli.output import Output, make_output
from app.cli.parsing import AskOptions, ServeOptions, parse
from app.cli.recording_options import (
    ExportOptions,
    ForgetOptions,
    ListOptions,
    QueryOptions,
    RecordingOptions,
    RecordOptions,
)

if TYPE_CHECKING:
    from app.cli.ask import MakeSession

__all__ = ["run"]

_log = logging.getLogger(__name__)
_INTERRUPTED = "Stopped by Ctrl-C."


def run(argv: list[str], make_session: "MakeSession | None" = None) -> int:
    """Runs the command that `argv` names."""
    if argv[:1] == ["doctor"]:
        from app.doctor import main as doctor

        return doctor(argv[1:])
    if argv[:1] == ["say"]:
        from app.cli.say import main as say

        return say(argv[1:])
    try:
        options = parse(argv)
    except SystemExit as end:  # argparse has said what was wrong, or shown its help
        return end.code if isinstance(end.code, int) else 2
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if options.is_verbose else logging.WARNING,
        format="%(levelname)s %(threadName)s %(name)s: %(message)s",
    )
    output = make_output(sys.stdout, sys.stderr, is_json=getattr(options, "is_json", False))
    with _interrupts_caught() as was_interrupted, contextlib.redirect_stdout(sys.stderr):  # stdout is for results
        try:
            return _run(options, output, make_session)
        except BrokenPipeError:
            output.abandon()
            return EXIT_BROKEN_PIPE
        except KeyboardInterrupt:
            return _fail(output, _INTERRUPTED, EXIT_INTERRUPTED)
        except Exception as error:  # the main thread's top frame: a sentence for the user, the trace for who asks
            _log.debug("the command failed", exc_info=error)
            if was_interrupted.is_set():  # in the middle of an import, Ctrl-C may come out as another error
                return _fail(output, _INTERRUPTED, EXIT_INTERRUPTED)
            return _fail(output, sentence_of(error), exit_code_of(error))


def _run(
    options: AskOptions | ServeOptions | RecordingOptions, output: Output, make_session: "MakeSession | None"
) -> int:
    if isinstance(options, ServeOptions):
        from app.cli.serve import serve

        return serve(options, output)
    if isinstance(options, AskOptions):
        from app.cli.ask import ask

        return ask(options, output, make_session)
    return _run_recording(options, output, make_session)


def _run_recording(options: RecordingOptions, output: Output, make_session: "MakeSession | None") -> int:
    """Each command brings its own libraries."""
    if isinstance(options, RecordOptions):
        from app.cli.record import record

        return record(options, output, make_session)
    if isinstance(options, QueryOptions):
        from app.cli.query import query

        return query(options, output)
    from app.cli import stored

    if isinstance(options, ListOptions):
        return stored.list_recordings(options, output)
    if isinstance(options, ExportOptions):
        return stored.export(options, output)
    if isinstance(options, ForgetOptions):
        return stored.forget(options, output)
    return stored.validate(options, output)


def _fail(output: Output, sentence: str, exit_code: int) -> int:
    try:
        output.error(sentence, exit_code)
    except OSError:
        output.abandon()
    return exit_code


@contextlib.contextmanager
def _interrupts_caught() -> Iterator[threading.Event]:
    """The first Ctrl-C ends the command, in order; while it ends, which is bounded, further ones change nothing."""
    was_interrupted = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        was_interrupted.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield was_interrupted
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield was_interrupted
    finally:
        signal.signal(signal.SIGINT, before)
