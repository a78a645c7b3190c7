import pytest

from app.answer import Answer, Conversation, Moment
from app.answering import AnswerConfig, AnswerWorker
from app.errors import AnswerError, SessionClosedError
from app.handoff import Handoff
from app.status import FrameCounts, MemoryCounts
from app.worker import StopSignal
from tests.fakes import FakeLMM, FakeSnapshot


def make_answer(question: str = "what?", conversation: Conversation | None = None) -> Answer:
    snapshot = FakeSnapshot(version=1, t_now_s=3.0, frames_seen=1)
    moment = Moment(snapshot=snapshot, frames=FrameCounts(), memory=MemoryCounts())
    return Answer(question, moment=moment, conversation=conversation)


def run(lmm: FakeLMM, answers: list[Answer], config: AnswerConfig | None = None) -> AnswerWorker:
    """Answers all and ends."""
    channel: Handoff[Answer] = Handoff(max(len(answers), 1))
    for answer in answers:
        channel.put(answer, 0.0)
    channel.finish()
    worker = AnswerWorker(channel, lambda: lmm, config or AnswerConfig(), stop=StopSignal())
    worker.launch(lambda worker: None)
    assert worker.join(5.0)
    return worker


def test_questions_are_answered_in_order_with_what_was_said_before() -> None:
    lmm = FakeLMM()
    said = Conversation()
    answers = [make_answer(question, said) for question in ("first?", "second?", "third?")]
    run(lmm, answers)
    assert [answer.result(0.0).text for answer in answers] == ["I see a cat."] * 3
    assert [question.text for question in lmm.questions] == ["first?", "second?", "third?"]
    assert lmm.questions[0].history == ()
    assert lmm.questions[2].history == (("first?", "I see a cat."), ("second?", "I see a cat."))
    assert lmm.questions[0].asked_at_s == 3.0


def test_history_is_bounded() -> None:
    lmm = FakeLMM()
    said = Conversation()
    run(lmm, [make_answer(f"{number}?", said) for number in range(5)], AnswerConfig(max_history=2))
    assert [question for question, _ in lmm.questions[4].history] == ["2?", "3?"]


def test_conversations_know_nothing_of_each_other() -> None:
    lmm = FakeLMM()
    run(lmm, [make_answer("mine?", Conversation()), make_answer("yours?", Conversation())])
    assert lmm.questions[1].history == ()


def test_answer_carries_evidence_and_token_counts() -> None:
    answer = make_answer()
    worker = run(FakeLMM(), [answer])
    result = answer.result(0.0)
    assert result.evidence[0].frame_id == 0
    assert (result.num_prompt_tokens, result.num_tokens) == (7, 2)
    assert result.ttft_ms is not None and worker.last_ttft_ms == result.ttft_ms


def test_cancelled_before_its_turn_is_not_asked() -> None:
    lmm = FakeLMM()
    answer = make_answer()
    answer.cancel()
    run(lmm, [answer, make_answer("next?")])
    assert answer.result(0.0).was_cancelled and answer.result(0.0).text == ""
    assert [question.text for question in lmm.questions] == ["next?"]
    assert lmm.questions[0].history == ()


def test_one_question_that_cannot_be_answered_does_not_end_the_thread() -> None:
    class PickyLMM(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            if question.text == "bad?":
                raise AnswerError("I cannot read that.")
            yield from super().stream(question, snapshot, is_cancelled)

    bad, good = make_answer("bad?"), make_answer("good?")
    worker = run(PickyLMM(), [bad, good])
    with pytest.raises(AnswerError, match="cannot read"):
        bad.result(0.0)
    assert good.result(0.0).text == "I see a cat."
    assert worker.failure is None


def test_stream_that_ends_without_a_reply_is_an_error_of_that_answer() -> None:
    answer = make_answer()
    worker = run(FakeLMM(has_reply=False), [answer])
    with pytest.raises(AnswerError, match="stopped without completing"):
        answer.result(0.0)
    assert worker.failure is None


def test_endless_answer_is_cut() -> None:
    class EndlessLMM(FakeLMM):
        def stream(self, question, snapshot, is_cancelled):
            try:
                while True:
                    yield "again and again "
            finally:
                self.num_streams_ended += 1

    lmm = EndlessLMM()
    answer = make_answer()
    run(lmm, [answer], AnswerConfig(max_answer_chars=100))
    assert 100 <= len(answer.result(0.0).text) < 120
    assert lmm.num_streams_ended == 1


def test_failure_of_the_model_reaches_the_asker_and_all_who_wait() -> None:
    answers = [make_answer("first?"), make_answer("second?")]
    worker = run(FakeLMM(script=("I ", RuntimeError("out of memory"))), answers)
    for answer in answers:
        with pytest.raises(RuntimeError, match="out of memory"):
            answer.result(0.0)
    assert answers[0].text_so_far == "I "
    assert str(worker.failure) == "out of memory"


def test_stopped_thread_leaves_no_one_waiting() -> None:
    stop = StopSignal()
    stop.set()
    channel: Handoff[Answer] = Handoff(2)
    answer = make_answer()
    channel.put(answer, 0.0)
    lmm = FakeLMM()
    worker = AnswerWorker(channel, lambda: lmm, AnswerConfig(), stop=stop)
    worker.launch(lambda worker: None)
    assert worker.join(5.0)
    with pytest.raises(SessionClosedError):
        answer.result(0.0)
    assert lmm.num_closed == 1


@pytest.mark.parametrize(
    "limits", [{"max_waiting": 0}, {"max_scheduled": 0}, {"max_history": -1}, {"put_timeout_s": -1.0}]
)
def test_impossible_limits_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        AnswerConfig(**limits)
