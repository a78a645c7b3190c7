import threading

import pytest

from app.answer import Answer
from app.answering import AnswerConfig
from app.capturing import CaptureConfig
from app.config import AssistantConfig
from app.errors import (
    NothingSeenError,
    QuestionError,
    SessionClosedError,
    SessionStateError,
    TooManyQuestionsError,
)
from tests.fakes import FakeClock, FakeEncoder, FakeLMM, FakeMemory, FakeSource, make_frame, make_frames, make_session
from vision import SourceLostError
from vision.sources import SourceConfig

LOSSLESS = AssistantConfig(capture=CaptureConfig(reading=SourceConfig(speed="max")))
WAIT_S = 5.0


def test_question_about_a_whole_recording_is_answered_with_its_evidence() -> None:
    lmm = FakeLMM()
    with make_session(LOSSLESS, lmm=lmm) as session:
        assert session.wait_until_ended(WAIT_S)
        answer = session.ask("  What did\nyou see? ")
        assert list(answer) == ["I see ", "a cat."]
        result = answer.result(WAIT_S)
    assert result.question == "What did you see?"
    assert result.text == "I see a cat."
    assert result.asked_at_s == 1.9
    assert result.evidence[0].frame_id == 0
    assert (result.frames.seen, result.frames.encoded, result.frames.dropped) == (20, 5, 0)
    assert (result.memory.version, result.memory.tokens, result.memory.bytes) == (5, 20, 880)
    assert lmm.questions[0].asked_at_s == 1.9


def test_each_part_is_used_and_closed_by_its_own_thread() -> None:
    source, lmm, encoder, memory = FakeSource(make_frames(3)), FakeLMM(), FakeEncoder(), FakeMemory()
    with make_session(LOSSLESS, source=source, lmm=lmm, encoder=encoder, memory=memory) as session:
        assert session.wait_until_ended(WAIT_S)
        session.ask("what?").result(WAIT_S)
    assert source.thread_names == {"afterglow-capture"}
    assert lmm.thread_names == {"afterglow-answer"}
    assert [part.num_closed for part in (source, lmm, encoder, memory)] == [1, 1, 1, 1]


def test_recording_at_full_speed_gives_the_same_memory_every_time() -> None:
    def remembered() -> list[float]:
        memory = FakeMemory()
        with make_session(LOSSLESS, source=FakeSource(make_frames(300, fps=30.0)), memory=memory) as session:
            assert session.wait_until_ended(WAIT_S)
            assert session.status().frames_dropped == 0
        return memory.times_s

    first = remembered()
    assert len(first) == 21
    assert remembered() == first


def test_slow_encoder_loses_old_frames_of_a_live_source_and_counts_them() -> None:
    gate, all_given = threading.Event(), threading.Event()
    encoder = FakeEncoder(gate=gate)
    frames = make_frames(50)
    source = FakeSource([frames[0], all_given, *frames[1:]], is_live=True)
    with make_session(source=source, encoder=encoder) as session:
        assert encoder.was_entered.wait(WAIT_S)  # it holds frame 0 now
        all_given.set()
        assert source.is_exhausted.wait(WAIT_S)
        gate.set()
        assert session.wait_until_ended(WAIT_S)
        status = session.status()
    assert status.frames_seen == 50
    assert status.frames_encoded == 2
    assert status.frames_dropped == 48
    assert encoder.values == [0, 49]


def test_two_questions_at_once_are_answered_in_order() -> None:
    gate = threading.Event()
    lmm = FakeLMM(script=(gate, "yes"))
    with make_session(LOSSLESS, lmm=lmm) as session:
        assert session.wait_until_ended(WAIT_S)
        answers = [session.ask("first?"), session.ask("second?")]
        gate.set()
        assert [answer.result(WAIT_S).text for answer in answers] == ["yes", "yes"]
    assert [question.text for question in lmm.questions] == ["first?", "second?"]


def test_question_sees_the_moment_at_which_it_was_asked_although_it_had_to_wait() -> None:
    gate, more = threading.Event(), threading.Event()
    lmm = FakeLMM(script=(gate, "yes"))
    frames = make_frames(20)
    source = FakeSource([*frames[:6], more, *frames[6:]])
    with make_session(LOSSLESS, source=source, lmm=lmm) as session:
        _wait_for(lambda: session.status().frames_encoded == 2)
        first, second = session.ask("first?"), session.ask("second?")
        more.set()
        assert session.wait_until_ended(WAIT_S)
        gate.set()
        assert first.result(WAIT_S).asked_at_s == second.result(WAIT_S).asked_at_s == 0.5
    assert [snapshot.t_now_s for snapshot in lmm.snapshots] == [0.5, 0.5]


