"""The command line: `python -m app.cli COMMAND ...`, which `python3 launch.py` becomes.

Comes in: the words after launch.py. Goes out: an exit code; results on stdout, everything else on stderr.
Runs in the main thread. Imports almost nothing by itself, so that Ctrl-C finds it ready from its first moment.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.cli.ask import MakeSession

__all__ = ["main"]


def main(argv: list[str] | None = None, make_session: "MakeSession | None" = None) -> int:
    """Runs one command and returns its exit code. make_session: makes the session in place of the real one."""
    try:
        from app.cli.dispatch import run

        return run(sys.argv[1:] if argv is None else argv, make_session)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped by Ctrl-C.\n")
        return 130
