"""A frame that an answer cites, gone when somebody asks for it: nothing stands in for it, and why is told."""

import pytest

from memory.archive import ArchiveReader
from memory.retrieval import Query, Retriever
from tests.memory.archive.making import fill, jpeg_of, key_of, make_archive
from tests.memory.retrieval.test_retriever import make_snapshot

SMALL = {"segment_bytes": 16 * 1024, "max_bytes": 256 * 1024}


def cite(reader, frame_id, t_now_s):
    """The frame that a question about this key brings back, as an answer would cite it."""
    found = Retriever(reader).retrieve(make_snapshot(t_now_s), Query(key=key_of(frame_id)), 1)
    assert [frame.frame_id for frame in found] == [frame_id]
    return found[0]


@pytest.mark.parametrize("how", ["evicted", "forgotten"])
def test_a_cited_frame_that_was_deleted_is_missing_and_why_is_told(tmp_path, how):
    archive = make_archive(tmp_path / "a", **SMALL)
    fill(archive, 60)
    reader = ArchiveReader(tmp_path / "a")
    cited = cite(reader, 7, 59.0)
    assert reader.get(cited.frame_id).jpeg == jpeg_of(7)
    if how == "evicted":
        fill(archive, 400, first=60)
    else:
        archive.forget(6.5, 7.5)
    assert reader.get(cited.frame_id) is None
    why = reader.why_missing(cited.time_s)
    assert ("older than" if how == "evicted" else "erased on request") in why
    later = Retriever(reader).retrieve(make_snapshot(460.0), Query(key=key_of(7)), 4)
    assert cited.frame_id not in [frame.frame_id for frame in later]
    assert all(reader.get(frame.frame_id).jpeg == jpeg_of(frame.frame_id) for frame in later)
    reader.close()
    archive.close()


def test_a_time_whose_frame_was_deleted_brings_a_neighbour_with_its_own_time(tmp_path):
    archive = make_archive(tmp_path / "a", **SMALL)
    fill(archive, 60)
    archive.forget(20.0, 30.0)
    reader = ArchiveReader(tmp_path / "a")
    found = Retriever(reader).retrieve(make_snapshot(59.0), Query(times=((25.0, 25.0),)), 1)
    assert [frame.time_s for frame in found] in ([19.0], [31.0])  # never the asked time for another frame
    assert reader.get(found[0].frame_id).time_s == found[0].time_s
    reader.close()
    archive.close()