def test_cancelled_answer_keeps_what_was_said_and_the_engine_goes_on() -> None:
    never, lmm = threading.Event(), FakeLMM()
    lmm = FakeLMM(script=("I see ", never, "a cat."))
    with make_session(LOSSLESS, lmm=lmm) as session:
        assert session.wait_until_ended(WAIT_S)
        answer = session.ask("what?")
        assert lmm.spoke.wait(WAIT_S)
        answer.cancel()
        answer.cancel()
        result = answer.result(WAIT_S)
        assert result.was_cancelled and result.text == "I see "
        never.set()
        assert session.ask("and now?").result(WAIT_S).text == "I see a cat."
    assert lmm.questions[1].history == ()
    assert lmm.num_streams_ended == 2


def test_channel_of_questions_is_bounded() -> None:
    gate = threading.Event()
    config = AssistantConfig(
        capture=LOSSLESS.capture, answer=AnswerConfig(max_waiting=2, put_timeout_s=0.01), close_timeout_s=WAIT_S
    )
    lmm = FakeLMM(script=(gate, "yes"))
    with make_session(config, lmm=lmm) as session:
        assert session.wait_until_ended(WAIT_S)
        answers = [session.ask("0?")]
        _wait_for(lambda: bool(lmm.questions))
        answers += [session.ask("1?"), session.ask("2?")]
        with pytest.raises(TooManyQuestionsError, match="2 questions are waiting"):
            session.ask("3?")
        assert session.status().questions_waiting == 3
        gate.set()
        assert [answer.result(WAIT_S).text for answer in answers] == ["yes"] * 3


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001, "x" * 100_000])
def test_bad_questions_are_refused_at_once(text: str) -> None:
    with make_session(LOSSLESS) as session, pytest.raises(QuestionError):
        session.ask(text)


def test_asking_before_anything_was_seen_is_told_so() -> None:
    gate = threading.Event()
    with make_session(LOSSLESS, source=FakeSource([gate, *make_frames(2)])) as session:
        with pytest.raises(NothingSeenError, match="wait for the first picture"):
            session.ask("what?")
        gate.set()
        assert session.wait_until_ended(WAIT_S)
        assert session.ask("what?").result(WAIT_S).text == "I see a cat."


def test_source_without_a_picture_is_told_so() -> None:
    with make_session(LOSSLESS, source=FakeSource()) as session:
        assert session.wait_until_ended(WAIT_S)
        assert session.status().state == "ended"
        with pytest.raises(NothingSeenError, match="ended before it gave a picture"):
            session.ask("what?")


def test_scheduled_questions_see_no_frame_later_than_their_time() -> None:
    go = threading.Event()
    lmm = FakeLMM()
    with make_session(LOSSLESS, source=FakeSource([go, *make_frames(40)]), lmm=lmm) as session:
        late, early, equal = (
            session.ask("late?", at_s=2.2),
            session.ask("early?", at_s=0.7),
            session.ask("=?", at_s=1.5),
        )
        assert late.asked_at_s is None
        go.set()
        assert session.wait_until_ended(WAIT_S)
        assert [answer.result(WAIT_S).asked_at_s for answer in (early, equal, late)] == [0.5, 1.5, 2.0]
    assert [question.text for question in lmm.questions] == ["early?", "=?", "late?"]


def test_question_scheduled_past_the_end_is_answered_at_the_end_and_says_so() -> None:
    go = threading.Event()
    with make_session(LOSSLESS, source=FakeSource([go, *make_frames(20)])) as session:
        before = session.ask("before?", at_s=60.0)
        go.set()
        assert session.wait_until_ended(WAIT_S)
        after = session.ask("after?", at_s=60.0)
        for answer in (before, after):
            result = answer.result(WAIT_S)
            assert result.asked_at_s == 1.9
            assert result.note is not None and "ended at 1.9 s" in result.note


def test_question_for_a_time_that_has_passed_is_refused() -> None:
    with make_session(LOSSLESS) as session:
        assert session.wait_until_ended(WAIT_S)
        with pytest.raises(QuestionError, match="past 0.5 s already"):
            session.ask("what?", at_s=0.5)
        with pytest.raises(QuestionError, match="must be a number of seconds"):
            session.ask("what?", at_s=-1.0)


def test_more_scheduled_questions_than_the_channel_holds_make_a_recording_wait() -> None:
    go = threading.Event()
    config = AssistantConfig(capture=LOSSLESS.capture, answer=AnswerConfig(max_waiting=1, max_scheduled=10))
    with make_session(config, source=FakeSource([go, *make_frames(40)])) as session:
        answers = [session.ask(f"{number}?", at_s=0.6) for number in range(10)]
        with pytest.raises(TooManyQuestionsError, match="10 questions wait"):
            session.ask("one more?", at_s=0.6)
        go.set()
        assert [answer.result(WAIT_S).asked_at_s for answer in answers] == [0.5] * 10


