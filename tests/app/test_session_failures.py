"""A failure at open, step and close of every stage: it is told once, by its cause, and nothing stays behind."""

import threading
import time
from typing import Any

import pytest

from app.answer import Answer
from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.errors import SessionClosedError, ShutdownError, WeightsMissingError
from app.session import Session
from tests.fakes import FakeEncoder, FakeLMM, FakeMemory, FakeSource, make_frames, make_session
from vision import SourceOpenError
from vision.sources import SourceConfig

CONFIG = AssistantConfig(capture=CaptureConfig(reading=SourceConfig(speed="max")), close_timeout_s=5.0)
WAIT_S = 5.0


class Broken(Exception):
    """What a part raises in these tests."""


def failing_loader(name: str) -> Any:
    def load(*loaded: Any) -> Any:
        raise Broken(f"{name} cannot be loaded")

    return load


@pytest.mark.parametrize("stage", ["capture", "encoder", "memory", "lmm"])
def test_failure_at_open_is_raised_by_start(stage: str) -> None:
    parts: dict[str, Any] = {
        "source": FakeSource(make_frames(3)),
        "encoder": FakeEncoder,
        "lmm": FakeLMM,
        "memory": lambda encoder: FakeMemory(),
    }
    if stage == "capture":
        parts["source"] = FakeSource(open_error=Broken("capture cannot be loaded"))
    else:
        parts[stage] = failing_loader(stage)
    session = Session(CONFIG, **parts)
    with pytest.raises(Broken, match=f"{stage} cannot be loaded"):
        session.start()
    assert session.status().state == "failed"
    assert session.status().failure == f"{stage} cannot be loaded"
    session.close()  # it was told: closing again is quiet
    assert parts["source"].num_closed == (1 if stage == "capture" or parts["source"].num_opened else 0)


def test_source_that_cannot_be_opened_is_refused_before_any_model_is_loaded() -> None:
    loaded: list[str] = []
    session = Session(
        CONFIG,
        source=FakeSource(open_error=SourceOpenError("There is no file a.mp4.", "missing")),
        encoder=lambda: loaded.append("encoder") or FakeEncoder(),
        lmm=lambda: loaded.append("lmm") or FakeLMM(),
        memory=lambda encoder: FakeMemory(),
    )
    with pytest.raises(SourceOpenError, match="no file a.mp4"):
        session.start()
    assert loaded == []


def test_missing_weights_are_told_while_the_source_still_opens() -> None:
    gate = threading.Event()

    def load_lmm() -> FakeLMM:
        raise WeightsMissingError("run python3 launch.py")

    session = Session(
        AssistantConfig(close_timeout_s=0.2),
        source=FakeSource(open_gate=gate),
        encoder=FakeEncoder,
        lmm=load_lmm,
        memory=lambda encoder: FakeMemory(),
    )
    with pytest.raises(WeightsMissingError):
        session.start()
    gate.set()


@pytest.mark.parametrize("stage", ["capture", "encode", "write", "answer"])
def test_failure_at_a_step_stops_everything_and_names_the_cause(stage: str) -> None:
    error, go = Broken(f"{stage} broke"), threading.Event()
    frames = make_frames(5)
    source = FakeSource([go, *frames[:2], error, *frames[2:]] if stage == "capture" else [go, *frames])
    lmm = FakeLMM(script=("I ", error)) if stage == "answer" else FakeLMM()
    session = make_session(
        CONFIG,
        source=source,
        encoder=FakeEncoder(error=error if stage == "encode" else None),
        memory=FakeMemory(write_error=error if stage == "write" else None),
        lmm=lmm,
    )
    session.start()
    go.set()
    with pytest.raises(Broken, match=f"{stage} broke"):
        session.wait_until_ended(WAIT_S)
        session.ask("what?").result(WAIT_S)
        raise AssertionError("nobody was told")
    assert session.status().state == "failed"
    with pytest.raises(Broken, match=f"{stage} broke"):
        session.ask("what?")
    close_and_expect(session, f"{stage} broke")
    assert source.num_closed == 1


