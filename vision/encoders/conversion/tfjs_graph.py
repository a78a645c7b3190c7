"""Runs a TensorFlow.js graph model with PyTorch operations: the reference that a converted network is checked against.

In: `<name>.json` (topology and manifest) and its weight file. Out: constants by name, and the graph's outputs for an
input. Slow and general on purpose: each operation is interpreted as TensorFlow defines it, in TensorFlow's layout.
Only the operations that our two source graphs use are known. Used by the conversion and by bench/, never at run time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["TfjsGraph"]

Node = dict[str, Any]
Value = Any  # a tensor, or a tuple of tensors for operations with several outputs


class TfjsGraph:
    """One loaded graph. `constants` maps a node's name to its array."""

    def __init__(self, model_json: Path):
        model = json.loads(model_json.read_text(encoding="utf-8"))
        self.nodes: dict[str, Node] = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.outputs = [name.split(":")[0] for name in model["signature"]["outputs"]]
        self.constants = _read_constants(model["weightsManifest"], model_json.parent)

    def run(self, x: Tensor, outputs: list[str] | None = None) -> dict[str, Tensor]:
        """The named outputs (by default those of the signature) for the one input `x`."""
        values: dict[str, Value] = {}
        for name in outputs or self.outputs:
            self._evaluate(name, x, values)
        return {name: values[name] for name in outputs or self.outputs}

    def inputs_of(self, name: str) -> list[str]:
        return [reference.lstrip("^").split(":")[0] for reference in self.nodes[name].get("input", [])]

    def _evaluate(self, goal: str, x: Tensor, values: dict[str, Value]) -> None:
        waiting = [goal]
        while waiting:
            name = waiting[-1]
            missing = [reference for reference in self.inputs_of(name) if reference not in values]
            if missing and name not in values:
                waiting.extend(missing)
                continue
            waiting.pop()
            if name not in values:
                values[name] = self._run_node(self.nodes[name], x, values)

    def _run_node(self, node: Node, x: Tensor, values: dict[str, Value]) -> Value:
        if node["op"] == "Placeholder":
            return x
        if node["op"] == "Const":
            return torch.from_numpy(self.constants[node["name"]])
        arguments = []
        for reference in node.get("input", []):
            base, _, position = reference.partition(":")
            value = values[base]
            arguments.append(value[int(position or 0)] if isinstance(value, tuple) else value)
        try:
            operation = OPERATIONS[node["op"]]
        except KeyError:
            raise NotImplementedError(f"operation {node['op']} of node {node['name']} is not known") from None
        return operation(node.get("attr", {}), *arguments)


def _read_constants(manifest: list[dict[str, Any]], folder: Path) -> dict[str, np.ndarray]:
    constants = {}
    for group in manifest:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        position = 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            array = np.frombuffer(data, stored, count, position).reshape(entry["shape"])
            position += array.nbytes
            constants[entry["name"]] = array.astype(entry["dtype"])
        if position != len(data):
            raise ValueError(f"the manifest describes {position} bytes, the weight files hold {len(data)}")
    return constants


def _text(attributes: dict[str, Any], name: str) -> str:
    return base64.b64decode(attributes[name]["s"]).decode() if name in attributes else ""


def _integers(attributes: dict[str, Any], name: str) -> list[int]:
    return [int(value) for value in attributes[name]["list"]["i"]]


