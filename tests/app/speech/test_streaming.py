"""Speaking into a sink, clause by clause."""

import numpy as np
import pytest

from app.speech.errors import SinkError, SpeechTextError
from app.speech.sinks import CallbackSink, PlayerQueue
from app.speech.speaker import SpeakOptions
from app.speech.streaming import speak
from tests.app.speech.conftest import CountingSpeaker

TEXT = ["There is a c", "at, on the left", ". It sleeps. ", "Nothing else moves."]


def test_every_word_is_spoken_once_in_order(counting: CountingSpeaker) -> None:
    queue = PlayerQueue(counting.sample_rate)
    reply = speak(counting, TEXT, queue)
    assert counting.said == "".join(TEXT).split()
    assert [clause.text.strip() for clause in reply.clauses] == [
        "There is a cat,",
        "on the left.",
        "It sleeps.",
        "Nothing else moves.",
    ]
    assert reply.is_complete
    assert reply.audio_s == pytest.approx(0.1 * len(counting.said))
    taken = queue.take(10_000)
    assert np.array_equal(np.unique(taken), np.arange(1, len(counting.said) + 1, dtype=np.float32) / 1000)


def test_clauses_lie_end_to_end(counting: CountingSpeaker) -> None:
    reply = speak(counting, TEXT, PlayerQueue(counting.sample_rate))
    assert reply.clauses[0].start_s == 0.0
    for before, after in zip(reply.clauses, reply.clauses[1:], strict=False):
        assert before.end_s == after.start_s


def test_cancelling_stops_between_two_blocks_and_tells_what_was_said(counting: CountingSpeaker) -> None:
    queue = PlayerQueue(counting.sample_rate)
    reply = speak(counting, TEXT, queue, is_cancelled=lambda: len(counting.said) >= 6)
    assert len(counting.said) == 6
    assert not reply.is_complete
    queue.take(450)
    position_s = queue.cancel()
    assert position_s == pytest.approx(0.45)
    assert reply.text_until(position_s).split()[:4] == ["There", "is", "a", "cat,"]
    assert len(queue.take(1000)) == 0


def test_cancelled_before_the_first_block_nothing_is_said(counting: CountingSpeaker) -> None:
    reply = speak(counting, TEXT, PlayerQueue(counting.sample_rate), is_cancelled=lambda: True)
    assert (counting.said, reply.clauses, reply.is_complete) == ([], [], False)


@pytest.mark.parametrize("pieces", [[], [""], ["  ", "\n"]])
def test_empty_text_is_an_error(counting: CountingSpeaker, pieces: list[str]) -> None:
    with pytest.raises(SpeechTextError, match="text is empty"):
        speak(counting, pieces, PlayerQueue(counting.sample_rate))


def test_a_sink_that_stalls_is_an_error_and_the_speaker_stays_usable(counting: CountingSpeaker) -> None:
    queue = PlayerQueue(counting.sample_rate, max_s=0.2, stall_s=0.05)
    with pytest.raises(SinkError, match="took no audio"):
        speak(counting, TEXT, queue)
    heard: list[bytes] = []
    assert speak(counting, ["Here again."], CallbackSink(heard.append)).is_complete
    assert sum(map(len, heard)) == 2 * 200


def test_each_clause_has_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch, counting: CountingSpeaker) -> None:
    seeds = []
    inner = counting.synthesise

    def noted(text: str, options: SpeakOptions, is_cancelled: object) -> object:
        seeds.append(options.seed)
        return inner(text, options)

    monkeypatch.setattr(counting, "synthesise", noted)
    speak(counting, TEXT, PlayerQueue(counting.sample_rate), SpeakOptions(seed=7))
    assert seeds == [7, 8, 9, 10]