@pytest.mark.parametrize("stage", ["capture", "encoder", "memory", "lmm"])
def test_failure_at_close_is_raised_by_close(stage: str) -> None:
    error = Broken(f"{stage} cannot be closed")
    source = FakeSource(make_frames(3), is_live=True, never_ends=True)
    parts: dict[str, Any] = {"source": source, "encoder": FakeEncoder(), "memory": FakeMemory(), "lmm": FakeLMM()}
    if stage == "capture":
        parts["source"] = FakeSource(make_frames(3), is_live=True, never_ends=True, close_error=error)
    if stage == "encoder":
        parts["encoder"] = FakeEncoder(close_error=error)
    if stage == "memory":
        parts["memory"] = FakeMemory(close_error=error)
    if stage == "lmm":
        parts["lmm"] = FakeLMM(close_error=error)
    session = make_session(CONFIG, **parts)
    session.start()
    with pytest.raises(Broken, match=f"{stage} cannot be closed"):
        session.close()
    session.close()
    assert [part.num_closed for part in parts.values()] == [1, 1, 1, 1]


def test_all_who_wait_are_told_the_cause() -> None:
    gate, go = threading.Event(), threading.Event()
    lmm = FakeLMM(script=(gate, Broken("answer broke")))
    session = make_session(CONFIG, source=FakeSource([*make_frames(2), go], never_ends=True), lmm=lmm)
    session.start()
    answers: list[Answer] = [session.ask("later?", at_s=60.0)]
    while not session.status().frames_encoded:
        threading.Event().wait(0.005)
    answers += [session.ask("first?"), session.ask("second?")]
    gate.set()
    for answer in answers:
        with pytest.raises(Broken, match="answer broke"):
            answer.result(WAIT_S)
    go.set()
    close_and_expect(session, "answer broke")


def test_error_in_the_body_is_not_replaced_by_the_sessions_own() -> None:
    session = make_session(CONFIG, lmm=FakeLMM(close_error=Broken("second")))
    with pytest.raises(ZeroDivisionError), session:
        raise ZeroDivisionError


def test_part_that_hangs_does_not_hold_up_close() -> None:
    hang = threading.Event()
    source = FakeSource([*make_frames(2), hang])
    session = make_session(AssistantConfig(capture=CONFIG.capture, close_timeout_s=0.2), source=source)
    session.start()
    assert source.is_held.wait(WAIT_S)
    started_s = time.monotonic()
    with pytest.raises(ShutdownError, match=r"After 0.2 s these threads still ran: capture"):
        session.close()
    assert time.monotonic() - started_s < 3.0
    hang.set()


def test_answer_that_hangs_is_given_up_at_close() -> None:
    hang = threading.Event()

    class DeafLMM(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            self.spoke.set()
            assert hang.wait(10.0)
            yield "too late"

    lmm = DeafLMM()
    session = make_session(AssistantConfig(capture=CONFIG.capture, close_timeout_s=0.2), lmm=lmm)
    session.start()
    assert session.wait_until_ended(WAIT_S)
    answer = session.ask("what?")
    assert lmm.spoke.wait(WAIT_S)
    with pytest.raises(ShutdownError, match="answer"):
        session.close()
    with pytest.raises(SessionClosedError):
        answer.result(0.0)
    hang.set()


def test_start_that_takes_too_long_is_given_up() -> None:
    hang = threading.Event()
    config = AssistantConfig(start_timeout_s=0.3, close_timeout_s=0.2)
    session = make_session(config, source=FakeSource(open_gate=hang))
    with pytest.raises(TimeoutError, match="capture thread was not ready"):
        session.start()
    hang.set()


def close_and_expect(session: Session, cause: str) -> None:
    """The first close tells the cause, further ones are quiet."""
    with pytest.raises(Broken, match=cause):
        session.close()
    session.close()
