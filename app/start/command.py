"""What `python3 launch.py ...` does: understands the command, makes what is missing, hands over to .venv's Python.

In: the folder of Afterglow and the words after launch.py. Out: an exit code, or this process becomes `app.cli`.
One thread. A start that finds everything ready imports little and takes milliseconds.
"""

import os
import sys

from app.install.errors import EXIT_BAD_ARGUMENTS, EXIT_INTERRUPTED, SetupError
from app.install.stamp import is_ready, read_stamp, shadowing_package, venv_python

COMMANDS = ("serve", "ask", "say", "record", "query", "list", "export", "forget", "validate", "doctor", "test")


def run(root: str, words: list[str]) -> int:
    """The exit code; does not return on POSIX when `app.cli` takes over."""
    try:
        return _dispatch(root, words)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped: the same command goes on from here.\n")
        return EXIT_INTERRUPTED


def _dispatch(root: str, words: list[str]) -> int:
    command, words, torch_index = understand(words)
    if command == "version":
        from app import __version__

        sys.stdout.write(f"Afterglow {__version__}\n")
        return 0
    if command == "help":
        from app.start.usage import USAGE

        sys.stdout.write(USAGE)
        return 0
    if command == "doctor":
        return consult_doctor(root, words)
    if command == "test":
        from app.start.suite import run_suite

        return run_suite(root, words, torch_index)
    prepare(root, command, words, torch_index)
    return hand_over(root, "app.cli", [command, *words])


def consult_doctor(root: str, words: list[str]) -> int:
    """Reports from inside .venv when its Python is there, finished or not; else from here, with what there is."""
    if os.path.exists(venv_python(root)):
        return hand_over(root, "app.doctor", words)
    from app.doctor import main

    return main(words)


def understand(words: list[str]) -> tuple[str, list[str], str]:
    """The command, its words, and the package index for torch that the user named ("" for none)."""
    words, torch_index = take_torch_index(words)
    first = words[0] if words else ""
    if first in ("-h", "--help", "help"):
        return "help", [], torch_index
    if first == "--version":
        return "version", [], torch_index
    if first in COMMANDS:
        return first, words[1:], torch_index
    if not first or first.startswith("-"):
        return "serve", words, torch_index
    raise SetupError(
        f"There is no command {first!r}: use one of {', '.join(COMMANDS)}, or none for the page "
        "(python3 launch.py --help shows examples).",
        EXIT_BAD_ARGUMENTS,
    )


def take_torch_index(words: list[str]) -> tuple[list[str], str]:
    """Takes `--torch-index ADDRESS` out of the words; the environment's AFTERGLOW_TORCH_INDEX stands in for it."""
    rest, index = [], os.environ.get("AFTERGLOW_TORCH_INDEX", "")
    remaining = iter(words)
    for word in remaining:
        name, has_value, value = word.partition("=")
        if name != "--torch-index":
            rest.append(word)
            continue
        index = value if has_value else next(remaining, "")
        if not index:
            raise SetupError("--torch-index needs the address of a package index for torch.", EXIT_BAD_ARGUMENTS)
    return rest, index


def asks_for_help(words: list[str]) -> bool:
    return "-h" in words or "--help" in words


def prepare(root: str, command: str, words: list[str], torch_index: str) -> None:
    """Everything that `command` needs is there when this returns: right words, a free port, .venv, the models."""
    if not is_ready(root):
        # What can be refused or answered now must not wait for gigabytes.
        if command == "say":
            from app.cli.say import parse as parse_say

            parse_say(words)
        else:
            from app.cli.parsing import parse

            parse([command, *words])
    if command == "serve" and not asks_for_help(words):
        from app.install.port import page_address, require_free_port

        require_free_port(*page_address(words))
    ensure_environment(root, torch_index=torch_index)
    if command in ("serve", "ask", "record", "query") and not asks_for_help(words):
        ensure_models(root)


def ensure_environment(root: str, torch_index: str = "", with_tests: bool = False) -> None:
    if not is_ready(root, with_tests, torch_index):
        from pathlib import Path

        from app.install.environment import Installer, Wanted
        from app.install.progress import ProgressLine

        Installer(Path(root), Wanted(with_tests=with_tests, torch_index=torch_index), ProgressLine()).ensure()
    if shadowing_package(os.path.join(root, read_stamp(root).get("site_packages", ""))) is not None:
        raise SetupError(
            "The package `kernels` is installed in .venv and hides Afterglow's own folder of that name: remove it with "
            f"`{venv_python(root)} -m pip uninstall kernels` and start again."
        )


def ensure_models(root: str, with_optional: bool = False) -> None:
    """Fetches and converts the models, once, in .venv's Python, since the conversion needs torch.

    with_optional: those too that are otherwise fetched when they are first wanted.
    """
    from app.assets_store import are_assets_ready

    if are_assets_ready(with_optional=with_optional):
        return
    from app.start.child import run_child

    code = run_child(
        [venv_python(root), "-P", "-m", "app.assets_store", *(["--all"] if with_optional else [])],
        child_environment(root),
    )
    if code != 0:
        # The reason was told by the process itself.
        raise SystemExit(code)


def child_environment(root: str) -> dict[str, str]:
    """The user's environment with our folder alone on Python's path: another project's packages must not mix in."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**environment, "PYTHONPATH": root}


def hand_over(root: str, module: str, arguments: list[str]) -> int:
    """Becomes `python -m MODULE ARGUMENTS` (POSIX), or waits for it where a process cannot become another."""
    python = venv_python(root)
    # -P: a folder called `app` where the user stands must not be taken for ours.
    command = [python, "-P", "-m", module, *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(python, command, child_environment(root))
    from app.start.child import run_child

    return run_child(command, child_environment(root))
