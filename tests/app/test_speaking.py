"""The speak thread with fake voices: what is heard, in which order, and what happens when something fails."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from app.answer import Answer
from app.config import AssistantConfig
from app.errors import AnswerError, SessionClosedError, SessionStateError, TooManyQuestionsError
from app.session import Session
from app.speaking import SpeakWorker, SpeechConfig
from app.speech import PlayerQueue, SinkError, SpeechTextError, VoiceMissingError
from app.spoken import SpokenAnswer, WholeText
from app.worker import StopSignal
from tests.fakes import FakeClock, FakeLMM, FakeSource, FakeSpeaker, make_frames, make_session

WAIT_S = 10.0


class ListSink:
    """Keeps the number of every word, as FakeSpeaker says it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[int] = []
        self.was_written = threading.Event()
        self._error = error

    def write(self, audio: np.ndarray, is_cancelled: Callable[[], bool]) -> None:
        if self._error is not None:
            raise self._error
        self.heard.append(round(float(audio[0]) * 1000))
        self.was_written.set()

    def cancel(self) -> float:
        return len(self.heard) / 10

    def close(self) -> None:
        pass


class Voices:
    """Gives these speakers in order, each an exception to raise or a voice; then the last for ever."""

    def __init__(self, *speakers: FakeSpeaker | Exception) -> None:
        self.speakers, self.num_opened = list(speakers), 0

    def __call__(self, name: str) -> Any:
        speaker = self.speakers[min(self.num_opened, len(self.speakers) - 1)]
        self.num_opened += 1
        if isinstance(speaker, Exception):
            raise speaker
        return speaker


@pytest.fixture
def start() -> Any:
    """start(voices, config): a running worker; stopped and joined at the end."""
    workers: list[tuple[SpeakWorker, StopSignal]] = []

    def start_it(voices: Callable[[str], Any], config: SpeechConfig | None = None, **parts: Any) -> SpeakWorker:
        stop = StopSignal()
        worker = SpeakWorker(config or SpeechConfig(), voices, stop=stop, **parts)
        worker.launch(lambda worker: None)
        workers.append((worker, stop))
        return worker

    yield start_it
    for worker, stop in workers:
        stop.set()
        assert worker.join(WAIT_S)
        assert worker.failure is None and stop.cause is None  # speech never takes the session down


def put(worker: SpeakWorker, words: Any, sink: Any = None) -> SpokenAnswer:
    spoken = SpokenAnswer(WholeText(words) if isinstance(words, str) else words, sink or ListSink())
    worker.put(spoken)
    return spoken


def test_an_answer_is_spoken_while_it_is_being_written(start: Any) -> None:
    speaker, sink, answer = FakeSpeaker(), ListSink(), Answer("what?")
    spoken = put(start(Voices(speaker)), answer, sink)
    for piece in ("I saw", " a cat, and", " then"):
        answer.push(piece)
    assert sink.was_written.wait(WAIT_S)  # before the answer is whole
    assert not spoken.is_done and speaker.clauses == ["I saw a cat, "]
    answer.push(" a dog.")
    answer.complete("I saw a cat, and then a dog.")
    result = spoken.result(WAIT_S)
    assert "".join(speaker.clauses) == "I saw a cat, and then a dog."  # nothing twice, nothing left out
    assert sink.heard == list(range(1, 9))
    assert result.is_whole and result.problem is None and result.voice == "fake voice"
    assert result.seconds == pytest.approx(0.8)
    assert speaker.thread_names == {"afterglow-speak"}


def test_times_are_those_from_the_wish_to_the_first_block(start: Any) -> None:
    clock = FakeClock()
    answer = Answer("what?")
    spoken = SpokenAnswer(answer, ListSink(), clock=clock)
    clock.advance(1.5)
    worker = start(Voices(FakeSpeaker()))
    worker.put(spoken)
    answer.push("A cat.")
    answer.complete("A cat.")
    result = spoken.result(WAIT_S)
    assert result.first_audio_ms == pytest.approx(1500.0)
    assert result.clause_ms is not None and result.clause_ms >= 0