def _same_padding(x: Tensor, kernel: tuple[int, ...], strides: list[int], value: float = 0.0) -> Tensor:
    """TensorFlow's SAME on [B, C, H, W]: what is missing, the odd one at the end."""
    pads: list[int] = []
    for axis in (1, 0):
        size = x.shape[2 + axis]
        missing = max((-(-size // strides[axis]) - 1) * strides[axis] + kernel[axis] - size, 0)
        pads += [missing // 2, missing - missing // 2]
    return F.pad(x, pads, value=value)


def _convolution(
    attributes: dict[str, Any], x: Tensor, weight: Tensor, *rest: Tensor, depthwise: bool = False
) -> Tensor:
    strides = _integers(attributes, "strides")[1:3]
    if depthwise:
        rows, columns, width, multiplier = weight.shape
        kernel = weight.permute(2, 3, 0, 1).reshape(width * multiplier, 1, rows, columns)
    else:
        kernel = weight.permute(3, 2, 0, 1)
    y = x.permute(0, 3, 1, 2)  # NHWC -> NCHW
    groups = y.shape[1] // kernel.shape[1]
    if _text(attributes, "padding") == "SAME":
        y = _same_padding(y, tuple(kernel.shape[2:]), strides)
    y = F.conv2d(y, kernel, stride=strides, groups=groups).permute(0, 2, 3, 1)
    return _fused(attributes, y, *rest)


def _fused(attributes: dict[str, Any], y: Tensor, *rest: Tensor) -> Tensor:
    names = [base64.b64decode(name).decode() for name in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]
    for name in names:
        if name == "BiasAdd":
            y = y + rest[0]
        elif name in ("Relu", "Relu6"):
            y = y.clamp(0.0, 6.0 if name == "Relu6" else None)
        else:
            raise NotImplementedError(f"fused operation {name} is not known")
    return y


def _depthwise(attributes: dict[str, Any], x: Tensor, weight: Tensor, *rest: Tensor) -> Tensor:
    return _convolution(attributes, x, weight, *rest, depthwise=True)


def _max_pool(attributes: dict[str, Any], x: Tensor) -> Tensor:
    kernel, strides = _integers(attributes, "ksize")[1:3], _integers(attributes, "strides")[1:3]
    y = x.permute(0, 3, 1, 2)
    if _text(attributes, "padding") == "SAME":
        y = _same_padding(y, tuple(kernel), strides, -torch.inf)
    return F.max_pool2d(y, kernel, strides).permute(0, 2, 3, 1)


def _pad(attributes: dict[str, Any], x: Tensor, paddings: Tensor, value: Tensor | None = None) -> Tensor:
    pads = [side for axis in reversed(paddings.tolist()) for side in axis]
    return F.pad(x, pads, value=0.0 if value is None else float(value))


def _resize(attributes: dict[str, Any], x: Tensor, size: Tensor) -> Tensor:
    aligned = attributes.get("align_corners", {}).get("b", False)
    half_pixels = attributes.get("half_pixel_centers", {}).get("b", False)
    y = x.permute(0, 3, 1, 2)
    if aligned or half_pixels:
        return F.interpolate(y, size.tolist(), mode="bilinear", align_corners=aligned).permute(0, 2, 3, 1)
    return _resize_from_corners(y, size.tolist()).permute(0, 2, 3, 1)


def _resize_from_corners(x: Tensor, size: list[int]) -> Tensor:
    """TensorFlow's old bilinear: output pixel i is read at i * scale, without the half-pixel shift."""
    for axis, length in ((2, size[0]), (3, size[1])):
        position = torch.arange(length) * (x.shape[axis] / length)
        low = position.floor().long()
        high = (low + 1).clamp(max=x.shape[axis] - 1)
        share = (position - low).view([-1 if dim == axis else 1 for dim in range(4)])
        x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share
    return x


def _split(attributes: dict[str, Any], x: Tensor, sizes: Tensor, axis: Tensor) -> tuple[Tensor, ...]:
    return torch.split(x, sizes.tolist(), int(axis))


def _sparse_to_dense(attributes: dict[str, Any], index: Tensor, shape: Tensor, values: Tensor, fill: Tensor) -> Tensor:
    dense = torch.full(shape.tolist(), float(fill), dtype=torch.float64).to(values.dtype)
    if index.numel():
        dense[tuple(index.long().T)] = values
    return dense


def _mean(attributes: dict[str, Any], x: Tensor, axes: Tensor) -> Tensor:
    return x.mean(axes.reshape(-1).tolist(), keepdim=attributes.get("keep_dims", {}).get("b", False))


OPERATIONS: dict[str, Callable[..., Value]] = {
    "Identity": lambda a, x: x,
    "Add": lambda a, x, y: x + y,
    "AddV2": lambda a, x, y: x + y,
    "Mul": lambda a, x, y: x * y,
    "Sub": lambda a, x, y: x - y,
    "Relu": lambda a, x: x.relu(),
    "Relu6": lambda a, x: x.clamp(0.0, 6.0),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", {}).get("f", 0.2)),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Transpose": lambda a, x, order: x.permute(order.tolist()),
    "Reshape": lambda a, x, shape: x.reshape(shape.tolist()),
    "ConcatV2": lambda a, *xs: torch.cat(xs[:-1], int(xs[-1])),
    "Conv2D": _convolution,
    "_FusedConv2D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "FusedDepthwiseConv2dNative": _depthwise,
    "MaxPool": _max_pool,
    "Mean": _mean,
    "Pad": _pad,
    "PadV2": _pad,
    "ResizeBilinear": _resize,
    "SplitV": _split,
    "SparseToDense": _sparse_to_dense,
}
