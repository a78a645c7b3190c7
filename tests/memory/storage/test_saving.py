import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from memory import MemoryConfig, StreamMemory
from memory.storage import (
    About,
    DamagedMemoryError,
    ForeignMemoryError,
    NothingSavedError,
    SaveFailedError,
    StorageError,
    load_memory,
    resume_point,
    save_memory,
)
from memory.storage.atomic import replacing, unfinished_path

ABOUT = About(fingerprint="encoder-1", t_now_s=99.5, last_frame_id=199, wall_offset_s=1.7e9)


def a_state(value=1.0):
    arrays = {
        "temporal.token_sums": np.full((3, 4), value, np.float32),
        "ledger.times_s": np.empty((0, 2), np.float64),
        "ids": np.array([1, -(2**62)], np.int64),
        "flags": np.array([True, False]),
        "scalar": np.array(3.5),
    }
    return arrays, {"format": "any", "nested": {"list": [1, 0.1, None, True, "ü"]}}


def assert_same(saved, state):
    arrays, document = state
    assert saved.document == document and set(saved.arrays) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(saved.arrays[name], array)
        assert saved.arrays[name].dtype == array.dtype and saved.arrays[name].flags.writeable


def test_a_state_comes_back_exactly_as_it_was(tmp_path):
    path = tmp_path / "memory.afterglow"
    save_memory(path, a_state(), ABOUT, clock=lambda: 123.0)
    saved = load_memory(path, "encoder-1")
    assert_same(saved, a_state())
    assert (saved.about, saved.saved_at_s) == (ABOUT, 123.0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["memory.afterglow"]


@settings(max_examples=25, deadline=None)
@given(
    array=st.sampled_from([np.float32, np.float64, np.int64, np.bool_]).flatmap(
        lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    )
)
def test_any_array_of_plain_numbers_survives_bit_for_bit(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("state") / "m"
    save_memory(path, ({"a": array}, {}), ABOUT)
    loaded = load_memory(path, "encoder-1").arrays["a"]
    assert (loaded.dtype, loaded.shape, loaded.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_a_loaded_memory_goes_on_as_if_it_had_never_been_saved(tmp_path):
    config = MemoryConfig(num_tokens=4, token_dim=6, key_dim=3, num_evidence_channels=2, temporal_capacity=6)
    rng = np.random.default_rng(0)
    frames = [(rng.random((4, 6), np.float32), rng.standard_normal(3).astype(np.float32)) for _ in range(60)]
    never_saved, first = StreamMemory(config), StreamMemory(config)
    for number in range(30):
        never_saved.write(*frames[number], number / 2, number)
        first.write(*frames[number], number / 2, number)
    save_memory(tmp_path / "m", first.export_state(), ABOUT)
    saved = load_memory(tmp_path / "m", "encoder-1")
    loaded = StreamMemory.from_state(saved.arrays, saved.document)
    for number in range(30, 60):
        never_saved.write(*frames[number], number / 2, number)
        loaded.write(*frames[number], number / 2, number)
    (arrays, document), (loaded_arrays, loaded_document) = never_saved.export_state(), loaded.export_state()
    assert document == loaded_document and set(arrays) == set(loaded_arrays)
    assert all(arrays[name].tobytes() == loaded_arrays[name].tobytes() for name in arrays)


def test_another_encoder_is_refused_with_a_clear_message(tmp_path):
    save_memory(tmp_path / "m", a_state(), ABOUT)
    with pytest.raises(ForeignMemoryError, match="made with the encoder 'encoder-1', not with 'encoder-2'"):
        load_memory(tmp_path / "m", "encoder-2")


def test_another_version_and_other_files_are_refused(tmp_path):
    path = tmp_path / "m"
    with pytest.raises(NothingSavedError, match="save a memory first"):
        load_memory(path, "encoder-1")
    with pytest.raises(ForeignMemoryError, match="folder"):
        load_memory(tmp_path, "encoder-1")
    path.write_text("dear diary")
    with pytest.raises(DamagedMemoryError, match="damaged or no saved memory"):
        load_memory(path, "encoder-1")
    for about, error in (
        ({"format": "afterglow-saved-memory", "version": 2}, ForeignMemoryError),
        ({"format": "else"}, ForeignMemoryError),
        ({"format": "afterglow-saved-memory", "version": 1}, DamagedMemoryError),
        ([], DamagedMemoryError),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("about.json", json.dumps(about))
        with pytest.raises(error):
            load_memory(path, "encoder-1")


def test_a_file_that_was_cut_off_or_changed_anywhere_is_refused(tmp_path):
    path = tmp_path / "m"
    save_memory(path, a_state(), ABOUT)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedMemoryError):
            load_memory(path, "encoder-1")
    for place in range(0, len(whole), 53):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            saved = load_memory(path, "encoder-1")
        except StorageError:
            continue
        assert_same(saved, a_state())  # a byte that carries nothing


def test_no_file_can_run_code(tmp_path):
    with pytest.raises(ValueError, match="plain numbers"):
        save_memory(tmp_path / "m", ({"a": np.array([object()])}, {}), ABOUT)
    with pytest.raises(ValueError, match="names of arrays"):
        save_memory(tmp_path / "m", ({"../../etc/passwd": np.zeros(1)}, {}), ABOUT)
    with pytest.raises(ValueError):
        save_memory(tmp_path / "m", ({}, {"a": float("nan")}), ABOUT)
    assert list(tmp_path.iterdir()) == []
    save_memory(tmp_path / "m", ({"a": np.zeros(2)}, {}), ABOUT)
    pickled = tmp_path / "p.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    huge = (
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117)
        + b"\n"
    )
    for bad in (pickled.read_bytes(), huge):
        with zipfile.ZipFile(tmp_path / "m") as old, zipfile.ZipFile(tmp_path / "bad", "w") as new:
            for name in old.namelist():
                new.writestr(name, bad if name.endswith("a.npy") else old.read(name))
        with pytest.raises(DamagedMemoryError):
            load_memory(tmp_path / "bad", "encoder-1")


def test_a_failing_save_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "m"
    save_memory(path, a_state(1.0), ABOUT)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SaveFailedError, match="No space left.*still stands"):
            save_memory(path, a_state(2.0), ABOUT)
    assert_same(load_memory(path, "encoder-1"), a_state(1.0))
    assert not unfinished_path(path).exists()
    with pytest.raises(SaveFailedError):
        save_memory(tmp_path / "no folder" / "m", a_state(), ABOUT)