def test_the_voice_computes_without_helper_threads(start: Any) -> None:
    usual, seen = torch.get_num_threads(), []

    def open_voice(name: str) -> FakeSpeaker:
        seen.append(torch.get_num_threads())
        return FakeSpeaker()

    torch.set_num_threads(3)
    try:
        assert put(start(open_voice), "Hello.").result(WAIT_S).is_whole
        assert (seen, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(usual)


def test_two_askers_are_queued_and_not_mixed(start: Any) -> None:
    speaker = FakeSpeaker()
    worker = start(Voices(speaker))
    first, second = Answer("mine?"), Answer("yours?")
    spoken = [put(worker, first), put(worker, second)]
    second.push("Two dogs. ")
    first.push("One cat. ")
    second.complete("Two dogs.")
    first.push("Asleep.")
    first.complete("One cat. Asleep.")
    assert all(one.result(WAIT_S).is_whole for one in spoken)
    assert speaker.said == ["One", "cat.", "Asleep.", "Two", "dogs."]


def test_cancel_silences_the_player_at_once_and_tells_what_was_heard(start: Any) -> None:
    gate = threading.Event()
    queue = PlayerQueue(24_000)
    spoken = put(start(Voices(FakeSpeaker(gate=gate))), "one two three four", queue)
    while not len(queue.take(1200)):
        gate.wait(0.001)
    position_s = spoken.cancel()
    assert position_s == pytest.approx(0.05)
    assert not len(queue.take(24_000))  # silent from here on
    result = spoken.result(WAIT_S)
    assert not result.is_whole and result.problem is None
    assert spoken.text_until(0.4) == "one"
    assert not len(queue.take(24_000))


def test_stopping_the_answer_itself_silences_it_too(start: Any) -> None:
    answer, queue = Answer("what?"), PlayerQueue(24_000)
    spoken = put(start(Voices(FakeSpeaker())), answer, queue)
    answer.push("I saw a cat, and")
    while not queue.take(1).size:
        threading.Event().wait(0.001)
    answer.cancel()
    assert not spoken.result(WAIT_S).is_whole
    assert queue.is_finished


def test_words_that_were_heard_are_known_after_all_is_in_the_queue(start: Any) -> None:
    queue = PlayerQueue(24_000)
    spoken = put(start(Voices(FakeSpeaker())), "One cat sat. Two dogs ran.", queue)
    assert spoken.result(WAIT_S).is_whole
    spoken.cancel()
    assert queue.is_finished
    assert spoken.text_until(0.3) == "One cat sat."
    assert spoken.text_until(0.4) == "One cat sat. Two"


def test_cancelled_before_its_turn_opens_no_voice(start: Any) -> None:
    voices = Voices(FakeSpeaker())
    answer = Answer("what?")
    answer.cancel()
    spoken = put(start(voices), answer)
    assert spoken.result(WAIT_S).seconds == 0.0
    assert voices.num_opened == 0


def test_the_voice_is_opened_when_it_is_first_wanted(start: Any) -> None:
    voices = Voices(FakeSpeaker())
    worker = start(voices)
    assert worker.ready.wait(WAIT_S) and voices.num_opened == 0 and worker.status.voice is None
    worker.prepare()
    while worker.status.voice is None:
        threading.Event().wait(0.01)
    assert voices.num_opened == 1


def test_a_voice_that_cannot_be_opened_says_why_and_is_tried_again(start: Any) -> None:
    voices = Voices(VoiceMissingError("The voice is not on this machine."), FakeSpeaker())
    worker = start(voices)
    failed = put(worker, "Hello there.").result(WAIT_S)
    assert failed.problem == "The voice is not on this machine." == worker.status.problem
    assert failed.seconds == 0.0 and not failed.is_whole
    assert put(worker, "Hello there.").result(WAIT_S).is_whole
    assert worker.status.problem is None and voices.num_opened == 2


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), MemoryError(), ValueError("shape")])
def test_a_voice_that_fails_in_the_middle_ends_that_answer_alone(start: Any, error: Exception) -> None:
    broken, whole = FakeSpeaker(errors=[error]), FakeSpeaker()
    worker = start(Voices(broken, whole))
    result = put(worker, "One two three.").result(WAIT_S)
    assert result.problem is not None and type(error).__name__ in result.problem
    assert result.seconds == 0.0 or not result.is_whole
    assert broken.num_closed == 1
    assert put(worker, "One two three.").result(WAIT_S).is_whole
    assert whole.said == ["One", "two", "three."]


def test_a_listener_that_fails_does_not_harm_the_voice(start: Any) -> None:
    voices = Voices(FakeSpeaker())
    worker = start(voices)
    result = put(worker, "Hello.", ListSink(SinkError("The disk is full."))).result(WAIT_S)
    assert result.problem == "The disk is full."
    assert worker.status.problem is None
    assert put(worker, "Hello.").result(WAIT_S).is_whole and voices.num_opened == 1


def test_a_player_that_stalls_is_given_up(start: Any) -> None:
    worker = start(Voices(FakeSpeaker()))
    stalled = PlayerQueue(24_000, max_s=0.2, stall_s=0.1)
    result = put(worker, "one two three four five six", stalled).result(WAIT_S)
    assert result.problem is not None and "took no audio" in result.problem
    assert put(worker, "Hello.").result(WAIT_S).is_whole


@pytest.mark.parametrize("text", ["", "   ", "...", "\U0001f642"])
def test_text_without_words_is_told_and_harms_nothing(start: Any, text: str) -> None:
    speaker = FakeSpeaker(errors=[SpeechTextError("There is nothing to say.")] if text.strip() else [])
    worker = start(Voices(speaker))
    assert "nothing to say" in (put(worker, text).result(WAIT_S).problem or "").lower()
    assert worker.status.problem is None
    assert put(worker, "Hello.").result(WAIT_S).is_whole


