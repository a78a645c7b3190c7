"""The interpreter of TensorFlow.js graphs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vision.encoders.conversion.tfjs_graph import OPERATIONS, TfjsGraph

Weights = dict[str, np.ndarray]


def write_graph(
    folder: Path, nodes: list[dict[str, Any]], weights: Weights, output: str, half: bool = False
) -> TfjsGraph:
    entries, data = [], b""
    for name, array in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
        if half and array.dtype == np.float32:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            array = array.astype(np.float16)
        entries.append(entry)
        data += array.tobytes()
    constants = [{"name": name, "op": "Const"} for name in weights]
    model = {
        "modelTopology": {"node": [{"name": "x", "op": "Placeholder"}, *constants, *nodes]},
        "signature": {"outputs": {f"{output}:0": {}}},
        "weightsManifest": [{"paths": ["w.bin"], "weights": entries}],
    }
    (folder / "w.bin").write_bytes(data)
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return TfjsGraph(folder / "model.json")


def convolution(stride: int, padding: str) -> dict[str, Any]:
    return {
        "name": "y",
        "op": "Conv2D",
        "input": ["x", "kernel"],
        "attr": {"strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}}, "padding": {"s": padding}},
    }


@pytest.mark.parametrize("half", [False, True])
def test_a_convolution_in_tensorflows_layout(tmp_path: Path, half: bool) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype(np.float16).astype(np.float32)
    graph = write_graph(tmp_path, [convolution(1, "VkFMSUQ=")], {"kernel": kernel}, "y", half)  # VALID
    x = torch.randn(1, 6, 7, 2, generator=torch.Generator().manual_seed(0))
    expected = F.conv2d(x.permute(0, 3, 1, 2), torch.from_numpy(kernel).permute(3, 2, 0, 1)).permute(0, 2, 3, 1)
    assert torch.allclose(graph.run(x)["y"], expected, atol=1e-5)


def test_same_padding_puts_the_odd_row_at_the_end(tmp_path: Path) -> None:
    graph = write_graph(tmp_path, [convolution(2, "U0FNRQ==")], {"kernel": np.ones((3, 3, 1, 1), np.float32)}, "y")
    y = graph.run(torch.ones(1, 4, 4, 1))["y"]
    assert y[0, :, :, 0].tolist() == [[9, 6], [6, 4]]


def test_outputs_of_one_node_are_told_apart(tmp_path: Path) -> None:
    weights = {"sizes": np.array([1, 2], np.int32), "axis": np.array(-1, np.int32)}
    nodes = [
        {"name": "parts", "op": "SplitV", "input": ["x", "sizes", "axis"]},
        {"name": "y", "op": "Add", "input": ["parts", "parts:1"]},
    ]
    graph = write_graph(tmp_path, nodes, weights, "y")
    assert graph.run(torch.tensor([[1.0, 10.0, 20.0]]))["y"].tolist() == [[11.0, 21.0]]


def test_half_pixel_centres_differ_from_the_old_corners() -> None:
    x = torch.arange(4.0).reshape(1, 1, 4, 1)
    size = torch.tensor([1, 8])
    old = OPERATIONS["ResizeBilinear"]({}, x, size)[0, 0, :, 0]
    new = OPERATIONS["ResizeBilinear"]({"half_pixel_centers": {"b": True}}, x, size)[0, 0, :, 0]
    assert old.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    assert new.tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


def test_unknown_operations_and_wrong_sizes_are_named(tmp_path: Path) -> None:
    graph = write_graph(tmp_path, [{"name": "y", "op": "Erf", "input": ["x"]}], {}, "y")
    with pytest.raises(NotImplementedError, match="operation Erf of node y"):
        graph.run(torch.zeros(1))
    (tmp_path / "w.bin").write_bytes(b"1234")
    with pytest.raises(ValueError, match="describes 0 bytes, the weight files hold 4"):
        TfjsGraph(tmp_path / "model.json")
