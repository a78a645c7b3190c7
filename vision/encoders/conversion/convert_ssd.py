"""Converts SSD-MobileNetV2 from the npm package @mediapipe/objectron into `assets/models/ssd_mobilenet.safetensors`.

    npm pack @mediapipe/objectron@0.4.1675468480
    pip install tflite==2.18.0 ai-edge-litert==2.3.0
    python -m vision.encoders.conversion.convert_ssd mediapipe-objectron-0.4.1675468480.tgz [--golden FOLDER]

In: the package, refused unless its SHA-256 is the one below. Out: the weights under readable names, int8 in rows, and,
with --golden, what TensorFlow Lite's own interpreter makes of a small picture, which the tests compare with the module.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from vision.encoders.conversion.convert_nanodet import golden_picture
from vision.encoders.ssd import CLASSES, SIDE_PX, SSDMobileNetV2, normalise_for_ssd
from vision.encoders.stored_weights import packed_state

__all__ = ["GOLDEN_STEP", "backbone_names", "main"]

PACKAGE_SHA256 = "fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c"
MEMBER, START, END = "package/objectron_solution_packed_assets.data", 184, 9_987_912
GOLDEN_STEP = 13  # every 13th anchor is kept
_HEAD = re.compile(r"^BoxPredictor_(\d)/(BoxEncoding|Class)Predictor/Conv2D$")


def backbone_names() -> list[str]:
    """The convolutions of the module but for its heads, in the order in which they are computed."""
    names = [name.removesuffix(".weight") for name in SSDMobileNetV2().state_dict() if name.endswith(".weight")]
    return [name for name in names if not name.startswith(("codes", "scores"))]


def read_model(package: Path) -> bytes:
    """The TensorFlow Lite file in the package."""
    with tarfile.open(package) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        return member.read()[START:END]


def convert(model: bytes) -> dict[str, Tensor]:
    """The module's state, float32: the constants of the graph are float16 behind a conversion each."""
    import tflite  # a reader of the format; only whoever converts needs it

    graph = tflite.Model.GetRootAs(model).Subgraphs(0)
    root = tflite.Model.GetRootAs(model)
    constant_of: dict[int, int] = {}
    state: dict[str, Tensor] = {}
    rest = iter(backbone_names())

    def constant(index: int) -> np.ndarray:
        tensor = graph.Tensors(constant_of[index])
        data = root.Buffers(tensor.Buffer()).DataAsNumpy()
        return np.frombuffer(data.tobytes(), np.float16).reshape(tensor.ShapeAsNumpy())

    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        kind = root.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if kind == tflite.BuiltinOperator.DEQUANTIZE:
            constant_of[operator.Outputs(0)] = operator.Inputs(0)
        elif kind in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D):
            weight, bias = constant(operator.Inputs(1)), constant(operator.Inputs(2))
            head = _HEAD.match(graph.Tensors(constant_of[operator.Inputs(1)]).Name().decode())
            is_depthwise = kind == tflite.BuiltinOperator.DEPTHWISE_CONV_2D
            name = f"{'codes' if head[2] == 'BoxEncoding' else 'scores'}.{head[1]}" if head else next(rest)
            order = (3, 0, 1, 2) if is_depthwise else (0, 3, 1, 2)  # 1 h w C or O h w I -> O I h w
            state[f"{name}.weight"] = torch.from_numpy(weight.astype(np.float32).transpose(order).copy())
            state[f"{name}.bias"] = torch.from_numpy(bias.astype(np.float32))
    SSDMobileNetV2().load_state_dict(state)  # names and shapes are complete, or this raises
    return state


def golden_output(model: bytes) -> dict[str, np.ndarray]:
    """What TensorFlow Lite gives for the golden picture: scores and box codes of every 13th anchor."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    images = normalise_for_ssd(torch.from_numpy(golden_picture(SIDE_PX))[None]).permute(0, 2, 3, 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images.numpy())
    interpreter.invoke()
    found = {detail["shape"][-1]: detail["index"] for detail in interpreter.get_output_details()}
    scores = 1.0 / (1.0 + np.exp(-interpreter.get_tensor(found[len(CLASSES)])[0]))
    return {"scores": scores[::GOLDEN_STEP], "codes": interpreter.get_tensor(found[4])[0, ::GOLDEN_STEP]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("--out", type=Path, default=Path("assets/models/ssd_mobilenet.safetensors"))
    parser.add_argument("--golden", type=Path, help="folder for ssd_golden.npz")
    options = parser.parse_args(arguments)
    digest = hashlib.sha256(options.package.read_bytes()).hexdigest()
    if digest != PACKAGE_SHA256:
        raise SystemExit(f"{options.package} has SHA-256 {digest}, expected {PACKAGE_SHA256}")
    model = read_model(options.package)
    save_file(packed_state(convert(model)), options.out, {"source": "@mediapipe/objectron 0.4.1675468480"})
    if options.golden:
        arrays: dict[str, Any] = golden_output(model)
        np.savez_compressed(options.golden / "ssd_golden.npz", **arrays)


if __name__ == "__main__":
    main()
