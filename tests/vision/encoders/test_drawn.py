"""Drawn streams: doubted when many frames look drawn, never for one, and filmed streams never."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from vision.encoders.drawn import BOUND, DOUBT, FILMED, DrawnJudge, doubted
from vision.encoders.seen import SeenObject, seen_object
from vision.encoders.semantic import DRAWN_FILE

WEIGHT = np.zeros(1000, np.float32)
WEIGHT[0] = 1.0


def frame(score: float) -> np.ndarray:
    """Logits of a frame that a judge with WEIGHT gives this score."""
    logits = np.zeros((9, 9, 1000), np.float32)
    logits[..., 0] = score
    return logits


def judge() -> DrawnJudge:
    return DrawnJudge(WEIGHT, 0.0)


def doubts(scores: list[float]) -> list[float]:
    one = judge()
    return [one.doubt(frame(score)) for score in scores]


def dog(probability: float) -> SeenObject:
    return seen_object(16, probability, (0.5, 0.5, 0.3, 0.3), "detector")


def test_a_filmed_stream_is_not_doubted() -> None:
    assert set(doubts([-4.0, -1.0, -0.5] * 50)) == {0.0}


def test_a_drawn_stream_is_doubted_in_full_after_a_while() -> None:
    found = doubts([3.0] * 40)
    assert found[0] == 0.0 and found[-1] == DOUBT
    assert found == sorted(found)


@pytest.mark.parametrize("score", [3.0, 1000.0])
def test_a_single_drawn_picture_in_a_film_raises_no_doubt(score: float) -> None:
    assert set(doubts([-3.0] * 10 + [score] * 3 + [-3.0] * 10)) == {0.0}


def test_a_film_after_a_cartoon_is_believed_again() -> None:
    assert doubts([3.0] * 40 + [-3.0] * 40)[-1] == 0.0


def test_blank_frames_say_nothing() -> None:
    one = judge()
    for _ in range(40):
        one.doubt(frame(3.0))
    assert [one.doubt(frame(-9.0), is_blank=True) for _ in range(40)] == [DOUBT] * 40


def test_another_stream_counts_as_filmed() -> None:
    one = judge()
    for _ in range(40):
        one.doubt(frame(3.0))
    one.reset()
    assert one.doubt(frame(3.0)) == 0.0


def test_weights_for_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1000 classes, got \(12,\)"):
        DrawnJudge(np.zeros(12, np.float32), 0.0)


def test_doubt_lowers_all_and_drops_what_is_nothing_any_more() -> None:
    objects = [dog(0.3), dog(0.96)]
    assert doubted(objects, 0.0) == objects
    (left,) = doubted(objects, DOUBT)
    assert left.probability == pytest.approx(0.54, abs=0.02) and left.evidence < 0.4


def test_the_shipped_weights_score_a_frame_within_what_the_mean_can_use() -> None:
    stored = load_file(DRAWN_FILE)
    assert stored["weight"].shape == (1000,) and np.isfinite(stored["weight"]).all()
    assert abs(stored["weight"].mean()) < 1e-6  # how bright the logits are as a whole says nothing
    assert FILMED == -BOUND
