"""Looking at, pinning and forgetting moments of a running or finished session."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import loading
from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.errors import MomentError, NothingSeenError
from app.perceiving import PerceiveConfig
from app.session import Session
from tests.app.recording.parts import NOON_S, WAIT_S, frames_at, keep_config, recorder
from tests.fakes import FakeEncoder, FakeLMM, FakeSource, make_frame, make_frames
from vision import Frame
from vision.sources import SourceConfig

CONFIG = AssistantConfig(
    perceive=PerceiveConfig(fps=10.0), capture=CaptureConfig(reading=SourceConfig(speed="max"))
)  # no frame is lost


def make(script: Any, lmm: FakeLMM | None = None, **source: Any) -> Session:
    """A session of fakes with the real memory."""
    return Session(
        CONFIG,
        source=FakeSource(script, **source),
        encoder=FakeEncoder,
        lmm=lambda: lmm or FakeLMM(),
        memory=lambda encoder: loading.make_memory(CONFIG, encoder),
    )


def wait_for(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(4000):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("it did not happen")


def varied(count: int, start: int = 0) -> list[Frame]:
    """Ten frames a second, no two alike."""
    return [make_frame(index, index / 10, value=37 * index) for index in range(start, start + count)]


def test_nothing_can_be_done_before_there_is_a_memory() -> None:
    session = make([])
    for do in (session.moments.snapshot, lambda: session.moments.pin(0, 1, ""), lambda: session.moments.forget(0, 1)):
        with pytest.raises(NothingSeenError):
            do()
    assert session.moments.nearest(1.0) is None and session.moments.frames(0, 9, 10) == []
    assert session.moments.clip(0, 9) is None and not session.moments.has_video


@pytest.mark.parametrize(
    "span", [(2, 1), (-1, 1), (0, float("nan")), (float("inf"), 1), ("0", 1), (None, 1), (0, 1e300), (True, [])]
)
def test_what_is_no_span_gets_a_sentence(span: tuple[Any, Any]) -> None:
    with make(varied(5)) as session:
        assert session.wait_until_ended(WAIT_S)
        for do in (session.moments.forget, session.moments.unpin, lambda a, b: session.moments.pin(a, b, "x")):
            with pytest.raises(MomentError, match="earlier to a later"):
                do(*span)


def test_frames_of_a_span_come_in_order_and_thinned() -> None:
    with make(varied(40)) as session:
        assert session.wait_until_ended(WAIT_S)
        seen = session.moments.frames(1.0, 3.0, 100)
        assert [one.frame_id for one in seen] == list(range(10, 31))
        few = session.moments.frames(1.0, 3.0, 5)
        assert [one.frame_id for one in few] == [10, 15, 20, 25, 30]
        near = session.moments.nearest(2.04)
        assert near is not None and near.frame_id == 20


@pytest.mark.parametrize("is_over", [True, False])
def test_a_pin_is_in_force_when_it_returns_and_can_be_taken_off(is_over: bool) -> None:
    with make(varied(20), never_ends=not is_over) as session:
        wait_for(lambda: session.status().frames_encoded == 20)
        pin = session.moments.pin(0.5, 1.0, "the visit")
        assert session.moments.snapshot().pins == (pin,) and pin.label == "the visit"
        assert session.moments.memory_stats().num_pinned_slots > 0
        assert session.moments.unpin(0.6, 0.7) == 1
        assert session.moments.snapshot().pins == ()


def test_a_refusal_of_the_memory_is_a_sentence() -> None:
    with make(varied(5)) as session:
        assert session.wait_until_ended(WAIT_S)
        with pytest.raises(MomentError, match="label"):
            session.moments.pin(0, 1, "x" * 201)


@pytest.mark.parametrize("is_over", [True, False])
def test_a_forgotten_moment_is_nowhere_any_more(is_over: bool) -> None:
    with make(varied(30), never_ends=not is_over) as session:
        wait_for(lambda: session.status().frames_encoded == 30)
        before = {one.frame_id: session.frame_jpeg(one.frame_id) for one in session.moments.frames(0, 9, 100)}
        forgotten = session.moments.forget(1.0, 1.9)
        assert forgotten.num_pictures == 10 and forgotten.num_frames >= 10 and forgotten.kept is None
        assert all(session.frame_jpeg(index) is None for index in range(10, 20))
        assert session.frame_jpeg(9) == before[9] and session.frame_jpeg(20) == before[20]
        snapshot = session.moments.snapshot()
        (gap,) = snapshot.gaps
        assert (gap.kind, gap.start_s, gap.end_s) == ("forgotten", 1.0, 1.9)
        for start_s, end_s in (*snapshot.temporal.times_s.tolist(), *snapshot.spatial.times_s.tolist()):
            assert end_s < 1.0 or start_s > 1.9


def test_frames_that_were_on_their_way_are_not_let_in_and_the_live_picture_goes() -> None:
    gate, errand_gate, is_held = threading.Event(), threading.Event(), threading.Event()
    late = varied(5, start=10)

    def hold() -> None:
        is_held.set()
        assert errand_gate.wait(WAIT_S)

    source = FakeSource([*varied(10), gate, *late], never_ends=True)
    session = Session(
        CONFIG,
        source=source,
        encoder=FakeEncoder,
        lmm=FakeLMM,
        memory=lambda encoder: loading.make_memory(CONFIG, encoder),
    )
    with session:
        wait_for(lambda: session.status().frames_encoded == 10)
        holding = threading.Thread(target=lambda: session._perceive.errands.do(hold, 30.0))
        holding.start()
        assert is_held.wait(WAIT_S)
        gate.set()  # the last five are read while the memory is busy
        wait_for(lambda: session.status().frames_seen == 15)
        forgetting = threading.Thread(target=lambda: session.moments.forget(0.5, 1.4))
        forgetting.start()
        wait_for(lambda: len(session._perceive.errands._waiting) == 1)
        errand_gate.set()
        for thread in (holding, forgetting):
            thread.join()
        assert session.latest_frame() is None, "the picture on the screen is of a forgotten moment"
        assert session.moments.snapshot().t_now_s <= 1.0
        assert not session.moments.frames(0.5, 1.4, 100)
        assert session.status().frames_encoded == 10


def test_what_is_being_answered_is_dropped_and_the_model_forgets() -> None:
    gate = threading.Event()

    class Remembering(FakeLMM):
        num_forgotten = 0

        def forget(self) -> None:
            self.num_forgotten += 1

    lmm = Remembering(("I saw ", gate, "a secret."))
    with make(varied(10), lmm=lmm) as session:
        assert session.wait_until_ended(WAIT_S)
        answers = [session.ask("What was there?"), session.ask("And then?")]
        assert lmm.spoke.wait(WAIT_S)
        session.moments.forget(0.0, 0.9)
        for answer in answers:
            result = answer.result(WAIT_S)
            assert result.was_cancelled and "secret" not in result.text
        wait_for(lambda: lmm.num_forgotten == 1)


def test_a_recording_is_erased_on_the_disk_too_while_it_runs(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    session = recorder(keep, source=FakeSource(frames_at(NOON_S, 20), never_ends=True))
    with session:
        wait_for(lambda: session.status().frames_encoded == 20)
        assert session.frame_jpeg(7) is not None
        session.moments.pin(2.0, 3.0, "kept")
        forgotten = session.moments.forget(5.0, 9.0)
        assert forgotten.kept is not None and forgotten.kept.num_pictures == 5
        assert session.frame_jpeg(7) is None
        assert [one.frame_id for one in session.moments.frames(0, 99, 99)] == [*range(5), *range(10, 20)]
    resumed = recorder(keep, source=FakeSource(frames_at(NOON_S + 60, 1)))
    with resumed:
        assert resumed.wait_until_ended(WAIT_S)
        snapshot = resumed.moments.snapshot()
        assert [pin.label for pin in snapshot.pins] == ["kept"]
        assert all(end_s < 5 or start_s > 9 for start_s, end_s in snapshot.temporal.times_s.tolist())


def test_a_recording_is_erased_on_the_disk_too_when_its_stream_is_over(tmp_path: Path) -> None:
    keep = keep_config(tmp_path)
    session = recorder(keep, source=FakeSource(frames_at(NOON_S, 20)))
    with session:
        assert session.wait_until_ended(WAIT_S)
        forgotten = session.moments.forget(5.0, 9.0)
        assert forgotten.kept is not None and forgotten.kept.num_pictures == 5
        assert session.frame_jpeg(7) is None
    resumed = recorder(keep, source=FakeSource(make_frames(1)))
    with resumed:
        assert resumed.wait_until_ended(WAIT_S)
        assert any(gap.kind == "forgotten" for gap in resumed.moments.snapshot().gaps)