def test_killed_at_any_point_of_a_save_the_old_one_stands(tmp_path):
    """Whatever part of the new file was written, it is not where the old one is; the next save clears it away."""
    path = tmp_path / "m"
    save_memory(path, a_state(1.0), ABOUT)
    with zipfile.ZipFile(tmp_path / "other", "w"):
        pass
    for num_bytes in (0, 10, 400):
        unfinished_path(path).write_bytes(path.read_bytes()[:num_bytes])
        assert_same(load_memory(path, "encoder-1"), a_state(1.0))
    save_memory(path, a_state(2.0), ABOUT)
    assert_same(load_memory(path, "encoder-1"), a_state(2.0))
    assert not unfinished_path(path).exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "m"
    save_memory(path, a_state(1.0), ABOUT)
    child = os.fork()
    if child == 0:  # dies between the first bytes and the last
        try:
            with replacing(path) as file:
                file.write(b"half of a new file")
                file.flush()
                os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert unfinished_path(path).read_bytes() == b"half of a new file"
    assert_same(load_memory(path, "encoder-1"), a_state(1.0))


def test_after_a_restart_times_and_ids_go_on():
    point = resume_point(ABOUT, wall_now_s=1.7e9 + 5000.0)
    assert (point.last_s, point.time_offset_s, point.first_frame_id) == (99.5, 5000.0, 200)
    assert (point.wall_offset_s, point.is_clock_trusted) == (1.7e9, True)


def test_the_archive_may_be_ahead_of_the_saved_memory():
    point = resume_point(ABOUT, 1.7e9 + 5000.0, archive_last_s=150.0, archive_last_frame_id=300)
    assert (point.last_s, point.first_frame_id) == (150.0, 301)
    behind = resume_point(ABOUT, 1.7e9 + 5000.0, archive_last_s=20.0, archive_last_frame_id=40)
    assert (behind.last_s, behind.first_frame_id) == (99.5, 200)


@given(wall=st.floats(1e9, 3e9), archive_s=st.none() | st.floats(0, 1e7))
def test_times_never_go_back_whatever_the_clock_says(wall, archive_s):
    point = resume_point(ABOUT, wall, archive_s, 5)
    assert point.time_offset_s >= point.last_s >= ABOUT.t_now_s
    assert point.wall_offset_s + point.time_offset_s == pytest.approx(wall)
    assert point.is_clock_trusted == (wall - ABOUT.wall_offset_s >= point.last_s)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="t_now_s"):
        About(fingerprint="e", t_now_s=float("nan"), last_frame_id=0, wall_offset_s=0.0)