def test_an_answer_that_failed_half_way_is_spoken_as_far_as_it_came(start: Any) -> None:
    answer, speaker = Answer("what?"), FakeSpeaker()
    answer.push("I saw")
    answer.fail(AnswerError("It stopped."))
    assert put(start(Voices(speaker)), answer).result(WAIT_S).is_whole
    assert speaker.said == ["I", "saw"]


def test_a_full_channel_refuses(start: Any) -> None:
    worker = start(Voices(FakeSpeaker()), SpeechConfig(max_waiting=1))
    waiting = Answer("what?")
    first = put(worker, waiting)
    while worker.status.waiting:
        threading.Event().wait(0.001)
    put(worker, "Second.")
    with pytest.raises(TooManyQuestionsError):
        put(worker, "Third.")
    assert worker.status.is_speaking and worker.status.waiting == 1
    waiting.complete("")
    first.result(WAIT_S)


def test_stopping_leaves_no_one_waiting(start: Any) -> None:
    worker = start(Voices(FakeSpeaker()))
    spoken = [put(worker, Answer("never answered?")), put(worker, "Waits.")]
    worker._stop.set()
    assert [one.result(WAIT_S).is_whole for one in spoken] == [False, False]
    assert all("closed" in (one.result(0.0).problem or "") for one in spoken)
    assert worker.join(WAIT_S)
    with pytest.raises(SessionClosedError):
        put(worker, "Too late.")


@pytest.mark.parametrize(
    "limits", [{"speed": 3.0}, {"steps": 3}, {"max_waiting": 0}, {"queue_s": 0.0}, {"stall_s": float("nan")}]
)
def test_impossible_settings_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        SpeechConfig(**limits)


# As part of a session


def speaking_session(speaker: Callable[[str], Any], **parts: Any) -> Session:
    source = FakeSource(make_frames(5), is_live=True, never_ends=True)
    return make_session(config=AssistantConfig(speech=SpeechConfig()), speaker=speaker, source=source, **parts)


def ask_and_listen(session: Session, sink: Any) -> tuple[Answer, SpokenAnswer]:
    while not session.status().frames_encoded:
        threading.Event().wait(0.005)
    answer = session.ask("what?")
    return answer, session.speak(answer, sink)


def test_a_session_speaks_its_answers() -> None:
    speaker = FakeSpeaker()
    with speaking_session(lambda name: speaker) as session:
        answer, spoken = ask_and_listen(session, ListSink())
        assert spoken.result(WAIT_S).is_whole
        assert " ".join(speaker.said) == answer.result(WAIT_S).text == "I see a cat."
        speech = session.status().speech
        assert speech is not None and speech.voice == "fake voice" and speech.problem is None
    assert speaker.num_closed == 1


def test_a_session_whose_voice_fails_still_answers() -> None:
    with speaking_session(Voices(RuntimeError("no model"))) as session:
        answer, spoken = ask_and_listen(session, ListSink())
        assert answer.result(WAIT_S).text == "I see a cat."
        assert "RuntimeError" in (spoken.result(WAIT_S).problem or "")
        speech = session.status().speech
        assert speech is not None and speech.problem is not None
        assert session.status().failure is None


def test_closing_in_the_middle_of_a_spoken_answer_ends_in_time_and_leaves_no_one_waiting() -> None:
    gate = threading.Event()
    session = speaking_session(lambda name: FakeSpeaker(gate=gate))
    session.start()
    sink = ListSink()
    _, spoken = ask_and_listen(session, sink)
    assert sink.was_written.wait(WAIT_S)
    session.close()
    session.close()
    assert not spoken.result(0.0).is_whole
    with pytest.raises(SessionClosedError):
        session.speak(WholeText("Hello."), sink)


def test_a_failing_model_ends_what_is_being_spoken() -> None:
    gate = threading.Event()
    lmm = FakeLMM(script=("I see a ", gate, RuntimeError("out of memory")))
    session = speaking_session(lambda name: FakeSpeaker(), lmm=lmm)
    session.start()
    _, spoken = ask_and_listen(session, ListSink())
    gate.set()
    assert spoken.result(WAIT_S).problem is not None or spoken.result(0.0).is_whole
    with pytest.raises(RuntimeError, match="out of memory"):
        session.close()


def test_a_session_without_speech_says_so() -> None:
    with make_session(source=FakeSource(make_frames(2), is_live=True, never_ends=True)) as session:
        assert session.status().speech is None
        session.prepare_speech()
        with pytest.raises(SessionStateError, match="does not speak"):
            session.speak(WholeText("Hello."), ListSink())
