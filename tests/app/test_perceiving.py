import pytest

from app.handoff import Handoff
from app.language.embedded.evidence import evidence_for
from app.language.embedded.lexicon import Lexicon
from app.language.embedded.reading import read_snapshot
from app.language.embedded.recall import recall
from app.perceiving import PerceiveConfig, PerceiveWorker, _cited_frame_ids
from app.worker import StopSignal
from tests.app.language.embedded.streams import LAYOUT, walk
from tests.fakes import FakeClock, FakeEncoder, FakeMemory, make_frames
from vision import Frame
from vision.encoders import CONCEPTS


def make_worker(encoder: FakeEncoder, memory: FakeMemory, frames: list[Frame], **options) -> PerceiveWorker:
    """A perceive worker whose input is complete."""
    handoff: Handoff[Frame] = Handoff(len(frames) + 1)
    for frame in frames:
        handoff.put(frame, 0.0)
    handoff.finish()
    options = {"config": PerceiveConfig(fps=2.0), "stop": StopSignal(), **options}
    config = options.pop("config")
    return PerceiveWorker(handoff, lambda: encoder, lambda loaded: memory, config, **options)


def run(worker: PerceiveWorker) -> None:
    worker.launch(lambda worker: None)
    assert worker.join(5.0)


def test_sampled_frames_are_encoded_and_written_in_order() -> None:
    encoder, memory = FakeEncoder(), FakeMemory()
    worker = make_worker(encoder, memory, make_frames(20, fps=10.0))
    run(worker)
    assert memory.times_s == [0.0, 0.5, 1.0, 1.5, 1.9]
    assert memory.frame_ids == [0, 5, 10, 15, 19]
    assert worker.num_encoded == 5


def test_last_frame_counts_only_if_it_is_much_newer_than_the_last_sample() -> None:
    memory = FakeMemory()
    run(make_worker(FakeEncoder(), memory, make_frames(12, fps=10.0)))
    assert memory.times_s == [0.0, 0.5, 1.0]


def test_evidence_pictures_are_kept_for_encoded_frames() -> None:
    worker = make_worker(FakeEncoder(), FakeMemory(), make_frames(20, fps=10.0))
    run(worker)
    assert len(worker.frames) == 5
    picture = worker.frames.get(5)
    assert picture is not None and picture.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "text", ["When did you see a dog?", "Did you see a car between 0:11 and 0:15?", "What was there at 0:06?", "Hello"]
)
def test_pictures_of_frames_that_an_answer_can_point_at_are_thinned_last(text: str) -> None:
    reading = read_snapshot(walk(), LAYOUT)
    recalled = recall(text, (), reading, Lexicon(CONCEPTS, lambda word: False), CONCEPTS)
    pointed_at = {one.frame_id for one in evidence_for(None, recalled, reading)}
    assert pointed_at <= set(_cited_frame_ids(walk()))


def test_encoding_time_is_measured() -> None:
    clock = FakeClock()

    class SlowEncoder(FakeEncoder):
        def encode(self, image):
            clock.advance(0.05)
            return super().encode(image)

    worker = make_worker(SlowEncoder(), FakeMemory(), make_frames(20), clock=clock)
    run(worker)
    assert worker.encode_ms == pytest.approx(50.0)


def test_before_write_is_called_before_the_memory_changes() -> None:
    memory = FakeMemory()
    seen: list[tuple[float, int]] = []
    worker = make_worker(FakeEncoder(), memory, make_frames(11, fps=10.0))
    worker.before_write = lambda time_s: seen.append((time_s, len(memory.times_s)))
    run(worker)
    assert seen == [(0.0, 0), (0.5, 1), (1.0, 2)]


def test_memory_outlives_the_thread() -> None:
    encoder, memory = FakeEncoder(), FakeMemory()
    worker = make_worker(encoder, memory, make_frames(3))
    run(worker)
    assert worker.memory is memory
    assert memory.num_closed == 0
    assert encoder.num_closed == 1


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 1000.0])
def test_impossible_rates_are_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="fps must be in"):
        PerceiveConfig(fps=fps)
