"""The detector against the graph that its weights come from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vision.encoders.conversion.convert_nanodet import golden_picture, module_names
from vision.encoders.nanodet import STRIDES, NanoDet, normalise_for_nanodet

WEIGHTS = Path(__file__).parents[3] / "assets" / "models" / "nanodet.safetensors"
GOLDEN = Path(__file__).parent / "golden" / "nanodet_golden.npz"


@pytest.fixture(scope="module")
def detector() -> NanoDet:
    module = NanoDet().eval()
    module.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return module


def test_the_module_equals_the_interpreted_graph(detector: NanoDet) -> None:
    golden = np.load(GOLDEN)
    with torch.inference_mode():
        outputs = detector(normalise_for_nanodet(torch.from_numpy(golden_picture())[None]))
    for stride, (scores, distances) in zip(STRIDES, outputs, strict=True):
        assert np.abs(scores[0, ::16].numpy() - golden[f"scores_{stride}"]).max() < 1e-5
        assert np.abs(distances[0, ::16].numpy() - golden[f"distances_{stride}"]).max() < 1e-4


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (320, 544)])
def test_any_whole_number_of_strides_goes_through(detector: NanoDet, height: int, width: int) -> None:
    with torch.inference_mode():
        outputs = detector(torch.zeros(1, 3, height, width))
    cells = [scores.shape[1] for scores, _ in outputs]
    assert cells == [(height // stride) * (width // stride) for stride in STRIDES]


def test_channels_are_turned_to_blue_green_red() -> None:
    red = torch.zeros(1, 1, 1, 3, dtype=torch.uint8)
    red[..., 0] = 255
    blue, green, last = normalise_for_nanodet(red)[0, :, 0, 0].tolist()
    assert last == pytest.approx((255 - 123.675) / 58.395)
    assert (blue, green) == pytest.approx((-103.53 / 57.375, -116.28 / 57.12))


def test_the_conversion_names_every_convolution_of_the_module_once() -> None:
    names = {name.rsplit(".", 1)[0] for name in NanoDet().state_dict()}
    assert len(module_names()) == len(set(module_names())) == 34
    assert set(module_names()) == names
