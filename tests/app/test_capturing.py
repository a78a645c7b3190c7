import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from app.capturing import CaptureConfig, CaptureWorker, StreamOutcome
from app.handoff import Handoff, Signal
from app.worker import StopSignal
from tests.fakes import FakeClock, FakeSource, make_frame, make_frames, open_gate
from tests.rtsp_server import RtspServer
from vision import Frame, SourceLostError
from vision.sources import ConnectionConfig, ConnectionStatus, SourceConfig, StreamGap, open_source

LOSSLESS = CaptureConfig(reading=SourceConfig(speed="max"))


def make_worker(source: FakeSource, config: CaptureConfig = LOSSLESS, capacity: int = 100, **options) -> CaptureWorker:
    options = {"stop": StopSignal(), "may_play": open_gate(), **options}
    return CaptureWorker(lambda: source, Handoff(capacity), config, **options)


def run(worker: CaptureWorker) -> list[float]:
    """Runs the worker to its end; the times of the frames that it handed on."""
    worker.launch(lambda worker: None)
    assert worker.join(5.0)
    times_s = []
    while isinstance(frame := worker._handoff.take(0.0), Frame):
        times_s.append(frame.time_s)
    return times_s


def test_lossless_reading_waits_for_room() -> None:
    source = FakeSource(make_frames(50))
    worker = make_worker(source, capacity=2)
    worker.launch(lambda worker: None)
    taken = []
    while (frame := worker._handoff.take(5.0)) is not Signal.FINISHED:
        taken.append(frame.index)
    assert worker.join(5.0)
    assert taken == list(range(50))
    assert worker._handoff.num_dropped == 0


@pytest.mark.parametrize(("is_live", "speed"), [(True, "max"), (True, "realtime"), (False, "realtime")])
def test_newest_wins_where_the_stream_does_not_wait(is_live: bool, speed: str) -> None:
    source = FakeSource(make_frames(50), is_live=is_live)
    worker = make_worker(source, CaptureConfig(reading=SourceConfig(speed=speed)), capacity=4)
    assert run(worker) == [4.9]
    assert worker._handoff.num_dropped == 49
    assert worker.num_seen == 50


def test_no_frame_later_than_the_stop_time_is_handed_on() -> None:
    worker = make_worker(FakeSource(make_frames(50)), CaptureConfig(reading=SourceConfig(speed="max"), stop_at_s=0.5))
    assert run(worker) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert worker.outcome is StreamOutcome.REACHED_STOP


def test_first_frame_is_kept_when_stopping_at_zero() -> None:
    worker = make_worker(FakeSource(make_frames(5)), CaptureConfig(reading=SourceConfig(speed="max"), stop_at_s=0.0))
    assert run(worker) == [0.0]


def test_live_limit_holds_for_live_sources_alone() -> None:
    config = CaptureConfig(reading=SourceConfig(speed="max"), max_live_s=0.2)
    assert run(make_worker(FakeSource(make_frames(5)), config)) == [0.0, 0.1, 0.2, 0.3, 0.4]
    live = make_worker(FakeSource(make_frames(5), is_live=True), config)
    run(live)
    assert live.outcome is StreamOutcome.REACHED_STOP
    assert live.newest is not None and live.newest[0].time_s == 0.2


def test_live_source_that_goes_quiet_does_not_hold_up_the_stop_time() -> None:
    clock = FakeClock()

    class QuietSource(FakeSource):
        def read(self, timeout_s: float):
            frame = super().read(timeout_s)
            clock.advance(0.5)
            return frame

    source = QuietSource([make_frame(0, 0.0)], is_live=True, never_ends=True)
    worker = make_worker(source, CaptureConfig(stop_at_s=3.0), clock=clock)
    run(worker)
    assert worker.outcome is StreamOutcome.REACHED_STOP


def test_lost_source_is_not_a_finished_one() -> None:
    lost = make_worker(FakeSource([*make_frames(2), SourceLostError("the camera was unplugged")]))
    assert run(lost) == [0.0, 0.1]
    assert lost.outcome is StreamOutcome.LOST
    assert str(lost.lost_error) == "the camera was unplugged"
    assert lost.failure is None
    ended = make_worker(FakeSource(make_frames(2)))
    run(ended)
    assert ended.outcome is StreamOutcome.ENDED and ended.lost_error is None


def test_source_is_opened_read_and_closed_by_the_capture_thread_alone() -> None:
    source = FakeSource(make_frames(3))
    run(make_worker(source))
    assert source.thread_names == {"afterglow-capture"}
    assert source.num_closed == 1


def test_recording_is_not_played_before_frames_can_be_used() -> None:
    may_play = threading.Event()
    source = FakeSource(make_frames(3))
    worker = make_worker(source, may_play=may_play)
    worker.launch(lambda worker: None)
    worker.wait_ready(5.0)
    assert source.num_read == 0
    may_play.set()
    assert worker.join(5.0)
    assert source.num_read == 3


def test_live_source_is_read_from_the_start() -> None:
    source = FakeSource(make_frames(3), is_live=True)
    run(make_worker(source, may_play=threading.Event()))
    assert source.num_read == 3


