"""Start of Afterglow: `python3 launch.py`. Needs nothing but a Python; what it lacks it installs beside itself.

In: the command line. Out: the exit code of what ran. One thread, no imports beyond the standard library.
This file keeps to the syntax of every Python 3, so that an unsuitable one is told so in a sentence; the work is
in `app.start`, which hands over to `python -m app.cli` inside .venv.
"""

import os
import sys

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
EXIT_WRONG_PYTHON = 10
EXIT_INTERRUPTED = 130


def main() -> int:
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        sys.stderr.write(wrong_python_sentence() + "\n")
        return EXIT_WRONG_PYTHON
    root = os.path.dirname(os.path.abspath(__file__))
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        from app.start import run

        return run(root, sys.argv[1:])
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def wrong_python_sentence() -> str:
    found = ".".join(str(number) for number in sys.version_info[:3])
    return (
        "Afterglow needs Python 3.11, 3.12 or 3.13, and this is Python " + found + " (" + sys.executable + "): "
        "run launch.py with one of those, for example `" + suitable_command() + " launch.py`."
    )


def suitable_command() -> str:
    folders = os.environ.get("PATH", "").split(os.pathsep)
    for name in ("python3.12", "python3.11", "python3.13"):
        if any(os.access(os.path.join(folder, name), os.X_OK) for folder in folders):
            return name
    return "py -3.12" if os.name == "nt" else "python3.12"


if __name__ == "__main__":
    sys.exit(main())
