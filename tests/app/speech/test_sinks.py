"""Files and queues that take audio."""

import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from app.speech.errors import SinkError
from app.speech.sinks import PlayerQueue, WavSink


def test_wav_file_holds_what_was_written(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "a.wav", 24_000)
    sink.write(np.array([0.0, 0.5, -0.5], np.float32))
    sink.write(np.array([2.0], np.float32))
    sink.close()
    sink.close()
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert np.frombuffer(file.readframes(9), "<i2").tolist() == [0, 16383, -16383, 32767]


@pytest.mark.parametrize("name", ["no/such/folder/a.wav", "."])
def test_a_path_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        WavSink(tmp_path / name, 24_000)


def test_queue_gives_exactly_what_is_asked_for() -> None:
    queue = PlayerQueue(100)
    queue.write(np.arange(5, dtype=np.float32))
    queue.write(np.arange(5, 8, dtype=np.float32))
    assert queue.take(3).tolist() == [0, 1, 2]
    assert queue.take(4).tolist() == [3, 4, 5, 6]
    assert queue.take(4).tolist() == [7]
    assert queue.position_s == pytest.approx(0.08)


def test_writer_waits_for_room_until_cancelled() -> None:
    queue = PlayerQueue(100, max_s=0.1)
    queue.write(np.zeros(10, np.float32))
    writer = threading.Thread(target=queue.write, args=(np.ones(10, np.float32),))
    writer.start()
    queue.take(4)
    assert queue.cancel() == pytest.approx(0.04)
    writer.join(5)
    assert not writer.is_alive()
    assert len(queue.take(100)) == 0
    queue.write(np.ones(10, np.float32))
    assert len(queue.take(100)) == 0
    assert queue.is_finished


def test_closed_queue_is_finished_when_it_is_empty() -> None:
    queue = PlayerQueue(100)
    queue.write(np.zeros(10, np.float32))
    queue.close()
    assert not queue.is_finished
    queue.take(10)
    assert queue.is_finished
