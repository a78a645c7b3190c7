import json
import zipfile

import numpy as np
import pytest

from memory import MemoryConfig, StreamMemory
from memory.archive import ArchiveReader
from memory.storage import (
    About,
    Bundle,
    DamagedMemoryError,
    ForeignMemoryError,
    NothingSavedError,
    load_memory,
    save_memory,
    write_bundle,
)
from tests.memory.archive.making import (
    EVIDENCE_DIM,
    KEY_DIM,
    bytes_on_disk,
    evidence_of,
    fill,
    jpeg_of,
    key_of,
    make_archive,
)

ABOUT = About(fingerprint="encoder-1", t_now_s=29.0, last_frame_id=29, wall_offset_s=1.7e9)


def a_memory(num_frames=30):
    config = MemoryConfig(num_tokens=4, token_dim=6, key_dim=KEY_DIM, num_evidence_channels=2)
    memory = StreamMemory(config)
    for number in range(num_frames):
        memory.write(np.full((4, 6), number, np.float32), key_of(number), float(number), number)
    return memory


@pytest.fixture
def bundled(tmp_path):
    """(bundle file, folder of the archive that it came from)."""
    archive = make_archive(tmp_path / "a")
    fill(archive, 35)
    archive.mark("caption", 3.0, 4.0, "a dog")
    archive.pin(5.0, 6.0, "keys")
    reader = ArchiveReader(tmp_path / "a")
    report = write_bundle(tmp_path / "b.afterglow", a_memory().export_state(), ABOUT, reader)
    assert (report.num_frames, report.num_damaged) == (30, 0)  # not what came after the memory's last frame
    reader.close()
    archive.close()
    return tmp_path / "b.afterglow"


def test_a_bundle_is_opened_without_stream_or_archive(bundled, tmp_path):
    bundle = Bundle(bundled)
    assert bundle.num_frames == 30
    assert [row.frame_id for row in bundle.rows] == list(range(30))
    assert bundle.rows[7].wall_time_s == 1.7e9 + 7
    assert bundle.jpeg(12) == jpeg_of(12) and bundle.jpeg(31) is None
    saved = bundle.memory("encoder-1")
    memory = StreamMemory.from_state(saved.arrays, saved.document)
    assert memory.snapshot().t_now_s == 29.0
    with pytest.raises(ForeignMemoryError, match="encoder-2"):
        bundle.memory("encoder-2")
    assert bundled.stat().st_mode & 0o777 == 0o600


def test_the_frames_of_a_bundle_become_an_archive_that_can_be_searched(bundled, tmp_path):
    Bundle(bundled).unpack_archive(tmp_path / "unpacked")
    reader = ArchiveReader(tmp_path / "unpacked")
    assert reader.search(key=key_of(12), k=1)[0].frame_id == 12
    frame = reader.get(12)
    assert frame.jpeg == jpeg_of(12)
    np.testing.assert_allclose(frame.key, key_of(12), atol=2e-3)
    np.testing.assert_allclose(frame.evidence, evidence_of(12), atol=2e-3)
    assert [(event.kind, event.text) for event in reader.events()] == [("caption", "a dog")]
    assert [pin.label for pin in reader.pins()] == ["keys"]
    reader.close()
    with pytest.raises(ForeignMemoryError, match="new folder"):
        Bundle(bundled).unpack_archive(tmp_path / "unpacked")


def test_a_bundle_of_another_encoder_is_not_written(tmp_path):
    make_archive(tmp_path / "a").close()
    reader = ArchiveReader(tmp_path / "a")
    other = About(fingerprint="encoder-2", t_now_s=1.0, last_frame_id=1, wall_offset_s=0.0)
    with pytest.raises(ForeignMemoryError, match="own archive"):
        write_bundle(tmp_path / "b", a_memory(2).export_state(), other, reader)
    assert not (tmp_path / "b").exists()
    reader.close()


def test_a_spoilt_frame_does_not_stop_the_others(tmp_path):
    archive = make_archive(tmp_path / "a")
    fill(archive, 10)
    archive.close()
    path = next((tmp_path / "a").glob("segment-*.frames"))
    data = bytearray(path.read_bytes())
    data[4500] ^= 1
    path.write_bytes(data)
    reader = ArchiveReader(tmp_path / "a")
    report = write_bundle(tmp_path / "b", a_memory().export_state(), ABOUT, reader)
    assert (report.num_frames, report.num_damaged) == (9, 1)
    assert Bundle(tmp_path / "b").jpeg(4) is None
    reader.close()


def rewritten(bundled, changes, path):
    """A copy of a bundle with some of its parts replaced."""
    with zipfile.ZipFile(bundled) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
    return path


def test_bundles_that_lie_are_refused(bundled, tmp_path):
    with zipfile.ZipFile(bundled) as archive:
        told = json.loads(archive.read("bundle.json"))
    with pytest.raises(ForeignMemoryError, match="version 9"):
        Bundle(rewritten(bundled, {"bundle.json": json.dumps({**told, "version": 9})}, tmp_path / "c"))
    with pytest.raises(DamagedMemoryError):
        Bundle(rewritten(bundled, {"bundle.json": json.dumps({**told, "key_dim": "many"})}, tmp_path / "c"))
    for changes in (
        {"bundle.json": json.dumps({**told, "evidence_dim": EVIDENCE_DIM + 1})},
        {"frames/12.jpg": b"MZ not a picture"},
    ):
        with pytest.raises(DamagedMemoryError):
            Bundle(rewritten(bundled, changes, tmp_path / "c")).unpack_archive(
                tmp_path / f"u{len(changes)}{id(changes)}"
            )
    save_memory(tmp_path / "m", a_memory(2).export_state(), ABOUT)
    with pytest.raises(DamagedMemoryError):
        Bundle(tmp_path / "m")  # a saved memory is no bundle
    with pytest.raises(NothingSavedError):
        Bundle(tmp_path / "nowhere")


def test_a_memory_and_its_archive_forget_together_down_to_the_bytes(tmp_path):
    """As the product does it: the memory, the archive, then the file of the memory anew."""
    archive, memory = make_archive(tmp_path / "archive"), a_memory()
    fill(archive, 30)
    save_memory(tmp_path / "memory.afterglow", memory.export_state(), ABOUT)
    memory.note("caption", "a red umbrella", 12.0, 13.0)
    key_bytes = [key_of(12).astype(np.float16).tobytes(), key_of(12).tobytes()]
    assert key_bytes[0] in bytes_on_disk(tmp_path) and key_bytes[1] in bytes_on_disk(tmp_path)
    memory.forget(10.0, 14.0)
    archive.forget(10.0, 14.0)
    save_memory(tmp_path / "memory.afterglow", memory.export_state(), ABOUT)
    left = bytes_on_disk(tmp_path)
    assert jpeg_of(12) not in left and b"umbrella" not in left
    assert not any(trace in left for trace in key_bytes)
    assert load_memory(tmp_path / "memory.afterglow", "encoder-1").about == ABOUT
    archive.close()
