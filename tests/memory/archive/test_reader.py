import threading

import numpy as np
import pytest

from memory.archive import ArchiveClosedError, ArchiveReader
from memory.archive import reader as reader_module
from tests.memory.archive.making import EVIDENCE_DIM, evidence_of, fill, jpeg_of, key_of, make_archive, put


@pytest.fixture
def recorded(tmp_path):
    """(archive with frames 0..49 at one a second, reader)."""
    archive = make_archive(tmp_path / "a")
    fill(archive, 50)
    reader = ArchiveReader(tmp_path / "a")
    yield archive, reader
    reader.close()
    archive.close()


def ids(rows):
    return [row.frame_id for row in rows]


def test_frames_are_found_by_time(recorded):
    _, reader = recorded
    assert ids(reader.between(3.0, 5.5)) == [3, 4, 5]
    assert reader.between(60.0, 70.0) == []
    assert reader.nearest(7.4).frame_id == 7
    assert reader.nearest(7.5).frame_id == 7  # of two as near, the earlier
    assert reader.nearest(-9.0).frame_id == 0 and reader.nearest(1e9).frame_id == 49
    assert reader.nearest(7.0, 10.0, 12.0).frame_id == 10 and reader.nearest(30.0, 10.0, 12.0).frame_id == 12
    assert reader.nearest(7.0, 60.0, 70.0) is None
    assert reader.first_s() == 0.0


def test_search_by_key_is_exact_and_in_order(recorded):
    _, reader = recorded
    rng = np.random.default_rng(0)
    query = rng.standard_normal(16)
    stored = np.stack([key_of(i) for i in range(50)]).astype(np.float16).astype(np.float32)
    similarities = stored @ (query / np.linalg.norm(query)).astype(np.float32)
    expected = [i for i in np.argsort(-similarities) if similarities[i] > 0][:8]
    found = reader.search(key=query, k=8)
    assert ids(found) == expected
    np.testing.assert_allclose([hit.score for hit in found], similarities[expected], atol=1e-5)
    assert ids(reader.search(key=query, k=8)) == expected  # the same question, the same answer


def test_search_by_evidence_finds_where_a_channel_was_seen_best(recorded):
    _, reader = recorded
    assert ids(reader.search(channels=[2], k=3)) == [47, 42, 37]
    assert ids(reader.search(channels=[2], k=3, start_s=10.0, end_s=30.0)) == [27, 22, 17]
    both = reader.search(channels=[1, 3], k=2)
    assert ids(both) == [48, 46] and both[0].score == pytest.approx(0.98 / 1.98 / 2, abs=1e-3)


def test_key_and_evidence_together_need_both(recorded):
    _, reader = recorded
    found = reader.search(key=key_of(12), channels=[2], k=1)[0]
    assert found.frame_id == 12
    shown = evidence_of(12)[2]
    assert found.score == pytest.approx((1.0 + shown / (shown + 1)) / 2, abs=1e-3)


@pytest.mark.parametrize(
    "question",
    [{}, {"channels": [EVIDENCE_DIM]}, {"channels": [-1]}, {"key": np.zeros(3)}, {"key": key_of(0), "k": 0}],
    ids=str,
)
def test_a_search_for_nothing_is_refused(recorded, question):
    with pytest.raises(ValueError):
        recorded[1].search(**question)


def test_a_search_in_an_empty_archive_finds_nothing(tmp_path):
    archive = make_archive(tmp_path / "a")
    reader = ArchiveReader(tmp_path / "a")
    assert reader.search(key=key_of(1)) == [] and reader.search(channels=[1]) == []
    assert reader.nearest(1.0) is None and reader.first_s() is None and reader.get(1) is None
    assert reader.why_missing(1.0) == "No picture of that moment was kept."
    reader.close()
    archive.close()


def test_what_is_recorded_meanwhile_is_found(recorded):
    archive, reader = recorded
    assert reader.search(key=key_of(50), k=1)[0].frame_id != 50
    put(archive, 50)
    assert reader.search(key=key_of(50), k=1)[0].frame_id == 50
    assert reader.get(50).jpeg == jpeg_of(50)


def test_a_thinned_index_still_finds_the_very_frame(tmp_path):
    archive = make_archive(tmp_path / "a")
    for number in range(200):  # neighbours look alike, as in a video; each is still a little different
        angle = number / 40
        key = np.zeros(16)
        key[[0, 1, 2]] = np.cos(angle), np.sin(angle), angle / 10
        archive.put(number, float(number), 0.0, jpeg_of(number), key, evidence_of(number))
    small = ArchiveReader(tmp_path / "a", max_index_frames=50)
    assert small.index_bytes == 0
    small.prepare()
    assert 0 < small.index_bytes < 50_000
    for number in (0, 33, 101, 102, 103, 199):
        assert small.search(key=archive.get(number).key, k=1)[0].frame_id == number
    assert len(small._content._index) <= 50 and small._content._index.stride == 4
    small.close()
    archive.close()


def test_readers_in_other_threads_see_only_whole_frames_while_recording_and_forgetting(tmp_path):
    archive = make_archive(tmp_path / "a", max_bytes=512 * 1024)
    fill(archive, 10)
    is_over, failures, num_seen = threading.Event(), [], []

    def read():
        reader = ArchiveReader(tmp_path / "a")
        try:
            while not is_over.is_set():
                rows = reader.between(-1.0, 1e9)
                for row in rows[::7]:
                    frame = reader.get(row.frame_id)
                    assert frame is None or frame.jpeg == jpeg_of(row.frame_id)
                assert all(hit.score <= 1.001 for hit in reader.search(key=key_of(rows[-1].frame_id), k=3))
                num_seen.append(len(rows))
        except Exception as error:
            failures.append(error)
        finally:
            reader.close()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for frame_id in range(10, 130):
        assert put(archive, frame_id)
        if frame_id % 30 == 29:
            archive.forget(frame_id - 20.0, frame_id - 10.0)
    is_over.set()
    for thread in threads:
        thread.join(timeout=30)
    assert not failures and len(num_seen) >= 2
    assert not any(thread.is_alive() for thread in threads)
    archive.close()


def test_a_frame_that_is_forgotten_while_it_is_read_is_gone_and_not_damaged(recorded, monkeypatch):
    archive, reader = recorded
    num_looks = []

    def look_at_erased_bytes(folder, place, layout):
        num_looks.append(place)
        if len(num_looks) == reader_module._TRIES:
            archive.forget(15.0, 15.0)  # the row goes after the last look and before the reader asks why
        return None

    monkeypatch.setattr(reader_module, "read_place", look_at_erased_bytes)
    assert reader.get(15) is None
    assert len(num_looks) == reader_module._TRIES


def test_a_closed_reader_says_so(recorded):
    _, reader = recorded
    reader.close()
    reader.close()
    for call in (lambda: reader.get(1), lambda: reader.search(key=key_of(1)), reader.events, reader.stats):
        with pytest.raises(ArchiveClosedError, match="open another"):
            call()
    with pytest.raises(ValueError, match="max_index_frames"):
        ArchiveReader(reader.folder, max_index_frames=1)
