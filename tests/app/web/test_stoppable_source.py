from app.web.stoppable_source import StoppableSource
from tests.fakes import FakeSource, make_frames
from vision import END, Frame
from vision.sources import SourceCounters, source_counters


def test_frames_pass_until_the_end_is_asked_for() -> None:
    inner = FakeSource(make_frames(5), is_live=True)
    source = StoppableSource(inner)
    source.open()
    assert isinstance(source.read(0.0), Frame)
    source.finish()
    assert source.read(0.0) is END and source.read(0.0) is END
    source.close()
    assert (inner.num_opened, inner.num_read, inner.num_closed) == (1, 1, 1)
    assert source.is_live and source.name == "fake source"


def test_it_may_be_shown_under_another_name_and_keeps_the_counters() -> None:
    inner = FakeSource()
    inner.counters = SourceCounters(frames_skipped_late=7)  # type: ignore[attr-defined]
    source = StoppableSource(inner, "the demo clip")
    assert source.name == "the demo clip"
    assert source_counters(source).frames_skipped_late == 7
