"""Runs pip inside .venv: its output becomes one line of progress, its failures one sentence. Standard library only.

In: pip's arguments. Out: pip's standard output as lines, or SetupError. pip itself is set up by the user (index, proxy,
certificates) and nothing here names a package index. One thread, the starter's.
"""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.install.errors import EXIT_DAMAGED, EXIT_NOT_FETCHED, SetupError, disk_full_error, read_only_error
from app.install.progress import ProgressLine

# Settings that would send the packages somewhere else than into .venv, or hide the output that is read here.
IGNORED_SETTINGS = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_QUIET", "PIP_VERBOSE", "PIP_REQUIRE_VIRTUALENV")
FEW_PACKAGES = 10
LARGE_DOWNLOAD = re.compile(r"\((?:\d{2,}\.\d MB|\d+\.\d GB)\)")
DISK_WORDS = ("No space left on device", "[Errno 28]", "WinError 112", "Disk quota exceeded", "os error 28")
DAMAGE_WORDS = ("DO NOT MATCH THE HASHES", "BadZipFile", "has an invalid wheel", "is not a zip file", "is invalid.")
PERMISSION_WORDS = ("Permission denied", "Read-only file system", "[Errno 13]", "[Errno 30]", "Access is denied")
CERTIFICATE_WORDS = ("CERTIFICATE_VERIFY_FAILED", "SSLError", "SSL: ")
REFUSED_WORDS = ("401 Client Error", "403 Client Error", "407 Client Error", "401 Error", "403 Error")
NETWORK_WORDS = (
    "NewConnectionError",
    "NameResolutionError",
    "name resolution",
    "getaddrinfo failed",
    "nodename nor servname",
    "Connection refused",
    "Network is unreachable",
    "No route to host",
    "timed out",
    "TimeoutError",
    "ProxyError",
    "Connection reset",
    "Connection aborted",
    "Connection broken",
    "ConnectionError",
    "IncompleteRead",
    "Connection interrupted",
    "Max retries exceeded",
)


class PackageNotOfferedError(SetupError):
    """The index answered (or none was asked) and has no such package for this machine."""


@dataclass(frozen=True, kw_only=True)
class Pip:
    """How to call the pip of one virtual environment."""

    python: Path
    log: Path
    temporary: Path
    version: tuple[int, ...] = (0,)
    extra_arguments: tuple[str, ...] = ()

    def run(self, arguments: list[str], progress: ProgressLine) -> list[str]:
        """pip's output lines; SetupError with a plain sentence when it fails. Everything also goes into the log."""
        command = [str(self.python), "-I", "-u", "-X", "utf8", "-m", "pip", *arguments, *self._options(arguments[0])]
        self.temporary.mkdir(parents=True, exist_ok=True)
        watcher = OutputWatcher(progress)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write("$ " + " ".join(command) + "\n")
            exit_code = run_watched(command, pip_environment(self.temporary), [watcher.see, log.write])
        progress.close()
        if exit_code != 0:
            raise explain_failure("".join(watcher.lines), self.log, str(self.python.parent.parent))
        return watcher.lines

    def _options(self, command: str) -> list[str]:
        options = ["--no-input", "--disable-pip-version-check", "--no-color"]
        if command not in ("install", "download"):
            return options
        if self.version >= (24, 1):
            options.append("--progress-bar=raw")
        if self.version >= (25, 1):
            options.append("--resume-retries=20")
        return [*options, *self.extra_arguments]


