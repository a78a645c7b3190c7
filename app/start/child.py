"""Runs a program and stays until it has ended, also through Ctrl-C. Standard library only, one thread."""

import os
import signal
import subprocess

INTERRUPT_GRACE_S = 1.0


def run_child(command: list[str], environment: dict[str, str], folder: str | None = None) -> int:
    """The program's exit code, 128 + number of the signal when one ended it; on Ctrl-C it ends in its own way."""
    with subprocess.Popen(command, env=environment, cwd=folder) as process:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                _pass_on_interrupt(process)


def _pass_on_interrupt(process: "subprocess.Popen[bytes]") -> None:
    """From a keyboard the child has it already; from `kill` only this process has."""
    try:
        process.wait(INTERRUPT_GRACE_S)
    except subprocess.TimeoutExpired:
        if os.name == "posix":
            process.send_signal(signal.SIGINT)
