"""The detector of everyday things against TensorFlow Lite's own interpreter, and its boxes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vision.encoders import CONCEPTS
from vision.encoders.conversion.convert_nanodet import golden_picture
from vision.encoders.conversion.convert_ssd import GOLDEN_STEP, backbone_names
from vision.encoders.everyday import EVERYDAY_CONCEPTS, everyday_detections
from vision.encoders.ssd import CLASSES, SIDE_PX, SSDMobileNetV2, anchor_boxes, decode_codes, normalise_for_ssd
from vision.encoders.stored_weights import packed_state, unpacked_state

WEIGHTS = Path(__file__).parents[3] / "assets" / "models" / "ssd_mobilenet.safetensors"
GOLDEN = Path(__file__).parent / "golden" / "ssd_golden.npz"
NUM_ANCHORS = 1917


@pytest.fixture(scope="module")
def detector() -> SSDMobileNetV2:
    module = SSDMobileNetV2().eval()
    module.load_state_dict(unpacked_state(load_file(WEIGHTS)))
    return module


def test_the_module_equals_the_interpreter_but_for_its_int8_rows(detector: SSDMobileNetV2) -> None:
    """With the float16 weights of the package the difference was 2.5e-7."""
    golden = np.load(GOLDEN)
    with torch.inference_mode():
        scores, codes = detector(normalise_for_ssd(torch.from_numpy(golden_picture(SIDE_PX))[None]))
    assert golden["scores"].max() > 0.9  # the picture does light something up
    assert np.abs(scores[0, ::GOLDEN_STEP].numpy() - golden["scores"]).max() < 0.01
    difference = np.abs(codes[0, ::GOLDEN_STEP].numpy() - golden["codes"])
    assert np.median(difference) < 0.05 and difference.max() < 1.5


def test_there_is_an_anchor_for_every_output(detector: SSDMobileNetV2) -> None:
    with torch.inference_mode():
        scores, codes = detector(torch.zeros(1, 3, SIDE_PX, SIDE_PX))
    assert scores.shape == (1, NUM_ANCHORS, len(CLASSES)) and codes.shape == (1, NUM_ANCHORS, 4)
    assert anchor_boxes().shape == (NUM_ANCHORS, 4)


def test_a_code_of_zero_is_the_anchor_itself() -> None:
    anchors = torch.tensor([[0.5, 0.4, 0.2, 0.6], [0.0, 0.0, 1.0, 1.0]])
    boxes = decode_codes(torch.zeros(2, 4), anchors)
    assert boxes[0].tolist() == pytest.approx([0.1, 0.4, 0.7, 0.6])
    assert boxes[1].tolist() == pytest.approx([0.0, 0.0, 0.5, 0.5])  # what lies outside the picture is cut


def test_a_code_moves_and_grows_its_anchor() -> None:
    codes = torch.tensor([[10.0, 0.0, 0.0, 5.0 * float(np.log(2.0))]])
    (box,) = decode_codes(codes, torch.tensor([[0.2, 0.5, 0.2, 0.2]])).tolist()
    assert box == pytest.approx([0.3, 0.3, 0.7, 0.5])  # one height further down, twice as wide


def test_every_convolution_is_converted_once() -> None:
    names = {name.rsplit(".", 1)[0] for name in SSDMobileNetV2().state_dict()}
    heads = {name for name in names if name.startswith(("codes", "scores"))}
    assert len(heads) == 12 and set(backbone_names()) | heads == names and len(backbone_names()) == 60


def test_packed_weights_come_back_within_half_a_step() -> None:
    state = {"a.weight": torch.randn(7, 5, 3, 3), "a.bias": torch.randn(7), "b.weight": torch.randn(4, 1, 3, 3)}
    back = unpacked_state(packed_state(state))
    assert back.keys() == state.keys()
    steps = state["a.weight"].flatten(1).abs().amax(dim=1) / 127
    assert ((back["a.weight"] - state["a.weight"]).flatten(1).abs().amax(dim=1) <= 0.51 * steps + 1e-3).all()
    assert torch.equal(back["b.weight"], state["b.weight"].half().float())


def test_two_classes_of_one_concept_are_one_thing() -> None:
    scores = np.zeros((2, len(CLASSES)), np.float32)
    scores[0, CLASSES.index("mug")], scores[1, CLASSES.index("coffee cup")] = 0.4, 0.6
    boxes = np.array([[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.48]], np.float32)
    (cup,) = everyday_detections(scores, boxes)
    assert CONCEPTS[cup.concept].name == "cup" and cup.score == pytest.approx(0.6)


def test_what_is_worn_and_empty_boxes_are_left_out() -> None:
    scores = np.zeros((2, len(CLASSES)), np.float32)
    scores[0, CLASSES.index("footwear")], scores[1, CLASSES.index("dog")] = 0.9, 0.9
    boxes = np.array([[0.1, 0.1, 0.5, 0.5], [0.3, 0.3, 0.3, 0.6]], np.float32)
    assert everyday_detections(scores, boxes) == []
    assert {CONCEPTS[concept].name for concept in EVERYDAY_CONCEPTS} >= {"box", "table", "person", "cup"}