@dataclass
class OutputWatcher:
    """Reads pip's output line by line and shows what it means."""

    progress: ProgressLine
    lines: list[str] = field(default_factory=list)
    _file: str = ""

    def see(self, line: str) -> None:
        words = line.split()
        if len(words) == 4 and words[0] == "Progress":
            self.progress.update(self._file, int(words[1]), int(words[3]))
            return
        self.lines.append(line)
        if line.startswith("Collecting ") and len(words) > 1:
            self.progress.note(f"looking up {words[1]}")
        elif words[:1] == ["Downloading"] and len(words) > 1 and not words[1].endswith(".metadata"):
            self._file = "-".join(words[1].rsplit("/", 1)[-1].split("-")[:2])
            if LARGE_DOWNLOAD.search(line):
                self.progress.say(f"  downloading {self._file} {' '.join(words[2:])}")
        elif line.startswith("Installing collected packages:"):
            num_packages = line.count(",") + 1
            if num_packages > FEW_PACKAGES:
                self.progress.say(f"  unpacking {num_packages} packages, which takes a minute or two")


def run_watched(command: list[str], environment: dict[str, str], sinks: Sequence[Callable[[str], object]]) -> int:
    """Runs a command, hands each line of its output to every sink, returns its exit code; it ends with this process."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            for line in process.stdout:
                for sink in sinks:
                    sink(line)
        return process.wait()
    except BaseException:  # Ctrl-C and a full disk under the log alike: no pip may go on alone
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def pip_environment(temporary: Path) -> dict[str, str]:
    """The user's environment; what could misplace the packages is left out, temporary files go beside .venv."""
    environment = {name: value for name, value in os.environ.items() if name not in IGNORED_SETTINGS}
    # A small /tmp in memory is common, and the packages are gigabytes.
    return {**environment, "PIP_USER": "0", "TMPDIR": str(temporary), "TMP": str(temporary), "TEMP": str(temporary)}


def explain_failure(output: str, log: Path, folder: str) -> SetupError:
    """The sentence for what pip said; the most certain causes are looked for first."""
    if any(word in output for word in DISK_WORDS):
        return disk_full_error(folder, "packages were being fetched")
    if any(word in output for word in DAMAGE_WORDS):
        return SetupError(
            "A downloaded package is damaged: run the same command again; if this comes back, `pip cache purge` "
            f"removes what pip has stored (details: {log}).",
            EXIT_DAMAGED,
        )
    if any(word in output for word in PERMISSION_WORDS):
        return read_only_error(folder)
    if any(word in output for word in CERTIFICATE_WORDS):
        return SetupError(
            "The package index could not be reached safely (its certificate was not accepted): check this machine's "
            f"clock, and the proxy and certificate in `pip config list`, then run again (details: {log}).",
            EXIT_NOT_FETCHED,
        )
    if any(word in output for word in REFUSED_WORDS):
        return SetupError(
            f"The package index that pip is set to use refused access: see `pip config list` (details: {log}).",
            EXIT_NOT_FETCHED,
        )
    return _explain_absence(output, log)


def _explain_absence(output: str, log: Path) -> SetupError:
    if any(word in output for word in NETWORK_WORDS):
        return SetupError(
            "The packages that Afterglow needs could not be fetched, the network does not answer: connect and run the "
            f"same command again (details: {log}).",
            EXIT_NOT_FETCHED,
        )
    missing = re.search(r"No matching distribution found for ([^\s;]+)", output)
    if missing is not None:
        return PackageNotOfferedError(
            f"pip finds no {missing[1]} for this machine and Python: there is no network, or the package index in "
            f"`pip config list` does not have it; check both and run the same command again (details: {log}).",
            EXIT_NOT_FETCHED,
        )
    capped = re.search(r"ERROR: Cannot install (\S+) because", output)  # a constraint of this machine stands beside it
    if capped is not None and "no matching distributions available" in output:
        return PackageNotOfferedError(
            f"pip finds no {capped[1]} for this machine and Python beside the constraints in `pip config list`: check "
            f"them and run the same command again (details: {log}).",
            EXIT_NOT_FETCHED,
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ")] or lines or ["it gave no reason"]
    reason = errors[-1].removeprefix("ERROR: ")
    return SetupError(f"pip could not install the packages: {reason} (details: {log}).")