def test_lost_source_stays_answerable_and_says_why() -> None:
    source = FakeSource([*make_frames(10), SourceLostError("the camera was unplugged")], is_live=True)
    with make_session(source=source) as session:
        assert session.wait_until_ended(WAIT_S)
        status = session.status()
        assert status.state == "source_lost"
        assert status.failure == "the camera was unplugged"
        assert session.ask("what?").result(WAIT_S).text == "I see a cat."


def test_status_tells_how_things_stand() -> None:
    clock = FakeClock()
    session = make_session(LOSSLESS, clock=clock)
    assert session.status().state == "new"
    assert session.status().newest_time_s is None
    with session:
        assert session.wait_until_ended(WAIT_S)
        clock.advance(3.0)
        session.ask("what?").result(WAIT_S)
        status = session.status()
        assert status.state == "ended"
        assert status.source_name == "fake source"
        assert status.newest_time_s == status.remembered_time_s == 1.9
        assert status.newest_frame_age_s == 3.0
        assert (status.frames_seen, status.frames_encoded, status.frames_dropped) == (20, 5, 0)
        assert (status.memory_version, status.memory_tokens, status.memory_bytes) == (5, 20, 880)
        assert status.lmm_name == "fake LMM"
        assert status.last_ttft_ms == 0.0
        assert status.failure is None
    assert session.status().state == "closed"


def test_credentials_in_a_source_are_not_shown() -> None:
    session = make_session(AssistantConfig(source="rtsp://user:secret@camera.local/stream"))
    assert "secret" not in session.status().source_name


def test_evidence_pictures_and_the_newest_frame_can_be_shown() -> None:
    session = make_session(LOSSLESS, source=FakeSource([make_frame(0, 0.0), make_frame(1, 0.5)]))
    assert session.latest_frame() is None and session.frame_jpeg(0) is None
    with session:
        assert session.wait_until_ended(WAIT_S)
        newest = session.latest_frame()
        assert newest is not None and newest.index == 1
        assert (session.frame_jpeg(0) or b"").startswith(b"\xff\xd8")


def test_session_starts_once() -> None:
    with make_session(LOSSLESS) as session, pytest.raises(SessionStateError, match="started already"):
        session.start()


def test_asking_needs_a_running_session() -> None:
    session = make_session(LOSSLESS)
    with pytest.raises(SessionStateError, match="not started"):
        session.ask("what?")
    with session:
        pass
    with pytest.raises(SessionClosedError, match="was closed"):
        session.ask("what?")
    with pytest.raises(SessionClosedError, match="make a new one"):
        session.start()


def test_close_before_start_and_twice() -> None:
    source = FakeSource()
    session = make_session(source=source)
    session.close()
    session.close()
    assert source.num_opened == 0
    assert session.status().state == "closed"


def test_close_from_several_threads_ends_for_all() -> None:
    session = make_session(source=FakeSource(make_frames(5), is_live=True, never_ends=True))
    session.start()
    closers = [threading.Thread(target=session.close) for _ in range(5)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(WAIT_S)
    assert not any(closer.is_alive() for closer in closers)


def test_closing_while_a_question_is_answered_leaves_no_one_waiting() -> None:
    never = threading.Event()
    lmm = FakeLMM(script=("I see ", never))
    session = make_session(LOSSLESS, lmm=lmm)
    answers: list[Answer] = []
    with session:
        assert session.wait_until_ended(WAIT_S)
        answers += [session.ask("what?"), session.ask("and?")]
        assert lmm.spoke.wait(WAIT_S)
    for answer in answers:
        with pytest.raises(SessionClosedError):
            answer.result(0.0)
    assert answers[0].text_so_far == "I see "


def test_close_while_it_starts_ends_the_start() -> None:
    gate = threading.Event()
    session = make_session(source=FakeSource(make_frames(2), open_gate=gate))
    raised: list[BaseException] = []

    def start() -> None:
        try:
            session.start()
        except SessionClosedError as error:
            raised.append(error)

    starter = threading.Thread(target=start)
    starter.start()
    _wait_for(lambda: session.status().state == "starting")
    closer = threading.Thread(target=session.close)
    closer.start()
    gate.set()
    starter.join(WAIT_S)
    closer.join(WAIT_S)
    assert len(raised) == 1 and not starter.is_alive() and not closer.is_alive()


def _wait_for(claim) -> None:
    """Bounded: for what no event announces."""
    pause = threading.Event()
    for _ in range(1000):
        if claim():
            return
        pause.wait(0.005)
    raise AssertionError("it did not come about in time")