def test_worker_waiting_for_room_leaves_on_stop() -> None:
    stop = StopSignal()
    source = FakeSource(make_frames(10))
    worker = make_worker(source, capacity=1, stop=stop)
    worker.launch(lambda worker: None)
    worker.wait_ready(5.0)
    stop.set()
    assert worker.join(5.0)
    assert source.num_closed == 1


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_stop_times_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="stop_at_s must be a number >= 0"):
        CaptureConfig(stop_at_s=value)


# --- cameras that come and go ---


class GappySource(FakeSource):
    """Has one gap ready after each frame it gives, and one when it is closed."""

    connection = ConnectionStatus(state="live", since_s=0.0)

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.pending: list[StreamGap] = []

    def read(self, timeout_s: float):
        frame = super().read(timeout_s)
        if isinstance(frame, Frame):
            self.pending.append(StreamGap(start_s=frame.time_s - 0.05, end_s=frame.time_s, kind="stalled"))
        return frame

    def close(self) -> None:
        super().close()
        self.pending.append(StreamGap(start_s=90.0, end_s=99.0, kind="disconnected"))

    def take_gaps(self) -> list[StreamGap]:
        gaps, self.pending = self.pending, []
        return gaps


def test_each_gap_is_handed_on_and_the_last_one_too() -> None:
    worker = make_worker(GappySource(make_frames(3)))
    assert worker.connection is None
    run(worker)
    assert [gap.end_s for gap in worker.take_gaps()] == [0.0, 0.1, 0.2, 99.0]
    assert worker.num_gaps == 4
    assert worker.connection is not None and worker.connection.state == "live"


def test_a_gap_is_there_before_the_first_frame_after_it() -> None:
    source = GappySource(make_frames(20))
    worker = make_worker(source, capacity=1)
    worker.launch(lambda worker: None)
    while isinstance(frame := worker._handoff.take(5.0), Frame):
        assert worker.take_gaps()[-1].end_s >= frame.time_s
    assert worker.join(5.0)


def test_gaps_that_nobody_takes_are_joined_not_lost() -> None:
    worker = make_worker(GappySource(make_frames(500)), capacity=1000)
    run(worker)
    gaps = worker.take_gaps()
    assert len(gaps) == 64 and worker.num_gaps == 501
    assert (gaps[0].end_s, gaps[-1].end_s) == (0.0, 99.0)
    assert worker.take_gaps() == []


@contextlib.contextmanager
def camera_worker(url: str, **changes) -> Iterator[CaptureWorker]:
    """Running; and gone at the end, however the test went."""
    fields = {
        "connection": ConnectionConfig(first_delay_s=0.02, max_delay_s=0.05, stall_after_s=0.6),
        "open_timeout_s": 1.0,
        "read_timeout_s": 0.8,
    } | changes
    options = {"stop": StopSignal(), "may_play": open_gate()}
    worker = CaptureWorker(lambda: open_source(url, SourceConfig(**fields)), Handoff(1), CaptureConfig(), **options)
    worker.launch(lambda worker: None)
    try:
        yield worker
    finally:
        options["stop"].set()
        assert worker.join(5.0)


def wait_for(condition, limit_s: float = 10.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.mark.parametrize("moment", ["live", "stall", "opening again"])
def test_stopping_is_quick_whatever_the_camera_does(moment: str) -> None:
    rules = ConnectionConfig(first_delay_s=0.3, stall_after_s=0.6)
    read_timeout_s = 20.0 if moment == "stall" else 0.8
    with (
        RtspServer() as camera,
        camera_worker(camera.url, connection=rules, read_timeout_s=read_timeout_s) as worker,
    ):
        wait_for(lambda: worker.num_seen > 3)
        if moment != "live":
            camera.freeze()
        if moment == "stall":
            wait_for(lambda: worker.connection.state == "stalled")
        if moment == "opening again":
            wait_for(lambda: worker.connection.state == "connecting")
        worker._stop.set()
        assert worker.join(3.0)
        camera.thaw()
    assert worker.failure is None and worker.connection.state == "ended"


def test_stopping_during_the_first_opening_is_bounded_by_its_time_out() -> None:
    with RtspServer() as camera:
        camera.freeze()
        with camera_worker(camera.url) as worker:
            wait_for(lambda: worker.source is not None)
            worker._stop.set()
            assert worker.join(3.0)
        camera.thaw()


def test_a_camera_that_comes_back_is_one_stream_with_a_gap() -> None:
    with RtspServer() as camera, camera_worker(camera.url) as worker:
        wait_for(lambda: worker.num_seen > 3)
        camera.drop_clients()
        wait_for(lambda: worker.num_gaps == 1)
        before = worker.num_seen
        wait_for(lambda: worker.num_seen > before)
        worker._stop.set()
        assert worker.join(3.0)
    (gap,) = worker.take_gaps()
    assert gap.kind == "disconnected" and 0 < gap.start_s < gap.end_s
    assert worker.outcome is StreamOutcome.PLAYING and worker.lost_error is None
